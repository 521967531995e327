import { beforeEach, describe, expect, test } from 'vitest'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { bytesToHex, concatBytes, type Hex, hexToBytes, zeroHash } from '../../protocol/bytes.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { clashes, firstClash, joinTerms, use } from '../../protocol/licences/lattice.ts'
import { spdxTerms } from '../../protocol/licences/spdx.ts'
import type { Terms } from '../../protocol/licences/terms.ts'
import { licence, permissive } from '../fakes/licences.ts'
import { type Actor, MoneyChain, open } from '../fakes/money-chain.ts'
import { Random } from '../fakes/random.ts'
import { addingDiff, noRoots } from '../fakes/version-diff.ts'

const word = (n: number): Hex => `0x${n.toString(16).padStart(64, '0')}`
const version = { weightsManifest: word(1), configHash: word(2), trainingRoot: word(3), indexIds: [] }
const [ofDatanet, ofModel] = [0, 1]
const number = (name: (typeof clashes)[number]) => clashes.indexOf(name)

let chain: MoneyChain
let owner: Actor
beforeEach(async () => {
  chain = await MoneyChain.create()
  owner = chain.actor('model owner')
})

const datanet = async (licenceId: Hex) =>
  (await chain.send(owner, 'DatanetRegistry', 'create', [0, 0, licenceId, zeroHash, 0n, word(4)])).result as bigint
const modelArgs = (licenceId: Hex, datanets: readonly bigint[], parents: readonly bigint[] = []) => [
  { kind: 0, verifyClasses: 1, licenceId, version },
  parents.map((id) => ({ id, relation: 0, bps: 100, policy: 0 })),
  datanets.map((id) => ({ id, version: 0, weightBps: 100 })),
]
const register = async (licenceId: Hex, datanets: readonly bigint[], parents: readonly bigint[] = []) =>
  (await chain.send(owner, 'ModelRegistry', 'register', modelArgs(licenceId, datanets, parents))).result as bigint
const refused = async (licenceId: Hex, datanets: readonly bigint[], parents: readonly bigint[] = []) => {
  const { error, args } = await chain.fails(owner, 'ModelRegistry', 'register', modelArgs(licenceId, datanets, parents))
  return [error, ...args]
}
const price = (model: bigint, rin: bigint, rout: bigint) => [model, 1, 0, rin, rout, chain.now + 60n]
const policy = (name: string, args: readonly unknown[]) => chain.read('LicencePolicy', name, args)

describe('LicencePolicy', () => {
  test('knows the listed licences with the terms of the table, and no others', async () => {
    for (const id of ['MIT', 'CC0-1.0', 'CC-BY-NC-SA-4.0', 'CC-BY-ND-4.0', 'GPL-3.0-only', 'ODbL-1.0']) {
      expect(await policy('termsOf', [licence(id)])).toBe(spdxTerms.get(id))
    }
    await expect(policy('termsOf', [licence('BUSL-1.1')])).rejects.toThrow('UnknownLicence')
    expect(await refused(licence('BUSL-1.1'), [])).toEqual(['UnknownLicence', licence('BUSL-1.1')])
    expect(await refused(zeroHash, [])).toEqual(['UnknownLicence', zeroHash])
  })

  test('a Datanet under a licence that nobody knows is refused', async () => {
    const create = [0, 0, licence('MIT-ish'), zeroHash, 0n, word(4)]
    expect((await chain.fails(owner, 'DatanetRegistry', 'create', create)).error).toBe('UnknownLicence')
  })

  test('explicit terms make a licence known; its id is the hash of them and of the text, so that no name is taken', async () => {
    const { events, result } = await chain.send(owner, 'LicencePolicy', 'defineLicence', [3, word(99)])
    const id = bytesToHex(
      keccak256(concatBytes(new TextEncoder().encode('LicenseRef'), Uint8Array.of(3), hexToBytes(word(99)))),
    )
    expect(result).toBe(id)
    expect(events.map(({ name }) => name)).toEqual(['LicenceDefined'])
    expect(await policy('termsOf', [id])).toBe(3)
    const data = await datanet(id)
    expect(await refused(permissive, [data])).toEqual([
      'LicenceClash',
      number('non-commercial-dropped'),
      ofDatanet,
      data,
    ])
    const again = await chain.fails(owner, 'LicencePolicy', 'defineLicence', [3, word(99)])
    expect(again.error).toBe('AlreadyKnown')
    for (const terms of [16, 12, 13, 255]) {
      expect((await chain.fails(owner, 'LicencePolicy', 'defineLicence', [terms, word(98)])).error).toBe('BadTerms')
    }
    expect((await chain.fails(owner, 'LicencePolicy', 'defineLicence', [0, zeroHash])).error).toBe('EmptyText')
  })

  test('only the Timelock adds to the list, and nobody changes what a licence asks', async () => {
    const args = [licence('BUSL-1.1'), 2]
    expect((await chain.fails(owner, 'LicencePolicy', 'listLicence', args)).error).toBe('NotTimelock')
    await chain.send(openLedgerPredeploys.timelock, 'LicencePolicy', 'listLicence', args)
    expect(await policy('termsOf', args.slice(0, 1))).toBe(2)
    for (const [id, terms] of [
      ['BUSL-1.1', 0],
      ['MIT', 1],
    ] as const) {
      const error = await chain.fails(openLedgerPredeploys.timelock, 'LicencePolicy', 'listLicence', [
        licence(id),
        terms,
      ])
      expect(error.error).toBe('AlreadyKnown')
    }
  })

  test('only the ModelRegistry licenses models', async () => {
    for (const [name, args] of [
      ['licenseModel', [1n, permissive, [], []]],
      ['licenseVersion', [1n, false, []]],
    ] as const) {
      expect((await chain.fails(owner, 'LicencePolicy', name, args)).error).toBe('NotModelRegistry')
    }
  })
})

