/** Chain ids of the presets that are proposals for public networks. */
export const publicPresetChainIds: readonly bigint[] = [1612n, 161201n]

/** Well-known public keys sign on dev chains only. */
export function allowsDevKeys(l2ChainId: bigint): boolean {
  return !publicPresetChainIds.includes(l2ChainId)
}
