import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { clashOf, firstClash, joinTerms, use } from '../../../protocol/licences/lattice.ts'
import { nameOfTerms, parseTerms, type Terms, term } from '../../../protocol/licences/terms.ts'

const terms = fc.integer({ min: 0, max: 15 })
const many = fc.array(terms, { maxLength: 6 })
const uses = fc.integer({ min: 1, max: 15 })
const all = Array.from({ length: 16 }, (_, i) => i)
const learning = fc.constantFrom(use.train, use.fineTune, use.redistribute, use.train | use.redistribute)

const agrees = (parents: readonly Terms[], child: Terms, how: number) => firstClash(parents, child, how) === undefined
const of = (name: string) => parseTerms(name) ?? Number.NaN

describe('the lattice of terms', () => {
  test('a work more, or a use more, never makes allowed what was refused', () => {
    fc.assert(
      fc.property(many, terms, terms, uses, uses, (parents, other, child, some, more) => {
        if (agrees([...parents, other], child, some | more)) expect(agrees(parents, child, some)).toBe(true)
      }),
    )
  })

  test('ND or SA taken from a work never makes refused what was allowed, nor NC where it is not share-alike', () => {
    for (const work of all) {
      for (const child of all) {
        for (let how = 1; how < 16; how++) {
          if (clashOf(work, child, how) !== undefined) continue
          expect(clashOf(work & ~term.shareAlike, child, how)).toBeUndefined()
          if ((work & term.shareAlike) !== 0) continue
          expect(clashOf(work & ~term.noDerivatives, child, how)).toBeUndefined()
          expect(clashOf(work & ~term.nonCommercial, child, how)).toBeUndefined()
        }
      }
    }
  })

  test('what a child and its child may be, the first works allow of the grandchild too', () => {
    fc.assert(
      fc.property(many, terms, terms, learning, (works, child, grandchild, how) => {
        const passedOn = child | joinTerms(works)
        if (!agrees(works, child, how) || !agrees([passedOn], grandchild, how)) return
        expect(agrees(works, grandchild, how)).toBe(true)
        // What keeps the first works from having a price keeps the last one.
        if (!agrees(works, child, use.price)) expect(agrees([grandchild], grandchild, use.price)).toBe(false)
      }),
      { numRuns: 2_000 },
    )
  })

  test('order and repetition of works do not matter, and terms joined to themselves stay', () => {
    fc.assert(
      fc.property(many, terms, uses, (works, child, how) => {
        const twice = [...works, ...works].reverse()
        expect(agrees(twice, child, how)).toBe(agrees(works, child, how))
        expect(joinTerms(twice)).toBe(joinTerms(works))
      }),
    )
  })

  test('a work is given on under its own terms, and learnt from', () => {
    for (const each of all) {
      expect(clashOf(each, each, use.redistribute | use.train)).toBeUndefined()
      expect(clashOf(each, each, use.fineTune)).toBe((each & term.noDerivatives) === 0 ? undefined : 'no-derivatives')
    }
  })

  // The columns and rows of Creative Commons' chart of licences that an adaptation may be under ("Adapter's licence").
  test.each([
    ['none', ['none', 'BY', 'BY-NC', 'BY-NC-ND', 'BY-NC-SA', 'BY-ND', 'BY-SA']],
    ['BY', ['BY', 'BY-NC', 'BY-NC-ND', 'BY-NC-SA', 'BY-ND', 'BY-SA']],
    ['BY-NC', ['BY-NC', 'BY-NC-ND', 'BY-NC-SA']],
    ['BY-NC-ND', []],
    ['BY-NC-SA', ['BY-NC-SA']],
    ['BY-ND', []],
    ['BY-SA', ['BY-SA']],
  ])('what is made from %s may be under %j alone', (work, allowed) => {
    const licences = ['BY', 'BY-NC', 'BY-NC-ND', 'BY-NC-SA', 'BY-ND', 'BY-SA']
    const found = licences.filter((child) => clashOf(of(work), of(child), use.fineTune) === undefined)
    expect(found).toEqual(allowed.filter((name) => name !== 'none').sort())
  })

  test('each clash has its name', () => {
    expect(clashOf(of('BY-NC'), of('BY-NC'), use.price)).toBe('non-commercial-price')
    expect(clashOf(of('BY-ND'), of('BY-ND'), use.fineTune)).toBe('no-derivatives')
    expect(clashOf(of('BY-NC'), of('BY'), use.train)).toBe('non-commercial-dropped')
    expect(clashOf(of('BY-SA'), of('BY'), use.train)).toBe('share-alike-dropped')
    expect(clashOf(of('BY-SA'), of('BY-NC-SA'), use.train)).toBe('share-alike-changed')
    expect(clashOf(of('BY-ND'), of('BY'), use.train)).toBe('no-derivatives-dropped')
    expect(clashOf(of('BY'), of('none'), use.fineTune)).toBeUndefined()
  })
})

test('terms are read as they are written', () => {
  for (const each of all) expect(parseTerms(nameOfTerms(each))).toBe(each)
  expect(parseTerms('nc,by')).toBe(3)
  for (const wrong of ['', 'BY-BY', 'CC-BY', 'NC ND', 'toString']) expect(parseTerms(wrong)).toBeUndefined()
})
