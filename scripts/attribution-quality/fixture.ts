import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Scores } from './methods.ts'
import type { Subset } from './metrics.ts'

/** What the quality figures are computed from. */
export type QualityFixture = {
  readonly base: string
  readonly data: string
  readonly adapter: string
  readonly contributors: readonly string[]
  /** Per query the place of who wrote it. */
  readonly authors: readonly number[]
  readonly before: readonly number[]
  readonly after: readonly number[]
  readonly subsets: readonly Subset[]
  readonly scores: Readonly<Record<string, Scores>>
  /** Per example the sum over all queries, and which examples have a wrong label. */
  readonly labels: {
    readonly adapter: string
    readonly flipped: readonly number[]
    readonly classG: readonly number[]
    readonly dot: readonly number[]
  }
}

/** The adapter trained on everybody, whose root the fixture names. */
export const qualityAdapterFile = join(import.meta.dirname, 'quality.ola')

export function readQuality(): QualityFixture {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'quality.json'), 'utf8')) as QualityFixture
}