describe('a licence at training', () => {
  test('no-derivatives data is refused in a fine-tune, whatever the model is under', async () => {
    const data = await datanet(licence('CC-BY-ND-4.0'))
    const base = await register(permissive, [])
    for (const id of ['MIT', 'CC-BY-ND-4.0']) {
      expect(await refused(licence(id), [data], [base])).toEqual([
        'LicenceClash',
        number('no-derivatives'),
        ofDatanet,
        data,
      ])
    }
    expect((await refused(permissive, [data])).slice(0, 2)).toEqual(['LicenceClash', number('no-derivatives-dropped')])
    // Learnt from, under such terms itself: and then nothing more is made from it.
    const frozen = await register(licence('CC-BY-ND-4.0'), [data])
    expect(await refused(permissive, [], [frozen])).toEqual(['LicenceClash', number('no-derivatives'), ofModel, frozen])
  })

  test('share-alike is carried on to the grandchild, without more terms; the first work that clashes is named', async () => {
    const free = await datanet(permissive)
    const data = await datanet(licence('CC-BY-SA-4.0'))
    expect(await refused(permissive, [free, data])).toEqual([
      'LicenceClash',
      number('share-alike-dropped'),
      ofDatanet,
      data,
    ])
    const changed = await refused(licence('CC-BY-NC-SA-4.0'), [data])
    expect(changed.slice(0, 2)).toEqual(['LicenceClash', number('share-alike-changed')])
    const child = await register(licence('CC-BY-SA-4.0'), [free, data])
    expect(await refused(permissive, [], [child])).toEqual([
      'LicenceClash',
      number('share-alike-dropped'),
      ofModel,
      child,
    ])
    await register(licence('CC-BY-SA-4.0'), [], [child])
  })

  test('two share-alike licences of other terms cannot be merged under any licence', async () => {
    const both = [await datanet(licence('CC-BY-SA-4.0')), await datanet(licence('CC-BY-NC-SA-4.0'))]
    for (const id of new Map([...spdxTerms].map(([spdx, terms]) => [terms, spdx])).values()) {
      expect((await refused(licence(id), both))[0]).toBe('LicenceClash')
    }
  })

  test('the duty to name authors is recorded and passed on to a child whose licence does not have it', async () => {
    const data = await datanet(licence('CC-BY-4.0'))
    const child = await register(licence('CC0-1.0'), [data])
    const grandchild = await register(licence('CC0-1.0'), [], [child])
    expect(await policy('modelLicence', [grandchild])).toEqual({
      licenceId: licence('CC0-1.0'),
      terms: 0,
      inherited: 2,
    })
  })
})

describe('a licence at pricing', () => {
  test('a model of non-commercial data has no price but zero, nor has its grandchild', async () => {
    const nonCommercial = licence('CC-BY-NC-4.0')
    const child = await register(nonCommercial, [await datanet(nonCommercial)])
    const grandchild = await register(nonCommercial, [], [child])
    for (const model of [child, grandchild]) {
      for (const [rin, rout] of [
        [1n, 0n],
        [0n, 1n],
        [5n, 5n],
      ] as const) {
        const { error, args } = await chain.fails(owner, 'ModelRegistry', 'setPrice', price(model, rin, rout))
        expect([error, ...args]).toEqual(['LicenceClash', number('non-commercial-price'), ofModel, model])
      }
      await chain.send(owner, 'ModelRegistry', 'setPrice', price(model, 0n, 0n))
    }
  })

  test('an owner may sell a model of free data whose licence keeps others from selling what they make of it', async () => {
    const mine = await register(licence('CC-BY-NC-4.0'), [await datanet(permissive)])
    await chain.send(owner, 'ModelRegistry', 'setPrice', price(mine, 1n, 1n))
    const theirs = await register(licence('CC-BY-NC-4.0'), [], [mine])
    expect((await chain.fails(owner, 'ModelRegistry', 'setPrice', price(theirs, 1n, 1n))).error).toBe('LicenceClash')
  })

  test('access to non-commercial data is not sold', async () => {
    const data = await datanet(licence('CC-BY-NC-SA-4.0'))
    await expect(policy('requirePriceable', [data])).rejects.toThrow('LicenceClash')
    await policy('requirePriceable', [await datanet(licence('CC-BY-ND-4.0'))])
  })
})

