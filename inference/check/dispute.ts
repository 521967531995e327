import { bytesToHex, equalBytes, hexToBytes } from '../../protocol/bytes.ts'
import { choiceElements, choiceTileElements, choiceTileLogits } from '../choice.ts'
import { InferenceError } from '../inference-error.ts'
import type { ModelConfig } from '../model-config.ts'
import { type AnswerTokens, type Proof, proveEnd } from '../one-step/end-proof.ts'
import { openConfig, type SectionOpener } from '../one-step/open-section.ts'
import { openStep } from '../one-step/open-step.ts'
import { type Step, type StepContext, type StepElement, treeNumbers } from '../one-step/step.ts'
import { StepError } from '../one-step/step-error.ts'
import { type TraceHead, traceRootOf } from '../trace/head.ts'
import type { TraceLayout, TraceTree } from '../trace/layout.ts'
import { ops, type Unit } from '../trace.ts'
import { type Difference, descend, type Question, type ShownTrees } from './descent.ts'
import { inOrder, stepOf, type UnitElement, unitsIn } from './order.ts'
import { isAbsent, NotShown, ShownTree, type WholeTrace } from './shown-trace.ts'
import { askCall, type DemandCall, headArgs } from './trace-questions.ts'

/**
 * An answer computed anew on the tokens that the receipt claims. `choices`: the token that the logits of a position give; `unfit`: the
 * first accumulator that the width does not hold, of which the trace has the low bytes.
 */
export type Executed = {
  readonly trace: WholeTrace
  readonly choices: ReadonlyMap<number, number>
  readonly unfit: UnitElement | undefined
}

export type DisputeParts = {
  readonly answer: AnswerTokens
  readonly context: StepContext
  readonly layout: TraceLayout
  /** The model, then the adapters of the slots. */
  readonly files: readonly SectionOpener[]
  /** Computes the answer anew, its accumulators committed at this width. */
  readonly execute: (width: 3 | 4) => Promise<Executed>
}

/** What a checker does next. `ask`: what TraceDemands is asked; depth 0 also shows the head. `prove`: settles it. */
export type Move =
  | { readonly kind: 'right' }
  | { readonly kind: 'ask'; readonly questions: readonly Question[] }
  | { readonly kind: 'prove'; readonly proof: Proof }

/**
 * The checker's side of a quarrel about an answer: from what it computed itself and what was shown of the worker's trace, the next
 * questions or the one call that proves the worker wrong. docs/canonical-inference.md §12.6.
 */
export class Dispute {
  readonly #parts: DisputeParts
  #head: TraceHead | undefined
  #known: Known | undefined

  constructor(parts: DisputeParts) {
    this.#parts = parts
  }

