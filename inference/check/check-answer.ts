import { equalBytes } from '../../protocol/bytes.ts'
import { tokenListRoot } from '../../protocol/token-list.ts'
import type { Slot } from '../adapter/adapter.ts'
import { Ending, type TokenBytes } from '../answer/ending.ts'
import { InferenceError } from '../inference-error.ts'
import { sample } from '../sampler.ts'
import type { SamplingRule } from '../sampling-rule.ts'
import type { TraceHead } from '../trace/head.ts'
import { adapterShapes, TraceLayout } from '../trace/layout.ts'
import { linearSlabs } from '../trace/proof-file.ts'
import type { KeptModel } from './kept-model.ts'
import { LinearRoot, linearRoot } from './linear-root.ts'
import type { Verdict } from './verdict.ts'
import type { LinearFault, SentRecords, WeightlessPass } from './weightless-pass.ts'

/** What an answer is checked against: request, receipt, tokens. Plain data. */
export type AnswerFacts = {
  readonly input: readonly number[]
  readonly output: readonly number[]
  /** Of request and receipt. */
  readonly promptRoot: Uint8Array
  readonly outputRoot: Uint8Array
  readonly rule: SamplingRule
  readonly seed: Uint8Array
  readonly maxTokens: number
  readonly stops: readonly Uint8Array[]
  /** The payer ended it: then its last token need not. */
  readonly cancelled: boolean
  readonly slots: readonly Slot[]
  /** What the receipt's traceRoot is the hash of. */
  readonly head: TraceHead
  /** Rows of the embedding, verified, of every token that is run. */
  readonly rows: ReadonlyMap<number, Int8Array>
}

/** An answer with all its accumulators: class EXACT. */
export type ExactJob = AnswerFacts & {
  /** Slabs 1, 2, … of the linear tree, each its records one after another. */
  readonly slabs: readonly Uint8Array[]
  /** They have been hashed on their way here: the root of the linear tree is theirs. */
  readonly isHashed: boolean
}

/** What answers of one model are checked with. */
export type CheckParts = { readonly kept: KeptModel; readonly pass: WeightlessPass; readonly text: TokenBytes }

/** The first thing wrong with an answer, as `verdict.ts` orders them, but for its row; and what shows a wrong linear's row. */
export type CheckOutcome = { readonly verdict: Verdict; readonly linear?: LinearFault }

export const right: CheckOutcome = { verdict: { ok: true } }

/**
 * Checks an answer without weights: every linear by secret vectors, all between them computed anew, tokens, end and the root
 * of what was sent. docs/CHECKING.md. Throws {@link InferenceError} `trace` for what cannot be checked: slabs of another size, a
 * row that is missing.
 */
export function checkExact(parts: CheckParts, job: ExactJob): CheckOutcome {
  const facts = checkFacts(parts, job)
  if (facts !== undefined) return facts
  const layout = new TraceLayout(parts.kept.config)
  if (job.isHashed) return checkRecords(parts, job, new SlabRecords(layout, job))
  // Records are hashed right before they are read, which has them in the cache then; who stops before the end has not taken all.
  const taken = new LinearRoot(layout)
  const outcome = checkRecords(parts, job, new SlabRecords(layout, job, taken))
  const root = outcome === right ? taken.root() : linearRoot(layout, job.head, job.slabs)
  if (equalBytes(root, job.head.linearRoot)) return outcome
  return { verdict: { ok: false, kind: 'root', reason: 'the accumulators sent are not those committed' } }
}

function checkRecords(parts: CheckParts, job: ExactJob, records: SlabRecords): CheckOutcome {
  const { pass, kept } = parts
  beginAnswer(parts, job)
  for (let layer = 0; layer < kept.config.layers; layer++) {
    const fault = pass.layer(layer, records.layer(layer))
    if (fault !== undefined) return linearOutcome(layer + 1, fault)
  }
  return checkHead(parts, job, records.head()) ?? checkEnd(parts, job) ?? right
}

/** Counts, token roots and the head's size. */
export function checkFacts({ kept: { config } }: CheckParts, job: AnswerFacts): CheckOutcome | undefined {
  const { input, output, head } = job
  const answer = (position: number, reason: string): CheckOutcome => ({
    verdict: { ok: false, kind: 'answer', position, reason },
  })
  if (!equalBytes(tokenListRoot(input), job.promptRoot)) return answer(0, 'the input is not that of the request')
  if (!equalBytes(tokenListRoot(output), job.outputRoot))
    return answer(input.length, 'the output is not that of the receipt')
  if (input.length === 0 || output.length === 0 || input.length + output.length > config.context) {
    return answer(0, `${input.length} + ${output.length} tokens`)
  }
  const foreign = [...input, ...output].findIndex(
    (token) => !(Number.isInteger(token) && token >= 0 && token < config.vocab),
  )
  if (foreign >= 0) return answer(foreign, 'not a token of the model')
  const layout = new TraceLayout(config, adapterShapes(job.slots))
  const isSized =
    head.tin === input.length &&
    head.positions === input.length + output.length - 1 &&
    head.linearDepth === layout.depth('linear') &&
    head.derivedDepth === layout.depth('derived')
  return isSized ? undefined : answer(0, "the trace's head is not that of so many tokens")
}