/** A Datanet under a licence, with the id of an index of its first version. */
async function indexed(licenceId: Hex): Promise<{ readonly datanet: bigint; readonly index: Hex }> {
  const id = await datanet(licenceId)
  await chain.send(owner, 'DatanetRegistry', 'setStatus', [id, 2])
  await chain.send(owner, 'DatanetRegistry', 'publish', [id, { ...noRoots, itemsRoot: word(6) }, addingDiff(1)])
  const record = {
    ...{ datanet: id, version: 1, tokenizerHash: word(7), vocab: 8, n: 4, documents: 2, tokenRoot: word(1) },
    ...{ suffixRoot: word(2), documentRoot: word(3), unigramRoot: word(4), offsetRoot: word(5) },
  }
  const { result } = await chain.send(owner, 'IndexRegistry', 'publish', [record], { value: 100n * open })
  return { datanet: id, index: result as Hex }
}
const withIndexes = (indexIds: readonly Hex[]) => ({ ...version, indexIds: [...indexIds].sort() })
const registerWith = (licenceId: Hex, indexIds: readonly Hex[], parents: readonly bigint[] = []) => {
  const [params, ...rest] = modelArgs(licenceId, [], parents)
  return [{ ...(params as object), version: withIndexes(indexIds) }, ...rest]
}

describe('a licence of a Datanet whose index a model version names', () => {
  test('binds as one that it was trained on, at registration and at every later version', async () => {
    const { datanet: data, index } = await indexed(licence('CC-BY-NC-4.0'))
    const clash = ['LicenceClash', number('non-commercial-dropped'), ofDatanet, data]
    const atOnce = await chain.fails(owner, 'ModelRegistry', 'register', registerWith(permissive, [index]))
    expect([atOnce.error, ...atOnce.args]).toEqual(clash)
    const free = await register(permissive, [])
    const later = await chain.fails(owner, 'ModelRegistry', 'publish', [free, withIndexes([index])])
    expect([later.error, ...later.args]).toEqual(clash)
    await chain.send(owner, 'ModelRegistry', 'register', registerWith(licence('CC-BY-NC-4.0'), [index]))
  })

  test('a model that names an index of non-commercial texts has no price but zero from then on; one promised before stays', async () => {
    const { index } = await indexed(licence('CC-BY-NC-4.0'))
    const mine = await register(licence('CC-BY-NC-4.0'), [])
    await chain.send(owner, 'ModelRegistry', 'setPrice', price(mine, 1n, 1n))
    const { events } = await chain.send(owner, 'ModelRegistry', 'publish', [mine, withIndexes([index])])
    expect(events.map(({ name }) => name)).toEqual(['ModelVersion', 'ModelIndexes', 'ModelLicensed'])
    expect(await policy('modelLicence', [mine])).toMatchObject({ terms: 3, inherited: 3 })
    for (const version of [1, 2]) {
      const next = [mine, version, 0, 1n, 0n, chain.now + 60n]
      const { error, args } = await chain.fails(owner, 'ModelRegistry', 'setPrice', next)
      expect([error, ...args]).toEqual(['LicenceClash', number('non-commercial-price'), ofModel, mine])
    }
    await chain.send(owner, 'ModelRegistry', 'setPrice', price(mine, 0n, 0n))
    const promised = (await chain.read('ModelRegistry', 'priceOf', [word(Number((mine << 32n) | 1n)), 0, 1])) as object
    expect(promised).toMatchObject({ rin: 1n, rout: 1n })
    // Whoever builds on it inherits what it names.
    const child = await register(licence('CC-BY-NC-4.0'), [], [mine])
    expect((await chain.fails(owner, 'ModelRegistry', 'setPrice', price(child, 1n, 0n))).error).toBe('LicenceClash')
    const again = await chain.send(owner, 'ModelRegistry', 'publish', [mine, withIndexes([index])])
    expect(again.events.map(({ name }) => name)).not.toContain('ModelLicensed')
  })

  test('random versions: the chain refuses exactly what the rule refuses of their Datanets', async () => {
    const random = new Random(23)
    const licences = [...new Map([...spdxTerms].map(([spdx, terms]) => [terms, spdx]))]
    const data: { readonly datanet: bigint; readonly index: Hex; readonly terms: Terms }[] = []
    for (const [terms, spdx] of licences) data.push({ ...(await indexed(licence(spdx))), terms })
    const models: { readonly id: bigint; readonly terms: Terms; readonly hasParents: boolean; inherited: Terms }[] = []
    for (const [terms, spdx] of licences) {
      const base = await register(licence(spdx), [])
      models.push({ id: base, terms, hasParents: false, inherited: 0 as Terms })
      if (firstClash([terms], terms, use.fineTune) !== undefined) continue
      const id = await register(licence(spdx), [], [base])
      models.push({ id, terms, hasParents: true, inherited: terms })
    }
    const outcomes = { published: 0, refused: 0 }
    for (let i = 0; i < lineages; i++) {
      const model = random.pick(models)
      const named = [...new Set(random.list(1 + random.int(2), () => random.pick(data)))]
      named.sort((a, b) => (a.index < b.index ? -1 : 1))
      const works = named.map(({ terms }) => terms)
      const clash = firstClash(works, model.terms, model.hasParents ? use.fineTune : use.train)
      const args = [model.id, withIndexes(named.map(({ index }) => index))]
      if (clash === undefined) {
        await chain.send(owner, 'ModelRegistry', 'publish', args)
        model.inherited = joinTerms([model.inherited, ...works])
        outcomes.published++
      } else {
        const { error, args: why } = await chain.fails(owner, 'ModelRegistry', 'publish', args)
        const at = named[clash.at]?.datanet
        expect([error, ...why]).toEqual(['LicenceClash', number(clash.clash), ofDatanet, at])
        outcomes.refused++
      }
      expect(await policy('modelLicence', [model.id])).toMatchObject({ inherited: model.inherited })
    }
    for (const seen of Object.values(outcomes)) expect(seen).toBeGreaterThan(lineages / 40)
  }, 120_000)
})

