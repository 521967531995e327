import { readFileSync } from 'node:fs'
import { UsageError } from '../../common/errors.ts'
import { Fields } from '../../inference/loaders/fields.ts'
import type { TrainingText } from '../../worker/trainer/training-texts.ts'

const contributionMax = 2n ** 64n - 1n

/**
 * Texts of a JSONL file: `{"text": …}` or `{"prompt": …, "answer": …}` a line, each with `"contribution"`, a number or digits; absent: the
 * line's. Throws {@link UsageError} naming the line.
 */
export function readTrainingTexts(path: string): TrainingText[] {
  let file: string
  try {
    file = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path))
  } catch (cause) {
    throw new UsageError(`${path} cannot be read as UTF-8`, { cause })
  }
  const lines = file.split('\n').map((line, i) => ({ line, number: i + 1 }))
  return lines
    .filter(({ line }) => line.trim() !== '')
    .map(({ line, number }) => textOf(`${path}:${number}`, line, number))
}

function textOf(where: string, line: string, number: number): TrainingText {
  try {
    const fields = Fields.ofJson(where, line)
    const contribution = contributionOf(fields, where, number)
    if (fields.get('text') !== undefined) return { contribution, text: fields.text('text') }
    return { contribution, prompt: fields.text('prompt'), answer: fields.text('answer') }
  } catch (cause) {
    throw new UsageError(`${where} is no text to learn from`, { cause })
  }
}

function contributionOf(fields: Fields, where: string, number: number): bigint {
  const value = fields.get('contribution') ?? number
  const isWhole =
    typeof value === 'number' ? Number.isSafeInteger(value) : typeof value === 'string' && /^\d+$/.test(value)
  if (!isWhole || BigInt(value as number | string) < 0n || BigInt(value as number | string) > contributionMax) {
    throw new UsageError(`${where}: contribution is ${JSON.stringify(value)}, must be a whole number of 64 bits`)
  }
  return BigInt(value as number | string)
}
