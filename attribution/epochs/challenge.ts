/** A function of DisputeGame or AttributionLedger and its arguments in order, as an ABI encoder takes them. */
export type Call = { readonly functionName: string; readonly args: readonly unknown[] }

/**
 * What to do about a batch or an epoch. `right`: nothing, it is right or its difference moves no wei. `challenge`: DisputeGame
 * voids or reverts it by this call. `demand`: leaves are not known; AttributionLedger has whoever committed them show one
 * (the caller adds the wei of `answerPrice`), and silence voids or reverts; `also`: further leaves that save rounds.
 */
export type Verdict =
  | { readonly kind: 'right' }
  | { readonly kind: 'challenge'; readonly call: Call }
  | { readonly kind: 'demand'; readonly call: Call; readonly also?: readonly Call[] }

export const right: Verdict = { kind: 'right' }

export function challenge(functionName: string, ...args: readonly unknown[]): Verdict {
  return { kind: 'challenge', call: { functionName, args } }
}

export function demand(functionName: string, ...args: readonly unknown[]): Verdict {
  return { kind: 'demand', call: { functionName, args } }
}

/** Leaves of one tree, of which the first matters most. */
export function demandAll(functionName: string, subject: unknown, indexes: readonly number[]): Verdict {
  const [call, ...also] = indexes.map((index) => ({ functionName, args: [subject, index] }))
  if (call === undefined) throw new Error('a demand of no leaf')
  return { kind: 'demand', call, also }
}
