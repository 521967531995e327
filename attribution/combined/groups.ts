import { nearDuplicateBps } from '../near-duplicates/near-duplicates.ts'
import { similarityBps } from '../near-duplicates/signature.ts'

/** The signature of a contribution that was shown on chain before the batch; undefined of one whose was not. */
export type SignatureOf = (contribId: bigint) => Uint32Array | undefined

/**
 * Of each contribution, ascending, the place of the one that leads its group: the first leader before it that its signature is nearly,
 * else itself. One without a signature stands alone. docs/ATTRIBUTION.md §7.
 */
export function leadersOf(contribIds: readonly bigint[], signatureOf: SignatureOf): number[] {
  const signatures = contribIds.map((id) => signatureOf(id))
  const leaders: number[] = []
  for (const [i, signature] of signatures.entries()) {
    const leader = leaders.findIndex((place, j) => place === j && isNear(signatures[j], signature))
    leaders.push(leader < 0 ? i : leader)
  }
  return leaders
}

export function isNear(one: Uint32Array | undefined, other: Uint32Array | undefined): boolean {
  return one !== undefined && other !== undefined && similarityBps(one, other) >= nearDuplicateBps
}
