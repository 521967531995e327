import { callContract } from '../../chain/ledger/l2-calls.ts'
import type { L2Rpc } from '../../chain/ledger/l2-rpc.ts'
import type { Log } from '../../common/log.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import { keccakHex } from '../../protocol/keccak.ts'
import type { SettledAnswer } from '../checker/settled-answers.ts'
import type { SketchOutcome, SketchTask } from './sketch-jobs.ts'

type Parts = {
  readonly rpc: L2Rpc
  readonly sketches: { query(task: SketchTask): Promise<SketchOutcome> }
  readonly log: Log
}

/** What an answer is judged by. */
export type QueriedAnswer = Pick<SettledAnswer, 'request' | 'prompt' | 'output' | 'committedAt'> & {
  readonly receipt: Pick<SettledAnswer['receipt'], 'requestId' | 'worker'>
}

/** Of a part without bytes. */
const noQuery = keccakHex(new Uint8Array(0))

/** Whether the query sketch of an answer is the one that its table of influences gives: computed anew, bit by bit. docs/GRADIENTS.md §9. */
export class QueryCheck {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** `hash`: keccak of the query that the worker committed to. Undefined where the table, its model or its adapter is not here. */
  async isWrong(answer: QueriedAnswer, hash: Hex): Promise<boolean | undefined> {
    const { sketches, log } = this.#parts
    const table = await this.#table(answer)
    if (table === zeroHash) return hash !== noQuery
    const { prompt, output, receipt } = answer
    const about = { requestId: receipt.requestId, worker: receipt.worker, table }
    log.info('the query sketch of an answer is computed anew', { ...about, tokens: prompt.length + output.length })
    const outcome = await sketches.query({ table, answer: { prompt, output } })
    if (outcome.kind === 'missing') {
      log.warn('a query sketch is not judged: a file is not here, and no node that is asked has it', {
        ...{ ...about, missing: outcome.what, root: outcome.root },
      })
      return undefined
    }
    const isWrong = outcome.hash !== hash
    log.info('the query sketch of an answer is judged', { ...about, isWrong, ms: outcome.ms })
    return isWrong
  }

  /** Root of the table in force for the request when its batch was committed; zeros where there was none. */
  async #table({ request, committedAt }: QueriedAnswer): Promise<Hex> {
    const { adapters, modelVersion } = request
    const [adapter] = adapters
    if (adapters.length > 1) return zeroHash
    const args = [modelVersion, adapter?.root ?? zeroHash, committedAt]
    const call = { contract: 'SketchRegistry', functionName: 'tableAt', args } as const
    return ((await callContract(this.#parts.rpc, call)) as { readonly root: Hex }).root
  }
}