/** Begins the pass with the embeddings of all positions. */
export function beginAnswer({ pass }: CheckParts, { input, output, head, slots, rows }: AnswerFacts): void {
  pass.begin({ positions: head.positions, tin: head.tin, width: head.width, slots })
  for (const [position, token] of [...input, ...output].slice(0, head.positions).entries()) {
    const row = rows.get(token)
    if (row === undefined) throw new InferenceError('trace', `the embedding of token ${token} is missing`)
    pass.embed(position, token, row)
  }
}

/** The head's accumulators, and each output token from its logits. */
export function checkHead(parts: CheckParts, job: AnswerFacts, records: SentRecords): CheckOutcome | undefined {
  const { pass, kept } = parts
  const { input, output, rule, seed } = job
  let wrongToken: number | undefined
  const take = (logits: Int32Array, position: number): boolean => {
    const token = rule.tempQ16 === 0 ? pass.argmax() : sample(logits, rule, seed, position + 1, kept.expTable)
    if (token !== output[position + 1 - input.length]) wrongToken = position + 1
    return wrongToken === undefined
  }
  const fault = pass.head(records, take)
  if (fault !== undefined) return linearOutcome(kept.config.layers + 1, fault)
  if (wrongToken === undefined) return undefined
  const reason = 'the token is not the one that the logits give'
  return { verdict: { ok: false, kind: 'answer', position: wrongToken, reason } }
}

/** That the last token ends the answer, and none before. */
export function checkEnd({ kept: { config }, text }: CheckParts, job: AnswerFacts): CheckOutcome | undefined {
  const { input, output, maxTokens, stops, cancelled } = job
  const ending = new Ending(config, text, { tin: input.length, maxTokens, stops })
  for (const [i, token] of output.entries()) {
    const isLast = i === output.length - 1
    const ended = ending.push(token) !== undefined
    if (ended === isLast || (isLast && cancelled)) continue
    const reason = ended ? 'the answer goes on after its end' : 'the answer stops before its end'
    return { verdict: { ok: false, kind: 'answer', position: input.length + i, reason } }
  }
  return undefined
}

export function linearOutcome(slab: number, linear: LinearFault): CheckOutcome {
  const { op, position } = linear
  const reason = linear.reason === 'range' ? 'an accumulator is out of range' : 'the product is not that of the weights'
  return { verdict: { ok: false, kind: 'unit', slab, op, position, part: 0, row: undefined, reason }, linear }
}

/** Records of slabs that hold one after another; `taken` is given all that the pass reads. Throws {@link InferenceError} for slabs of another size. */
class SlabRecords {
  readonly #slabs: readonly SlabBytes[]
  readonly #layers: number
  readonly #taken: LinearRoot | undefined

  constructor(layout: TraceLayout, { head, slabs }: ExactJob, taken?: LinearRoot) {
    this.#layers = layout.config.layers
    this.#taken = taken
    this.#slabs = linearSlabs(layout, head).map(({ slab, from, bytes: size }) => {
      const bytes = slabs[slab - 1]
      if (bytes?.length !== size)
        throw new InferenceError('trace', `slab ${slab} of ${bytes?.length} bytes, not ${size}`)
      return { slab, from, recordBytes: size / (head.positions - from), bytes }
    })
  }

  layer(layer: number): SentRecords {
    return (from, count) => [this.#records(this.#slabs[layer] as SlabBytes, from, count)]
  }

  head(): SentRecords {
    const slabs = this.#slabs.slice(this.#layers)
    return (from, count) =>
      Array.from({ length: count }, (_, i) => slabs.map((slab) => this.#records(slab, from + i, 1))).flat()
  }

  #records({ slab, from, recordBytes, bytes }: SlabBytes, position: number, count: number): Uint8Array {
    const at = (position - from) * recordBytes
    const records = bytes.subarray(at, at + count * recordBytes)
    this.#taken?.add(slab, position, count, records)
    return records
  }
}

type SlabBytes = {
  readonly slab: number
  readonly from: number
  readonly recordBytes: number
  readonly bytes: Uint8Array
}
