import type { Template } from '../../inference/answer/template.ts'
import { inputTokens } from '../../inference/answer/template.ts'
import type { Example } from '../../inference/gradients/gradient-pass.ts'
import type { ModelTokenizer } from '../../inference/tokenizer/model-tokenizer.ts'
import { bytesToHex, concatBytes, type Hex, uintBytes } from '../../protocol/bytes.ts'
import { merkleRootOf } from '../../protocol/content-hash.ts'
import { TrainError } from './train-error.ts'

/** What somebody contributed: running text, or a question with its answer, of which the answer is learnt. */
export type TrainingText = { readonly contribution: bigint } & (
  | { readonly text: string }
  | { readonly prompt: string; readonly answer: string }
)

/** What the gradients of belong to a contribution. */
export type ContributedExample = Example & { readonly contribution: bigint }

type Tokens = {
  readonly tokenizer: ModelTokenizer
  readonly template: Template
  readonly bos: number
  readonly eos: number
}

/** Texts and their tokens: most of one training. */
export const examplesMax = 1_000_000

/**
 * Texts from bos to eos, cut so that each token but bos is predicted once; answers as one piece behind what the template makes of
 * the question. Throws {@link TrainError} `data` for no text, one without tokens, and answers that do not fit `length` positions.
 */
export function examplesOf(texts: readonly TrainingText[], parts: Tokens, length: number): ContributedExample[] {
  const examples = texts.flatMap((text, i) => {
    const found = 'text' in text ? pieces(text.text, parts, length) : [answered(text, i, parts, length)]
    if (found.length === 0) throw new TrainError('data', `text ${i + 1} has no tokens`)
    return found.map((example) => ({ ...example, contribution: text.contribution }))
  })
  if (examples.length === 0) throw new TrainError('data', 'there is nothing to learn from')
  if (examples.length > examplesMax) throw new TrainError('data', `${examples.length} pieces, at most ${examplesMax}`)
  return examples
}

function pieces(text: string, { tokenizer, bos, eos }: Tokens, length: number): Example[] {
  const inner = tokenizer.encode(text)
  if (inner.length === 0) return []
  const tokens = [bos, ...inner, eos]
  const list: Example[] = []
  for (let at = 0; at < tokens.length - 1; at += length)
    list.push({ tokens: tokens.slice(at, at + length + 1), from: 1 })
  return list
}

function answered(
  { prompt, answer }: { readonly prompt: string; readonly answer: string },
  index: number,
  { tokenizer, template, bos, eos }: Tokens,
  length: number,
): Example {
  const input = inputTokens(template, tokenizer, bos, [{ role: 'user', text: prompt }])
  const output = tokenizer.encode(template.trim ? answer.trim() : answer)
  if (output.length === 0) throw new TrainError('data', `answer ${index + 1} has no tokens`)
  const tokens = [...input, ...output, eos]
  if (tokens.length > length + 1) {
    throw new TrainError('data', `question and answer ${index + 1} have ${tokens.length} tokens, at most ${length + 1}`)
  }
  return { tokens, from: input.length }
}

/** Root of the tree whose leaf i is `contribution u64 ‖ from u32 ‖ tokens, u32 each` of example i. docs/GRADIENTS.md §4. */
export function dataRootOf(examples: readonly ContributedExample[]): Hex {
  const leaves = examples.map(({ contribution, from, tokens }) => {
    const words = [from, ...tokens].map((value) => uintBytes(value, 4))
    return concatBytes(uintBytes(contribution, 8), ...words)
  })
  return bytesToHex(merkleRootOf(leaves))
}
