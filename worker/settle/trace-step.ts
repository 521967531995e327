import { decodeBatchFile, rowStarts } from '../../attribution/epochs/batch-file.ts'
import { type BatchReceipt, batchReceipt } from '../../attribution/epochs/batch-rows.ts'
import { batchState, batchStates, lastMatureBatch } from '../../chain/ledger/batch-state.ts'
import type { Content } from '../../chain/ledger/content.ts'
import type { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import type { LedgerEvent } from '../../chain/ledger/ledger-event.ts'
import type { Sender } from '../../chain/ledger/sender.ts'
import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import type { Question } from '../../inference/check/descent.ts'
import { treeNumbers } from '../../inference/one-step/step.ts'
import { answerSeed } from '../../inference/sampler.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { AnswerTask, Backend } from '../backends/backend.ts'
import { OpenFailures } from './open-failures.ts'

export type TraceParts = {
  readonly ledger: LedgerBook
  readonly content: Content
  readonly backend: Pick<Backend, 'show'>
  readonly modelRoot: (modelVersion: Hex) => Promise<Hex>
  readonly sender: Pick<Sender, 'send' | 'address'>
  readonly log: Log
}

/** What is asked about one receipt. */
type Asked = { readonly batchId: bigint; readonly receipt: number; readonly events: readonly LedgerEvent[] }

const nameOf = ({ batchId, receipt }: Asked) => `${batchId} ${receipt}`

/** Shows on chain what is asked of this worker's traces, which are made again for it: silence costs stake. */
export class TraceStep {
  readonly #parts: TraceParts
  readonly #failures = new OpenFailures()

  constructor(parts: TraceParts) {
    this.#parts = parts
  }

  /** One look; true where something was shown. */
  readonly run = async (signal: AbortSignal): Promise<boolean> => {
    let acted = false
    const open = this.#open()
    this.#failures.keep(new Set(open.map(nameOf)))
    for (const asked of open) {
      try {
        acted = (await this.#show(asked, signal)) || acted
      } catch (error) {
        if (signal.aborted) return acted
        const { batchId, receipt } = asked
        const reason = errorMessage(error)
        if (this.#failures.isNew(nameOf(asked), reason))
          this.#parts.log.error('a trace asked for was not shown, trying on', { batchId, receipt, error: reason })
      }
    }
    return acted
  }

  /** Open questions about batches of ours, receipt by receipt. */
  #open(): Asked[] {
    const { ledger, sender } = this.#parts
    const now = ledger.head?.time ?? 0n
    return batchStates(ledger, lastMatureBatch(ledger) + 1n, ledger.lastBatch)
      .filter(({ header, isVoid }) => header.worker === sender.address && !isVoid)
      .flatMap(({ header: { batchId }, voided }) => {
        const open = ledger
          .events('TraceRequested', { number: batchId })
          .filter((event) => (event.args['dueAt'] as bigint) > now && !this.#isServed(event))
        const receipts = [...new Set(open.map(({ args }) => Number(args['receipt'])))]
        return receipts
          .filter((receipt) => !voided.includes(receipt))
          .map((receipt) => ({
            batchId,
            receipt,
            events: open.filter(({ args }) => Number(args['receipt']) === receipt),
          }))
      })
  }

  #isServed({ args, pos }: LedgerEvent): boolean {
    const answers = this.#parts.ledger.events('TraceServed', { key: args['demandId'] as Hex })
    return answers.some((answer) => answer.pos > pos)
  }

  async #show({ batchId, receipt, events }: Asked, signal: AbortSignal): Promise<boolean> {
    const { ledger, content, backend, modelRoot, sender, log } = this.#parts
    const header = batchState(ledger, batchId)?.header
    const file = header && (await content.own(header.dataHash))
    if (file === undefined) throw new Error('the data of the batch are not here')
    const { receipts, ...sections } = decodeBatchFile(file)
    const booked = batchReceipt({ receipts, ...sections }, rowStarts(receipts), receipt)
    const task = taskOf(booked, await modelRoot(booked.request.modelVersion))
    const calls = await backend.show(task, booked.output, events.map(questionOf), signal)
    for (const [i, event] of events.entries()) {
      const call = calls[i]
      if (call === undefined) continue
      const args = [event.args['demandId'], ...call.args]
      await sender.send({ contract: 'TraceDemands', functionName: call.functionName, args }, signal)
      log.info('trace shown on chain', { batchId, receipt, call: call.functionName })
    }
    return true
  }
}

function questionOf({ args }: LedgerEvent): Question {
  const tree = treeNumbers[Number(args['tree'])]
  if (tree === undefined) throw new Error(`there is no tree ${args['tree']}`)
  return { tree, depth: Number(args['depth']), index: Number(args['index']) }
}

/** The answer's own task, but for its stop strings: where it ended is known. */
function taskOf({ request, receipt, prompt }: BatchReceipt, modelRoot: Hex): AnswerTask {
  const seed = answerSeed(receipt.requestId, receipt.worker)
  const { adapters, sampling } = request
  return { modelRoot, adapters, prompt, sampling, stops: [], seed, traced: true, sampled: false }
}
