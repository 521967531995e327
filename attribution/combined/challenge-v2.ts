/** A call of DisputeGame: its arguments behind receipt, segments and, of a claim, the entry, whose place `entries` names. */
export type ChallengeV2 = {
  readonly functionName: string
  readonly entries: readonly number[]
  /** What stands in the claim behind the first entry, the others behind it; undefined of calls that take entries alone. */
  readonly claim: Readonly<Record<string, unknown>> | undefined
  readonly rest: readonly unknown[]
}
