import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Ending } from '../../../inference/answer/ending.ts'
import { stopHash, stopList } from '../../../inference/answer/stops.ts'
import { proveEnd } from '../../../inference/one-step/end-proof.ts'
import { SectionOpener } from '../../../inference/one-step/open-section.ts'
import { readTokenBytes } from '../../../inference/one-step/token-bytes.ts'
import { plainSection } from '../../../inference/sections.ts'
import { Tokenizer } from '../../../inference/tokenizer/tokenizer.ts'
import { encodeTokenizer } from '../../../inference/tokenizer/tokenizer-file.ts'
import type { InferenceRequest } from '../../../protocol/inference-request.ts'
import { smallConfig } from '../../fakes/random-model.ts'

/** Tokens 2 … 257 are bytes, 258 … joins of few letters, so that stop strings come up often. */
const [a, b] = [2 + 97, 2 + 98]
const tokenizer = new Tokenizer(2, [
  [a, b],
  [258, a],
  [259, 258],
  [b, b],
])
const config = { ...smallConfig, vocab: tokenizer.vocab, context: 24, bos: 0, eos: 1 }
const tokenizerBytes = encodeTokenizer(tokenizer)
const names = ['config', 'exp', 'sigmoid', 'rope.cos', 'rope.sin', 'tokenizer']
const model = new SectionOpener(
  names.map((name) => plainSection(name, name === 'tokenizer' ? tokenizerBytes : new Uint8Array(60))),
)

const token = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom(a, b, 258, 259, 260, 261) },
  { weight: 2, arbitrary: fc.constantFrom(0, 1) },
)
const answers = fc.record({
  input: fc.array(token, { minLength: 1, maxLength: 20 }),
  output: fc.array(token, { maxLength: 12 }),
  maxTokens: fc.integer({ min: 1, max: 14 }),
  stops: fc
    .array(
      fc.array(fc.constantFrom(97, 98), { minLength: 1, maxLength: 32 }).map((bytes) => Uint8Array.from(bytes)),
      { maxLength: 3 },
    )
    .map(stopList),
})

function prove({ input, output, maxTokens, stops }: Parameters<typeof endsRightly>[0], isCut = false) {
  const sampling = { tempQ16: 0, topK: 0, topPQ16: 65_536, maxTokens, stopHash: stopHash(stops) }
  const request = { sampling } as InferenceRequest
  return proveEnd({ request, input, output, stops, isCut, payment: {} }, model, config)
}

/** Whether the rule, token by token, ends the answer with its last token and not before. */
function endsRightly(answer: {
  readonly input: readonly number[]
  readonly output: readonly number[]
  readonly maxTokens: number
  readonly stops: readonly Uint8Array[]
}): boolean {
  const ending = new Ending(config, tokenizer, { tin: answer.input.length, ...answer })
  for (const [i, each] of answer.output.entries()) {
    if (ending.push(each) !== undefined) return i + 1 === answer.output.length
  }
  return false
}

describe('proof of a wrong end', () => {
  test('there is one for every answer that the rule does not end where it ends, and for no other', () => {
    fc.assert(
      fc.property(answers, (answer) => {
        expect(prove(answer) === undefined).toBe(endsRightly(answer))
      }),
      { numRuns: 2_000 },
    )
  })

  test('a stream that the payer cut may end early, and not late', () => {
    fc.assert(
      fc.property(answers, (answer) => {
        const name = prove(answer)?.functionName
        expect(prove(answer, true)?.functionName).toBe(name === 'stoppedEarly' ? undefined : name)
      }),
      { numRuns: 500 },
    )
  })

  test('shows every chunk of the tokenizer that its text is made of', () => {
    fc.assert(
      fc.property(answers, (answer) => {
        const proof = prove(answer)
        if (proof?.functionName !== 'ranOverStop') return
        const [shown] = proof.args as readonly [
          {
            readonly first: number
            readonly count: number
            readonly tokenizer: readonly { readonly first: number; readonly data: Uint8Array }[]
          },
        ]
        const read = (at: number, size: number) => {
          const run = shown.tokenizer.find(
            ({ first, data }) => at >= 1_024 * first && at + size <= 1_024 * first + data.length,
          )
          if (run === undefined) throw new Error('not shown')
          return run.data.subarray(at - 1_024 * run.first, at - 1_024 * run.first + size)
        }
        const { bytes } = readTokenBytes(read, answer.output.slice(shown.first, shown.first + shown.count))
        expect(answer.stops.some((stop) => Buffer.from(bytes).includes(Buffer.from(stop)))).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})