test('random lineages: the chain refuses exactly what the rule refuses of all ancestors together', async () => {
  const random = new Random(19)
  const licences = [...new Map([...spdxTerms].map(([spdx, terms]) => [terms, spdx]))]
  const data: { readonly id: bigint; readonly terms: Terms }[] = []
  for (const [terms, spdx] of licences) data.push({ id: await datanet(licence(spdx)), terms })
  const models: { readonly id: bigint; readonly terms: Terms; readonly inherited: Terms }[] = []
  const outcomes = { registered: 0, refused: 0, priced: 0, unpriced: 0 }
  for (let i = 0; i < lineages; i++) {
    const [terms, spdx] = random.pick(licences)
    const from = models.length === 0 ? [] : [...new Set(random.list(random.int(3), () => random.pick(models)))]
    const learnt = [...new Set(random.list(random.int(3), () => random.pick(data)))]
    learnt.sort((a, b) => (a.id < b.id ? -1 : 1))
    const works = [...from.map((model) => model.terms | model.inherited), ...learnt.map((each) => each.terms)]
    const clash = firstClash(works, terms, from.length === 0 ? use.train : use.fineTune)
    const ids = [learnt.map(({ id }) => id), from.map(({ id }) => id)] as const
    if (clash !== undefined) {
      const at =
        clash.at < from.length ? [ofModel, from[clash.at]?.id] : [ofDatanet, learnt[clash.at - from.length]?.id]
      expect(await refused(licence(spdx), ...ids)).toEqual(['LicenceClash', number(clash.clash), ...at])
      outcomes.refused++
      continue
    }
    const id = await register(licence(spdx), ...ids)
    const inherited = joinTerms(works)
    models.push({ id, terms, inherited })
    outcomes.registered++
    expect(await policy('modelLicence', [id])).toEqual({ licenceId: licence(spdx), terms, inherited })
    const sold = firstClash([inherited], terms, use.price) === undefined
    if (sold) await chain.send(owner, 'ModelRegistry', 'setPrice', price(id, 1n, 0n))
    else expect((await chain.fails(owner, 'ModelRegistry', 'setPrice', price(id, 1n, 0n))).error).toBe('LicenceClash')
    outcomes[sold ? 'priced' : 'unpriced']++
  }
  for (const seen of Object.values(outcomes)) expect(seen).toBeGreaterThan(lineages / 40)
}, 120_000)

const lineages = Number(process.env['OPENLEDGER_FUZZ'] ?? 100)
