import { type Terms, term } from './terms.ts'

/** What is done with a work: a sum of these. */
export const use = {
  /** A model learns from it from nothing. */
  train: 1,
  /** A model is made from another with it. */
  fineTune: 2,
  /** Somebody pays for what was made from it. */
  price: 4,
  /** It is given on unchanged. */
  redistribute: 8,
} as const

export type Uses = number

/** Every use together. */
export const usesMask: Uses = 0x0f

/** Why what is made from a work clashes with the work's licence; the numbers of contracts/src/precompiles/LicenceLattice.sol. */
export const clashes = [
  'none',
  'non-commercial-price',
  'no-derivatives',
  'non-commercial-dropped',
  'share-alike-dropped',
  'share-alike-changed',
  'no-derivatives-dropped',
] as const

export type Clash = Exclude<(typeof clashes)[number], 'none'>

/** A clash in words. */
export const clashTexts: Readonly<Record<Clash, string>> = {
  'non-commercial-price': 'work that is not for commercial use may not be used at a price',
  'no-derivatives': 'nothing may be fine-tuned from a work that allows no derivatives',
  'non-commercial-dropped': 'what is made from non-commercial work has to stay non-commercial',
  'share-alike-dropped': 'what is made from share-alike work has to be share-alike',
  'share-alike-changed': 'what is made from share-alike work has to keep its terms: none may be added',
  'no-derivatives-dropped': 'a work that allows no derivatives is given on, or learnt from, only under such terms',
}

/**
 * How a child's terms clash with those of one work that it is made from; undefined where they do not. BY is no reason: the
 * duty to name the authors is passed on by {@link joinTerms}.
 */
export function clashOf(parent: Terms, child: Terms, uses: Uses): Clash | undefined {
  const has = (bit: number) => (parent & bit) !== 0
  const lacks = (bit: number) => (child & bit) === 0
  if (has(term.nonCommercial) && (uses & use.price) !== 0) return 'non-commercial-price'
  if (has(term.noDerivatives) && (uses & use.fineTune) !== 0) return 'no-derivatives'
  if ((uses & carrying) === 0) return undefined
  if (has(term.nonCommercial) && lacks(term.nonCommercial)) return 'non-commercial-dropped'
  if (has(term.shareAlike)) {
    if (lacks(term.shareAlike)) return 'share-alike-dropped'
    if (((parent ^ child) & ~term.attribution) !== 0) return 'share-alike-changed'
  }
  if (has(term.noDerivatives) && lacks(term.noDerivatives)) return 'no-derivatives-dropped'
  return undefined
}

/** Uses whose result has terms of its own, so that it has to carry on those of what it is made from. */
const carrying: Uses = use.train | use.fineTune | use.redistribute

/** The first work in whose terms a child clashes. */
export function firstClash(
  parents: readonly Terms[],
  child: Terms,
  uses: Uses,
): { readonly clash: Clash; readonly at: number } | undefined {
  for (const [at, parent] of parents.entries()) {
    const clash = clashOf(parent, child, uses)
    if (clash !== undefined) return { clash, at }
  }
  return undefined
}

/** What is owed to all of them together. */
export function joinTerms(terms: readonly Terms[]): Terms {
  return terms.reduce((all, each) => all | each, 0)
}
