/** Forks of the L2 in order. Spec: protocol/superchain-upgrades.md. */
export const hardforks = [
  'bedrock',
  'regolith',
  'canyon',
  'delta',
  'ecotone',
  'fjord',
  'granite',
  'holocene',
  'isthmus',
  'jovian',
  'karst',
] as const

export type Hardfork = (typeof hardforks)[number]

/** Activation timestamps in seconds; a fork that is absent never activates. Bedrock is always active. */
export type ForkTimes = { readonly [F in Exclude<Hardfork, 'bedrock'>]?: bigint | undefined }

/** True where `fork` is active at `timestamp` (seconds, of the clock that governs the rule asked about). */
export function isActive(times: ForkTimes, fork: Hardfork, timestamp: bigint): boolean {
  if (fork === 'bedrock') return true
  const at = times[fork]
  return at !== undefined && timestamp >= at
}

/** True where the block at `timestamp` is the first with `fork`, given its parent's timestamp. */
export function activatesAt(times: ForkTimes, fork: Hardfork, timestamp: bigint, parentTimestamp: bigint): boolean {
  return isActive(times, fork, timestamp) && !isActive(times, fork, parentTimestamp)
}

/** The newest fork active at `timestamp`. */
export function latestFork(times: ForkTimes, timestamp: bigint): Hardfork {
  return hardforks.findLast((fork) => isActive(times, fork, timestamp)) ?? 'bedrock'
}
