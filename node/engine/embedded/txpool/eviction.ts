import type { PoolEntry, SenderQueue } from './sender-queue.ts'
import { effectiveTip } from './validate.ts'

/** What a place in the pool is worth to the sequencer. */
export type Worth = { readonly isQueued: boolean; readonly tip: bigint }

export type Evictable = Worth & { readonly entry: PoolEntry; readonly queue: SenderQueue }

/** True where `a` is worth less than `b`: what waits behind a gap is worth less than anything executable. */
export function isWorthLess(a: Worth, b: Worth): boolean {
  return a.isQueued === b.isQueued ? a.tip < b.tip : a.isQueued
}

/** The last transaction of each sender, as nothing of its sender follows it; least worth first. */
export function evictable(queues: Iterable<SenderQueue>, baseFee: bigint): Evictable[] {
  const candidates: Evictable[] = []
  for (const queue of queues) {
    const entry = queue.last()
    if (entry === undefined) continue
    candidates.push({ entry, queue, isQueued: queue.queuedCount > 0, tip: effectiveTip(entry.tx, baseFee) })
  }
  return candidates.sort((a, b) => (isWorthLess(a, b) ? -1 : isWorthLess(b, a) ? 1 : 0))
}

/**
 * Whom to evict so that `count` places and `bytes` become free: at least `batch` transactions where so many are worth
 * less than `worth`. Undefined where all of those would not free enough.
 */
export function chooseVictims(
  candidates: readonly Evictable[],
  worth: Worth,
  need: { readonly count: number; readonly bytes: number },
  batch: number,
): PoolEntry[] | undefined {
  const victims: PoolEntry[] = []
  let bytes = 0
  const isEnough = () => victims.length >= need.count && bytes >= need.bytes
  for (const candidate of candidates) {
    if (!isWorthLess(candidate, worth) || (victims.length >= batch && isEnough())) break
    victims.push(candidate.entry)
    bytes += candidate.entry.raw.length
  }
  return isEnough() ? victims : undefined
}
