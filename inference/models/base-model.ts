import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Hex } from '../../protocol/bytes.ts'

/** The model file that comes with the repository; docs/BASE-MODEL.md. */
export const baseModelFile = join(import.meta.dirname, 'openledger-base.olm')

/** Its float original, f16, which quality is measured against. */
export const baseFloatFile = join(import.meta.dirname, 'openledger-base.safetensors')

/** Questions and answers of our own that it was trained on: a list of `[answer, question, …]`. */
export const ownQuestionsFile = join(import.meta.dirname, 'own-questions.json')

/** What its making left beside it. */
export type BaseModelRecord = {
  readonly root: Hex
  /** SHA-256 of the float weights and of what they were trained on. */
  readonly weights: string
  readonly corpus: Readonly<Record<string, string>>
}

export function readBaseModelRecord(): BaseModelRecord {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'openledger-base.json'), 'utf8')) as BaseModelRecord
}
