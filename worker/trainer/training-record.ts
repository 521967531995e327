import type { Hex } from '../../protocol/bytes.ts'
import type { HyperParameters } from './hyper-parameters.ts'
import { parameterNames, trainingEngine } from './trainer.ts'
import type { ContributedExample } from './training-texts.ts'

/** What an adapter was made of, so that anybody who has it makes the adapter again. docs/GRADIENTS.md §4. */
export type TrainingRecord = {
  readonly version: 1
  readonly base: Hex
  readonly engine: Hex
  readonly data: Hex
  readonly examples: number
  readonly contributions: number
  readonly tokens: number
  readonly parameters: HyperParameters
  readonly adapter: Hex
  /** Absent where no sketches were made. */
  readonly sketches?: {
    readonly root: Hex
    readonly seed: number
    readonly fold: number
    /** Root of the table of influences; absent where the sketches are too long for one. */
    readonly table?: Hex
  }
}

export function trainingRecord(
  made: Pick<TrainingRecord, 'base' | 'data' | 'parameters' | 'adapter' | 'sketches'>,
  examples: readonly ContributedExample[],
): TrainingRecord {
  const ordered = Object.fromEntries(parameterNames.map((name) => [name, made.parameters[name]]))
  return {
    version: 1,
    base: made.base,
    engine: trainingEngine(),
    data: made.data,
    examples: examples.length,
    contributions: new Set(examples.map(({ contribution }) => contribution)).size,
    tokens: examples.reduce((sum, { tokens }) => sum + tokens.length, 0),
    parameters: ordered as HyperParameters,
    adapter: made.adapter,
    ...(made.sketches === undefined ? {} : { sketches: made.sketches }),
  }
}
