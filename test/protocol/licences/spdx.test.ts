import spdxList from 'spdx-license-list'
import { expect, test } from 'vitest'
import { licenceIdOf, spdxOf, spdxTerms } from '../../../protocol/licences/spdx.ts'
import { nameOfTerms, parseTerms, term } from '../../../protocol/licences/terms.ts'

const known = [...spdxTerms.keys()]

test('every licence of the table stands on the SPDX list, once, and has an id of its own on chain', () => {
  expect(known.filter((id) => !Object.hasOwn(spdxList, id))).toEqual([])
  expect(new Set(known.map(licenceIdOf)).size).toBe(known.length)
  for (const id of known) expect(spdxOf(licenceIdOf(id) ?? '0x')).toBe(id)
  expect(licenceIdOf('X11-distribute-modifications-variant')).toBeUndefined()
  expect(licenceIdOf('MIT ')).toBeUndefined()
})

test('a Creative Commons licence asks for what its name says, and none is left out', () => {
  for (const id of Object.keys(spdxList)) {
    const [, name] = /^CC-((?:(?:BY|NC|SA|ND)-)+)\d/.exec(id) ?? []
    if (name === undefined) continue
    expect([id, spdxTerms.get(id)]).toEqual([id, parseTerms(name.slice(0, -1))])
  }
})

test('no licence forbids derivatives and asks for their terms at once', () => {
  const contradictory = term.shareAlike | term.noDerivatives
  for (const [id, terms] of spdxTerms) expect([id, terms & contradictory]).not.toEqual([id, contradictory])
})

test('licences approved by the OSI restrict neither commerce nor derivatives, and copyleft is share-alike', () => {
  for (const [id, terms] of spdxTerms) {
    if (spdxList[id]?.osiApproved === true)
      expect([id, terms & (term.nonCommercial | term.noDerivatives)]).toEqual([id, 0])
    if (/^(?:[AL]?GPL|EUPL|MPL|EPL|OSL|CDDL)-/.test(id)) expect([id, nameOfTerms(terms)]).toEqual([id, 'BY-SA'])
  }
})
