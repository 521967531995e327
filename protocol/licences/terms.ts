/** Machine terms of a licence: what it asks of whoever uses the work. docs/LICENCES.md */
export const term = {
  /** NC: not at a price. */
  nonCommercial: 1,
  /** BY: its authors are named. */
  attribution: 2,
  /** SA: what is made from it is under the same terms. */
  shareAlike: 4,
  /** ND: nothing is made from it that is given on. */
  noDerivatives: 8,
} as const

/** Terms together: a sum of {@link term}. */
export type Terms = number

/** Every term together. */
export const termsMask: Terms = 0x0f

const letters = { NC: term.nonCommercial, BY: term.attribution, SA: term.shareAlike, ND: term.noDerivatives } as const

/** `BY-NC-SA` in the order of Creative Commons; `none` where the licence asks for nothing. */
export function nameOfTerms(terms: Terms): string {
  const order = ['BY', 'NC', 'SA', 'ND'] as const
  return order.filter((name) => (terms & letters[name]) !== 0).join('-') || 'none'
}

/** Reads `BY-NC`, `by,nc` or `none`; undefined for anything else. */
export function parseTerms(text: string): Terms | undefined {
  if (text.toLowerCase() === 'none') return 0
  let terms: Terms = 0
  for (const part of text.toUpperCase().split(/[-,]/)) {
    const bit = Object.hasOwn(letters, part) ? letters[part as keyof typeof letters] : undefined
    if (bit === undefined || (terms & bit) !== 0) return undefined
    terms |= bit
  }
  return terms
}
