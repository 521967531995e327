import type { PlacedSlot } from './placed-adapters.ts'

/** Positions of one session, one after another, in a pass. */
export type Segment = {
  /** First of them in the pass, and how many. */
  readonly row: number
  readonly count: number
  /** Position of the first in its session. */
  readonly position: number
  /** Address of the session's list of pages. */
  readonly pages: number
}

/** Rows of a pass, one after another, that have the same adapters. */
export type SlotRun = { readonly row: number; readonly count: number; readonly slots: readonly PlacedSlot[] }

/** Positions of any sessions that go through the model together: all that a thread must know. */
export type Pass = {
  readonly tokens: readonly number[]
  readonly segments: readonly Segment[]
  readonly runs: readonly SlotRun[]
  /** Rows whose head is run. */
  readonly heads: readonly number[]
  /** Tiles of all heads are kept. */
  readonly traced: boolean
}

/** Positions that the longest session of the pass has after it. */
export function longestOf({ segments }: Pick<Pass, 'segments'>): number {
  return segments.reduce((max, { position, count }) => Math.max(max, position + count), 0)
}
