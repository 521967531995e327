import { bytesToHex, equalBytes, type Hex } from '../../protocol/bytes.ts'
import { tokenListRoot } from '../../protocol/token-list.ts'
import { Ending, type TokenBytes } from '../answer/ending.ts'
import type { Engine } from '../engine.ts'
import type { ModelConfig } from '../model-config.ts'
import { type TraceHead, traceRootOf } from '../trace/head.ts'
import { adapterShapes, type TraceExtent, TraceLayout, type TraceTree } from '../trace/layout.ts'
import { type GivenAnswer, retrace } from '../trace/retrace.ts'
import { inOrder, stepOf, type UnitElement } from './order.ts'
import type { Verdict } from './verdict.ts'

/** An answer as its receipt has it, and what it was asked by. */
export type ReceivedAnswer = GivenAnswer & {
  readonly promptRoot: Uint8Array
  readonly outputRoot: Uint8Array
  readonly traceRoot: Hex
  readonly maxTokens: number
  readonly stops: readonly Uint8Array[]
  /** The payer ended it: then its last token need not. */
  readonly cancelled: boolean
  /** What traceRoot is the hash of, where it is known. */
  readonly head?: TraceHead
  /** The worker's records as far as they are at hand, verified under the head. */
  readonly records?: (tree: TraceTree, slab: number, position: number) => Uint8Array | undefined
}

export type ReExecutionParts = {
  readonly engine: Engine
  readonly expTable: Uint32Array
  readonly text: TokenBytes
}

/**
 * Checks an answer with the model's weights: runs its own tokens in batches, and compares tokens, end and roots. Names the first wrong
 * unit where the worker's records show it. Throws `InferenceError` for what this engine cannot run, and the signal's reason.
 */
export async function reExecute(
  parts: ReExecutionParts,
  answer: ReceivedAnswer,
  signal?: AbortSignal,
): Promise<Verdict> {
  const { config } = parts.engine
  const counted = checkCounts(config, answer) ?? checkEnd(parts, answer)
  if (counted !== undefined) return counted
  const layout = new TraceLayout(config, adapterShapes(answer.slots))
  const widths = answer.head === undefined ? ([3, 4] as const) : [answer.head.width]
  let verdict: Verdict = { ok: true }
  for (const width of widths) {
    verdict = await checkTrace(parts, layout, answer, width, signal)
    if (verdict.ok || verdict.kind !== 'root') break
  }
  return verdict
}

/** Tokens are those of request and receipt, and of the model. */
function checkCounts({ vocab, context }: ModelConfig, answer: ReceivedAnswer): Verdict | undefined {
  const { input, output, promptRoot, outputRoot, head } = answer
  const wrong = (position: number, reason: string): Verdict => ({ ok: false, kind: 'answer', position, reason })
  if (!equalBytes(tokenListRoot(input), promptRoot)) return wrong(0, 'the input is not that of the request')
  if (!equalBytes(tokenListRoot(output), outputRoot)) {
    return wrong(input.length, 'the output is not that of the receipt')
  }
  if (input.length === 0 || output.length === 0 || input.length + output.length > context) {
    return wrong(0, `${input.length} + ${output.length} tokens`)
  }
  const foreign = [...input, ...output].findIndex((token) => token >= vocab)
  if (foreign >= 0) return wrong(foreign, 'not a token of the model')
  if (head === undefined) return undefined
  if (bytesToHex(traceRootOf(head)) !== answer.traceRoot) return wrong(0, 'the head is not that of the trace')
  const isSized = head.tin === input.length && head.positions === input.length + output.length - 1
  return isSized ? undefined : wrong(0, "the trace's head is not that of so many tokens")
}

/** The last token ends the answer, and none before. */
function checkEnd({ engine, text }: ReExecutionParts, answer: ReceivedAnswer): Verdict | undefined {
  const { input, output, maxTokens, stops, cancelled } = answer
  const ending = new Ending(engine.config, text, { tin: input.length, maxTokens, stops })
  for (const [i, token] of output.entries()) {
    const isLast = i === output.length - 1
    const ended = ending.push(token) !== undefined
    if (ended === isLast || (isLast && cancelled)) continue
    const reason = ended ? 'the answer goes on after its end' : 'the answer stops before its end'
    return { ok: false, kind: 'answer', position: input.length + i, reason }
  }
  return undefined
}

async function checkTrace(
  parts: ReExecutionParts,
  layout: TraceLayout,
  answer: ReceivedAnswer,
  width: 3 | 4,
  signal: AbortSignal | undefined,
): Promise<Verdict> {
  const { input, output, traceRoot, records } = answer
  const extent: TraceExtent = { positions: input.length + output.length - 1, tin: input.length, width }
  const first = new FirstDifference(layout, extent)
  const onRecord = (tree: TraceTree, slab: number, position: number, own: Uint8Array) => {
    const shown = records?.(tree, slab, position)
    if (shown !== undefined) first.compare(tree, slab, position, own, shown)
  }
  const recorder = await retrace(parts, layout, answer, { width, onRecord, signal })
  const { head } = recorder.finish()
  if (recorder.unfit !== undefined) first.add(recorder.unfit)
  if (first.found !== undefined && answer.head !== undefined)
    return unitVerdict(layout.config, first.found, recorder.unfit)
  for (const [i, token] of output.entries()) {
    if (recorder.choices.get(input.length - 1 + i) === token) continue
    const reason = 'the token is not the one that the logits give'
    return { ok: false, kind: 'answer', position: input.length + i, reason }
  }
  if (bytesToHex(traceRootOf(head)) === traceRoot && recorder.unfit === undefined) return { ok: true }
  return { ok: false, kind: 'root', reason: 'the trace is not that of this answer' }
}

function unitVerdict({ layers }: ModelConfig, { unit, element }: UnitElement, unfit: UnitElement | undefined): Verdict {
  const { op, position, part } = unit
  const [slab] = stepOf(unit, layers)
  const isUnfit = unfit !== undefined && inOrder(stepOf(unit, layers), stepOf(unfit.unit, layers)) === 0
  const reason = isUnfit ? 'the accumulator does not fit 3 bytes' : 'the number is not what the rule gives'
  return { ok: false, kind: 'unit', slab, op, position, part, row: element, reason }
}

/** The first unit in the order of computation in which two traces differ. */
class FirstDifference {
  readonly #layout: TraceLayout
  readonly #extent: TraceExtent
  #found: UnitElement | undefined

  constructor(layout: TraceLayout, extent: TraceExtent) {
    this.#layout = layout
    this.#extent = extent
  }

  get found(): UnitElement | undefined {
    return this.#found
  }

  add(candidate: UnitElement): void {
    const { layers } = this.#layout.config
    const order =
      this.#found === undefined ? -1 : inOrder(stepOf(candidate.unit, layers), stepOf(this.#found.unit, layers))
    if (order < 0) this.#found = candidate
  }

  compare(tree: TraceTree, slab: number, position: number, own: Uint8Array, shown: Uint8Array): void {
    if (equalBytes(own, shown)) return
    let last: UnitElement | undefined
    for (let offset = 0; offset < own.length; offset++) {
      if (own[offset] === shown[offset]) continue
      const at = this.#layout.unitAt(tree, slab, position, offset, this.#extent)
      const isSame =
        last?.unit.op === at.unit.op && last.unit.part === at.unit.part && last.unit.position === at.unit.position
      if (!isSame) this.add(at)
      last = at
    }
  }
}
