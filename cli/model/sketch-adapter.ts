import { writeFileSync } from 'node:fs'
import {
  encodeTable,
  tableExtension,
  tableOf,
  tableRoot,
  tableSizeMax,
} from '../../attribution/combined/influence-table.ts'
import { AdapterGradients } from '../../attribution/gradients/gradient-attributor.ts'
import { encodeSketches, type SketchSubject, sketchRoot } from '../../attribution/gradients/sketch-file.ts'
import { makeSketches, sketchedMax } from '../../attribution/gradients/sketches.ts'
import { UsageError } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import type { Adapter } from '../../inference/adapter/adapter.ts'
import type { CanonicalModel } from '../../inference/model.ts'
import type { TrainingRecord } from '../../worker/trainer/training-record.ts'
import type { ContributedExample } from '../../worker/trainer/training-texts.ts'

const fold = 2
const logExamples = 100

type Parts = {
  readonly model: CanonicalModel
  readonly adapter: Adapter
  readonly examples: readonly ContributedExample[]
  readonly length: number
  readonly subject: Omit<SketchSubject, 'fold'>
  readonly log: Log
  readonly signal: AbortSignal
}

/**
 * Sketches of an adapter's training gradients, written to `OUT.sketches`, and the table that is made of them, to `OUT.olt`; what a
 * training record says of them.
 */
export function writeSketches(out: string, parts: Parts): NonNullable<TrainingRecord['sketches']> {
  const { model, adapter, examples, length, subject, log, signal } = parts
  if (examples.length > sketchedMax) {
    throw new UsageError(`${examples.length} pieces, sketches are of at most ${sketchedMax}: give --sketches false`)
  }
  const gradients = new AdapterGradients(model, adapter, length)
  let done = 0
  const contributed = function* () {
    for (const example of examples) {
      signal.throwIfAborted()
      yield { contribution: example.contribution, gradient: gradients.of(example) }
      if (++done % logExamples === 0) log.info('sketched', { pieces: done, of: examples.length })
    }
  }
  const sketches = makeSketches(gradients.projection(subject.seed, fold), contributed())
  const file = { ...subject, fold, ...sketches }
  writeFileSync(`${out}.sketches`, encodeSketches(file))
  const made = { root: sketchRoot(file), seed: subject.seed, fold }
  if (file.size > tableSizeMax) {
    log.warn('sketches are too long for a table of influences: no class G for this adapter', {
      numbers: file.size,
      most: tableSizeMax,
    })
    return made
  }
  const table = tableOf(file)
  writeFileSync(`${out}${tableExtension}`, encodeTable(table))
  return { ...made, table: tableRoot(table) }
}
