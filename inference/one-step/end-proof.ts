import { bytesToHex, equalBytes, type Hex, hexToBytes } from '../../protocol/bytes.ts'
import type { InferenceRequest } from '../../protocol/inference-request.ts'
import { stopBytesMax, stopHash } from '../answer/stops.ts'
import type { ModelConfig } from '../model-config.ts'
import { openConfig, type SectionOpener } from './open-section.ts'
import type { Run } from './step.ts'
import { readTokenBytes } from './token-bytes.ts'
import { tokenRun } from './token-run.ts'

/** A call of the DisputeGame: its name, and its arguments behind receipt, segments and request. */
export type Proof = { readonly functionName: string; readonly args: readonly unknown[] }

/** An answer and what it was asked by. */
export type AnswerTokens = {
  readonly request: InferenceRequest
  readonly input: readonly number[]
  readonly output: readonly number[]
  /** What the request's stopHash commits to; undefined where that is not known. */
  readonly stops: readonly Uint8Array[] | undefined
  /** The payer cut the stream. */
  readonly isCut: boolean
  /** The receipt's payment as MONEY §2 has it. */
  readonly payment: unknown
}

/** Section of a model's tokenizer, and bytes of its leaves. */
const tokenizerSection = 5
const chunkBytes = 1_024

/**
 * What shows that an answer has no prompt or tokens that the model has not, or does not end where docs/canonical-inference.md §11
 * ends it; undefined where nothing does. Calls of StopJudge.
 */
export function proveEnd(answer: AnswerTokens, model: SectionOpener, config: ModelConfig): Proof | undefined {
  const { input, output, request, isCut } = answer
  const { maxTokens } = request.sampling
  const opened = openConfig(model)
  const unknown = [...input, ...output].findIndex((token) => token >= config.vocab)
  if (unknown >= 0) {
    const place = unknown < input.length ? unknown : unknown - input.length
    const tokens = tokenRun(unknown < input.length ? input : output, place, place + 1)
    return { functionName: 'noSuchToken', args: [opened, tokens, unknown] }
  }
  const room = config.context - input.length
  if (input.length === 0 || output.length > maxTokens || output.length > room) {
    return { functionName: 'ranOverLimit', args: [opened] }
  }
  const end = output.indexOf(config.eos)
  if (end >= 0 && end + 1 < output.length) {
    return { functionName: 'ranOverEnd', args: [opened, tokenRun(output, end, end + 1), end] }
  }
  const stop = firstStop(answer, model)
  if (stop !== undefined && stop.end < output.length) {
    return { functionName: 'ranOverStop', args: [showText(answer, model, stop.first, stop.end)] }
  }
  const isEnded = end >= 0 || stop !== undefined || output.length === maxTokens || output.length === room
  const isKnown = answer.stops !== undefined || hexToBytes(request.sampling.stopHash).every((byte) => byte === 0)
  if (isCut || isEnded || !isKnown) return undefined
  const first = tailStart(answer, model)
  return {
    functionName: 'stoppedEarly',
    args: [opened, showText(answer, model, first, output.length), answer.payment],
  }
}

/** The tokens in which the output first holds a stop string: `end` is behind the last of them. */
function firstStop(
  { output, stops = [] }: AnswerTokens,
  model: SectionOpener,
): { readonly first: number; readonly end: number } | undefined {
  if (stops.length === 0) return undefined
  const needles = stops.map((stop) => Buffer.from(stop))
  /** Where in the text the bytes of each token end. */
  const ends: number[] = []
  let tail = Buffer.alloc(0)
  for (const [i, token] of output.entries()) {
    const bytes = bytesOf(model, [token])
    tail = Buffer.concat([tail.subarray(Math.max(0, tail.length - stopBytesMax + 1)), bytes])
    const length = (ends.at(-1) ?? 0) + bytes.length
    ends.push(length)
    const at = Math.min(...needles.map((stop) => tail.indexOf(stop)).filter((place) => place >= 0))
    if (at === Number.POSITIVE_INFINITY) continue
    const start = length - tail.length + at
    return { first: ends.findIndex((end) => end > start), end: i + 1 }
  }
  return undefined
}

/** The first of the last tokens without which a stop string could reach the last one unseen. */
function tailStart({ output, stops = [] }: AnswerTokens, model: SectionOpener): number {
  let first = output.length - 1
  if (stops.length === 0) return Math.max(0, first)
  for (let before = 0; first > 0 && before < stopBytesMax - 1; ) {
    first--
    before += bytesOf(model, [output[first] ?? 0]).length
  }
  return Math.max(0, first)
}

function bytesOf(model: SectionOpener, tokens: readonly number[]): Uint8Array {
  const { bytes } = model.section(tokenizerSection)
  return readTokenBytes((at, size) => bytes.subarray(at, at + size), tokens).bytes
}

/** Outputs `first` … `end` − 1 as `ShownText` of contracts/src/ol/StopJudge.sol. */
function showText({ output, stops = [] }: AnswerTokens, model: SectionOpener, first: number, end: number) {
  const shown = {
    ...{ first, count: end - first, stops },
    output: end > first ? tokenRun(output, first, end) : noRun,
  }
  if (stops.length === 0) return { ...shown, ...noTokenizer }
  const { bytes } = model.section(tokenizerSection)
  const used = new Set<number>()
  readTokenBytes(
    (at, size) => {
      for (let chunk = Math.floor(at / chunkBytes); chunk * chunkBytes < at + size; chunk++) used.add(chunk)
      return bytes.subarray(at, at + size)
    },
    output.slice(first, end),
  )
  return {
    ...shown,
    tokenizerRoot: model.sectionRoot(tokenizerSection),
    tokenizerBytes: BigInt(bytes.length),
    tokenizerSiblings: model.siblings(tokenizerSection),
    tokenizer: neighbours([...used].sort((a, b) => a - b)).map(([from, to]) =>
      model.run(tokenizerSection, from * chunkBytes, Math.min(bytes.length, to * chunkBytes)),
    ),
  }
}

/** Runs of consecutive numbers, each with the one behind its last. */
function neighbours(numbers: readonly number[]): [from: number, to: number][] {
  const runs: [number, number][] = []
  for (const number of numbers) {
    const last = runs.at(-1)
    if (last !== undefined && last[1] === number) last[1] = number + 1
    else runs.push([number, number + 1])
  }
  return runs
}

const noRun: Run = { first: 0, data: new Uint8Array(0), siblings: [] }
const noHash: Hex = bytesToHex(new Uint8Array(32))
const noTokenizer = { tokenizerRoot: noHash, tokenizerBytes: 0n, tokenizerSiblings: [], tokenizer: [] }

/** Whether these are the stop strings of a request. */
export function areStops(stops: readonly Uint8Array[], request: InferenceRequest): boolean {
  return equalBytes(hexToBytes(stopHash(stops)), hexToBytes(request.sampling.stopHash))
}
