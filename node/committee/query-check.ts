import { callContract } from '../../chain/ledger/l2-calls.ts'
import type { L2Rpc } from '../../chain/ledger/l2-rpc.ts'
import type { Log } from '../../common/log.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import { keccakHex } from '../../protocol/keccak.ts'
import type { SettledAnswer } from '../checker/settled-answers.ts'
import type { SketchOutcome, SketchTask } from './sketch-jobs.ts'

type Parts = {
  readonly rpc: L2Rpc
  /** Root of a version's weights; undefined where there is none. */
  readonly modelRoot: (modelVersion: Hex) => Promise<Hex | undefined>
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
    const { sketches, modelRoot, log } = this.#parts
    const { prompt, output, receipt, request } = answer
    const table = await this.#table(answer)
    if (table.root === zeroHash) return hash !== noQuery
    const model = await modelRoot(request.modelVersion)
    if (model === undefined) return undefined
    const about = { requestId: receipt.requestId, worker: receipt.worker, table: table.root }
    log.info('the query sketch of an answer is computed anew', { ...about, tokens: prompt.length + output.length })
    const [adapter] = request.adapters
    const source = {
      ...{ model, adapter: adapter?.root ?? zeroHash, table: table.root },
      ...{ size: Number(table.size), rows: Number(table.rows) },
    }
    const outcome = await sketches.query({ source, answer: { prompt, output } })
    if (outcome.kind === 'missing') {
      log.warn('a query sketch is not judged: what it takes is not here, and no node that is asked has it', {
        ...{ ...about, reason: outcome.reason },
      })
      return undefined
    }
    const isWrong = outcome.hash !== hash
    log.info('the query sketch of an answer is judged', { ...about, isWrong, ms: outcome.ms })
    return isWrong
  }

  /** The table in force for the request when its batch was committed; zeros where there was none. */
  async #table({ request, committedAt }: QueriedAnswer): Promise<TableInForce> {
    const { adapters, modelVersion } = request
    if (adapters.length > 1) return noTable
    const args = [modelVersion, adapters[0]?.root ?? zeroHash, committedAt]
    const call = { contract: 'SketchRegistry', functionName: 'tableAt', args } as const
    return (await callContract(this.#parts.rpc, call)) as TableInForce
  }
}

type TableInForce = { readonly root: Hex; readonly size: bigint | number; readonly rows: bigint | number }

const noTable: TableInForce = { root: zeroHash, size: 0, rows: 0 }
