import type { TraceDemand } from '../../chain/ledger/trace-demands.ts'
import type { Question } from '../../inference/check/descent.ts'
import type { Dispute } from '../../inference/check/dispute.ts'
import { InferenceError } from '../../inference/inference-error.ts'
import { treeNumbers } from '../../inference/one-step/step.ts'
import type { TraceHead } from '../../inference/trace/head.ts'
import { FormatError, type Hex, hexToBytes } from '../../protocol/bytes.ts'
import type { InferenceRequest } from '../../protocol/inference-request.ts'
import type { BatchHeader, Segment } from '../../protocol/receipt-batch.ts'
import { type Action, action, subjectOf } from '../watcher/action.ts'

export type QuarrelParts = {
  readonly dispute: Dispute
  /** `OpenedReceipt` of the contracts. */
  readonly opened: { readonly header: BatchHeader; readonly index: number }
  readonly segments: readonly Segment[]
  readonly request: InferenceRequest
  /** What was asked of the batch's traces so far, by anybody. */
  readonly demands: () => readonly TraceDemand[]
}

/** What is to be done about an answer now. `isRight`: it was found right, and nothing is left to be done. */
export type QuarrelLook = { readonly isRight: boolean; readonly actions: readonly Action[] }

/**
 * One checker's quarrel about one receipt, from the chain alone: takes in what the worker showed, whoever asked for it, and says
 * what to send next. A lack of an answer settles it as well as a proof does.
 */
export class TraceQuarrel {
  readonly #parts: QuarrelParts
  readonly #taken = new Set<Hex>()

  constructor(parts: QuarrelParts) {
    this.#parts = parts
  }

  /** `now`: Unix seconds of the chain; `closesAt`: from when on nothing can be asked any more. */
  async look(now: bigint, closesAt: bigint): Promise<QuarrelLook> {
    const { dispute, opened } = this.#parts
    const demands = this.#parts.demands().filter(({ receipt }) => receipt === opened.index)
    const missing = demands.find(({ answer, dueAt }) => answer === undefined && dueAt <= now)
    if (missing !== undefined) {
      const { tree, depth, index } = missing
      return { isRight: false, actions: [this.#challenge('traceMissing', [tree, depth, index])] }
    }
    await this.#takeAll(demands)
    const move = dispute.next()
    if (move.kind === 'right') return { isRight: true, actions: [] }
    if (move.kind === 'prove') {
      const { functionName, args } = move.proof
      return { isRight: false, actions: [this.#challenge(functionName, [this.#parts.request, ...args])] }
    }
    const fresh = move.questions.filter((question) => !demands.some((demand) => isAbout(demand, question)))
    return { isRight: false, actions: now < closesAt ? fresh.map((question) => this.#ask(question)) : [] }
  }

  /** Takes answers in until no more of them tell of something known: somebody may have asked elsewhere. */
  async #takeAll(demands: readonly TraceDemand[]): Promise<void> {
    for (let before = -1; before !== this.#taken.size; ) {
      before = this.#taken.size
      for (const demand of demands) if (!this.#taken.has(demand.id)) await this.#take(demand)
    }
  }

  async #take({ id, answer, tree, depth, index }: TraceDemand): Promise<void> {
    const name = treeNumbers[tree]
    if (answer === undefined || name === undefined) return
    const { functionName, args } = answer
    const question = { tree: name, depth, index }
    const { dispute } = this.#parts
    try {
      if (functionName === 'serveRoot') await dispute.showRoot(name, headOf(args[1]), bytesOf(args[2]))
      else if (functionName === 'serveNodes') dispute.showNodes(question, bytesOf(args[1]))
      else dispute.showLeaf(question, hexToBytes(args[1] as Hex))
      this.#taken.add(id)
    } catch (error) {
      // Of a part that is not known yet.
      if (!(error instanceof FormatError) && !(error instanceof InferenceError)) throw error
    }
  }

  #challenge(functionName: string, args: readonly unknown[]): Action {
    const { opened, segments } = this.#parts
    const call = { contract: 'DisputeGame', functionName, args: [opened, segments, ...args] } as const
    const about = { batch: opened.header.batchId }
    return { ...action('challenge', call, about), subject: subjectOf(call) }
  }

  #ask(question: Question): Action {
    const { dispute, opened } = this.#parts
    const { functionName, args, shownBytes } = dispute.ask(question)
    const call = { contract: 'TraceDemands', functionName, args: [opened, ...args] } as const
    const price = { contract: 'TraceDemands', functionName: 'answerPrice', args: [shownBytes] } as const
    return { ...action('demand', call, { batch: opened.header.batchId }), price }
  }
}

function isAbout(demand: TraceDemand, { tree, depth, index }: Question): boolean {
  return treeNumbers[demand.tree] === tree && demand.depth === depth && demand.index === index
}

function bytesOf(hexes: unknown): Uint8Array[] {
  return (hexes as readonly Hex[]).map((hex) => hexToBytes(hex))
}

/** A head as the worker showed it; its width may be any. */
function headOf(shown: unknown): TraceHead {
  const { linearRoot, derivedRoot, ...numbers } = shown as Omit<TraceHead, 'linearRoot' | 'derivedRoot'> & {
    readonly linearRoot: Hex
    readonly derivedRoot: Hex
  }
  return { ...numbers, linearRoot: hexToBytes(linearRoot), derivedRoot: hexToBytes(derivedRoot) }
}
