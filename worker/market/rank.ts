import { bytesToBigint, concatBytes, type Hex, hexToBytes } from '../../protocol/bytes.ts'
import { keccak256 } from '../../protocol/keccak.ts'

/** Who may answer a request opened on chain. */
export type Candidate = { readonly worker: Hex; readonly units: number }

/** A draw of workers: the seed of the epoch before the request was opened, and the request. */
export type Draw = { readonly epochSeed: Hex; readonly requestId: Hex }

/** Seconds of a rank. */
export const slotSeconds = 10n

/**
 * The worker's place in the draw, 0 for the first; undefined where it is none of the candidates. Ordered by
 * `keccak(epochSeed ‖ requestId ‖ worker) / units`, the least first; among equals by address: more units, more
 * often first. docs/WORKER-NETWORK.md §11.
 */
export function rankOf(worker: Hex, draw: Draw, candidates: readonly Candidate[]): number | undefined {
  const own = candidates.find((each) => each.worker === worker)
  if (own === undefined) return undefined
  const ownDraw = drawn(draw, own)
  return candidates.filter((each) => each !== own && comesBefore(drawn(draw, each), ownDraw)).length
}

type Drawn = Candidate & { readonly number: bigint }

function drawn({ epochSeed, requestId }: Draw, candidate: Candidate): Drawn {
  const bytes = concatBytes(hexToBytes(epochSeed), hexToBytes(requestId), hexToBytes(candidate.worker))
  return { ...candidate, number: bytesToBigint(keccak256(bytes)) }
}

/** Fractions are compared by their products, so that nothing is rounded. */
function comesBefore(a: Drawn, b: Drawn): boolean {
  const [left, right] = [a.number * BigInt(b.units), b.number * BigInt(a.units)]
  return left === right ? a.worker < b.worker : left < right
}
