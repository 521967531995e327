/** A number of the chain beside what it should be. */
export type Figure = {
  readonly name: string
  /** How it is made, with the numbers in place. */
  readonly formula: string
  readonly recomputed: bigint
  /** Undefined: the chain has none. */
  readonly onChain: bigint | undefined
}

export function isEqual({ recomputed, onChain }: Figure): boolean {
  return recomputed === onChain
}

/** A figure that is not the chain's, in a line. */
export function differenceLine(where: string, { name, formula, recomputed, onChain }: Figure): string {
  return `${where}: ${name} is ${onChain ?? 'not there'} on chain and ${recomputed} by ${formula}`
}