  /** Takes the head of the trace with what was shown below a root; where it can be right, computes the answer anew. */
  async showRoot(tree: TraceTree, head: TraceHead, nodes: readonly Uint8Array[]): Promise<void> {
    if (!equalBytes(traceRootOf(head), hexToBytes(this.#parts.context.traceRoot))) {
      throw new InferenceError('trace', 'the head of another trace')
    }
    this.#head = head
    if (!this.#isHeadRight(head)) return
    this.#known ??= knownOf(head, await this.#parts.execute(head.width))
    this.#known.shown[tree].addNodes(0, 0, nodes)
  }

  /** Takes what was shown below a node. Throws FormatError for what the trace does not have. */
  showNodes({ tree, depth, index }: Question, nodes: readonly Uint8Array[]): void {
    this.#open().shown[tree].addNodes(depth, index, nodes)
  }

  showLeaf({ tree, index }: Question, bytes: Uint8Array): void {
    this.#open().shown[tree].addLeaf(index, bytes)
  }

  /** The call of TraceDemands that asks a question. */
  ask(question: Question): DemandCall & { readonly shownBytes: bigint } {
    if (question.depth === 0) return askCall(question, undefined)
    const { shown } = this.#open()
    return askCall(question, { head: this.#head as TraceHead, shown })
  }

  next(): Move {
    const { answer, files, layout } = this.#parts
    const end = proveEnd(answer, fileOf(files, 0), layout.config)
    if (end !== undefined) return this.#prove(end.functionName, end.args)
    const head = this.#head
    if (head === undefined) return { kind: 'ask', questions: treeNumbers.map((tree) => ({ tree, depth: 0, index: 0 })) }
    if (!this.#isHeadRight(head)) return this.#prove('badTraceHead', [headArgs(head), ...this.#configs()])
    const { own, shown } = this.#open()
    const descent = descend(shown, own.trace, layout, head)
    if (descent.kind === 'ask') return descent
    if (descent.leaves.length > 0) return this.#settle(descent.leaves, head)
    const first = answer.input.length - 1
    if (own.unfit !== undefined) return this.#proveStep(own.unfit)
    const wrong = answer.output.findIndex((token, j) => own.choices.get(first + j) !== token)
    return wrong < 0 ? { kind: 'right' } : this.#wrongChoice(first + wrong)
  }

  #settle(leaves: readonly Difference[], head: TraceHead): Move {
    const { own, shown } = this.#open()
    const misformed = leaves.find(({ isForm }) => isForm)
    if (misformed !== undefined) return this.#misplaced(misformed, head)
    const { layout } = this.#parts
    const found = leaves.flatMap(({ tree, index }) => {
      const [theirs, mine] = [shown[tree].leaf(index) as Uint8Array, own.trace.leaf(tree, index)]
      const offsets = Array.from(theirs.keys()).filter((i) => theirs[i] !== mine[i])
      return unitsIn(layout, head, tree, index, offsets)
    })
    const { layers } = layout.config
    const ordered = found.sort((a, b) => inOrder(stepOf(a.unit, layers), stepOf(b.unit, layers)))
    const [first] = ordered
    if (first === undefined) throw new InferenceError('trace', 'leaves that do not differ')
    const isChoice = first.unit.op === 'choice' || first.unit.op === 'choiceTile'
    return isChoice ? this.#wrongChoice(first.unit.position) : this.#proveStep(first)
  }

  #proveStep({ unit, element }: UnitElement): Move {
    const step = this.#wrongStep(elementOf(unit, element))
    if (step !== undefined) return this.#prove('wrongStep', [stepArgs(step)])
    throw new InferenceError('trace', `element ${element} of ${unit.op} differs and is not wrong`)
  }

  /** The choice of a position is wrong, or its token is not that of the output: some part of it does not fit the others. */
  #wrongChoice(position: number): Move {
    for (const element of choiceElementsOf(position, this.#parts.layout.config)) {
      const step = this.#wrongStep(element)
      if (step !== undefined) return this.#prove('wrongStep', [stepArgs(step)])
    }
    throw new InferenceError('trace', `a wrong choice at position ${position}, of which no part is wrong`)
  }

  /** The step about an element where it shows it to be wrong. */
  #wrongStep(element: StepElement): Step | undefined {
    const { context, layout, files, answer } = this.#parts
    const { shown } = this.#open()
    const head = this.#head as TraceHead
    const trace = { head, run: (tree: TraceTree, first: number, end: number) => shown[tree].run(first, end) }
    const sources = { context, layout, files, trace, prompt: answer.input, output: answer.output }
    try {
      const { step, isWrong } = openStep(sources, element)
      return isWrong ? step : undefined
    } catch (error) {
      if (error instanceof StepError || error instanceof NotShown) return undefined
      throw error
    }
  }

  #misplaced({ tree, index }: Difference, head: TraceHead): Move {
    const shown = this.#open().shown[tree]
    const hash = shown.hash(shown.depth, index) as Uint8Array
    const node = { tree: treeNumbers.indexOf(tree), depth: shown.depth, index, hash: bytesToHex(hash) }
    const siblings = shown.siblings(shown.depth, index).map((each) => bytesToHex(each))
    const leaf = isAbsent(hash) ? undefined : shown.leaf(index)
    const place = { index, node: { ...node, siblings }, leaf: leaf === undefined ? '0x' : bytesToHex(leaf) }
    return this.#prove('badTracePlace', [headArgs(head), ...this.#configs(), place])
  }

  #prove(functionName: string, args: readonly unknown[]): Move {
    return { kind: 'prove', proof: { functionName, args: args.map(hexArgs) } }
  }

  #configs(): readonly unknown[] {
    const [model, ...adapters] = this.#parts.files.map((file) => openConfig(file))
    return [model, adapters]
  }

  #isHeadRight({ positions, tin, width, linearDepth, derivedDepth }: TraceHead): boolean {
    const { answer, layout } = this.#parts
    const isCount = tin === answer.input.length && positions === tin + answer.output.length - 1
    const isDepth = linearDepth === layout.depth('linear') && derivedDepth === layout.depth('derived')
    return isCount && isDepth && (width === 3 || width === 4)
  }

  #open(): Known {
    if (this.#known === undefined) throw new InferenceError('trace', 'a trace whose head is not known, or wrong')
    return this.#known
  }
}

/** One's own trace, and what is known of the other. */
type Known = { readonly own: Executed; readonly shown: ShownTrees }

function knownOf({ linearDepth, derivedDepth, linearRoot, derivedRoot }: TraceHead, own: Executed): Known {
  const shown = {
    linear: new ShownTree('linear', linearDepth, linearRoot, own.trace),
    derived: new ShownTree('derived', derivedDepth, derivedRoot, own.trace),
  }
  return { own, shown }
}

/** Everything that a choice is told by: its marks and sums, and those of its tiles. */
function choiceElementsOf(position: number, { vocab }: ModelConfig): StepElement[] {
  const tiles = Math.ceil(vocab / choiceTileLogits)
  const unit = (op: 'choice' | 'choiceTile', part: number, element: number) =>
    elementOf({ op, layer: 0, position, part }, element)
  return [
    ...Array.from({ length: choiceElements }, (_, element) => unit('choice', 0, element)),
    ...Array.from({ length: tiles * choiceTileElements }, (_, i) =>
      unit('choiceTile', Math.floor(i / choiceTileElements), i % choiceTileElements),
    ),
  ]
}

function elementOf({ op, layer, position, part }: Unit, element: number): StepElement {
  return { op: ops[op].id, layer, position, part, element }
}

function fileOf(files: readonly SectionOpener[], file: number): SectionOpener {
  const opener = files[file]
  if (opener === undefined) throw new InferenceError('trace', 'a dispute without the model')
  return opener
}

/** A step as contracts/src/lib/StepTypes.sol has it. */
export function stepArgs(step: Step): unknown {
  const trace = step.trace.map(({ tree, run }) => ({ tree: treeNumbers.indexOf(tree), run }))
  return hexArgs({ ...step, trace })
}

/** Bytes of a value as hex, as arguments of calls are. */
function hexArgs(value: unknown): unknown {
  if (value instanceof Uint8Array) return bytesToHex(value)
  if (Array.isArray(value)) return value.map(hexArgs)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, hexArgs(each)]))
}
