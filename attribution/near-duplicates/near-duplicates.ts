import { mixed, similarityBps } from './signature.ts'

/** From here on a contribution is a near-duplicate. */
export const nearDuplicateBps = 5_500
/** Pairs of entries that are looked up. Of 128 entries 71 must be equal, so 57 differ at most, and one pair of these 58 does not. */
export const bands = 58
/** Earlier originals that a contribution is compared with. */
export const candidatesMax = 1_024

export type SignedContribution = { readonly contribId: bigint; readonly signature: Uint32Array }

/** A contribution that is nearly an earlier one. */
export type NearDuplicate = { readonly contribId: bigint; readonly original: bigint; readonly bps: number }

/**
 * Finds near-duplicates among contributions that come in ascending order: each is compared with the originals before it that
 * share a band with it, the earliest {@link candidatesMax} of them, and is a near-duplicate of the earliest that is similar
 * enough; else it is an original itself. docs/NEAR-DUPLICATES.md §2.
 */
export class NearDuplicateFinder {
  readonly #originals: SignedContribution[] = []
  /** By band key: places of originals, ascending. */
  readonly #buckets = new Map<number, number[]>()
  #last = -1n
  readonly #from: number

  /** `from`: similarity in ten-thousandths; below {@link nearDuplicateBps} some of what is similar may be missed. */
  constructor(from: number = nearDuplicateBps) {
    this.#from = from
  }

  get originals(): number {
    return this.#originals.length
  }

  /** The earliest original that `signature` is nearly. */
  find(signature: Uint32Array): { readonly original: bigint; readonly bps: number } | undefined {
    for (const place of this.#candidates(signature)) {
      const { contribId, signature: other } = this.#originals[place] as SignedContribution
      const bps = similarityBps(signature, other)
      if (bps >= this.#from) return { original: contribId, bps }
    }
    return undefined
  }

  /** Adds the next contribution. Undefined where it is an original. Throws RangeError for one that is not behind the last. */
  add({ contribId, signature }: SignedContribution): NearDuplicate | undefined {
    if (contribId <= this.#last) throw new RangeError(`contribution ${contribId} behind ${this.#last}`)
    this.#last = contribId
    const found = this.find(signature)
    if (found !== undefined) return { contribId, ...found }
    const place = this.#originals.length
    this.#originals.push({ contribId, signature })
    for (const key of bandKeys(signature)) {
      const bucket = this.#buckets.get(key)
      if (bucket === undefined) this.#buckets.set(key, [place])
      else if (bucket.length < candidatesMax) bucket.push(place)
    }
    return undefined
  }

  #candidates(signature: Uint32Array): number[] {
    const places = new Set<number>()
    for (const key of bandKeys(signature)) for (const place of this.#buckets.get(key) ?? []) places.add(place)
    return [...places].sort((a, b) => a - b).slice(0, candidatesMax)
  }
}

/** What each contribution that is a near-duplicate is one of; the contributions ascending. */
export function nearDuplicates(contributions: Iterable<SignedContribution>): NearDuplicate[] {
  const finder = new NearDuplicateFinder()
  const found: NearDuplicate[] = []
  for (const contribution of contributions) {
    const duplicate = finder.add(contribution)
    if (duplicate !== undefined) found.push(duplicate)
  }
  return found
}

/** One number a band: the band, and a hash of its two entries. */
export function bandKeys(signature: Uint32Array): number[] {
  return Array.from({ length: bands }, (_, band) => {
    const [first, second] = [signature[2 * band] as number, signature[2 * band + 1] as number]
    return band * 2 ** 32 + mixed(mixed(first) + second)
  })
}
