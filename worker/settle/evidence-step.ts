import { decodeBatchFile, rowStarts } from '../../attribution/epochs/batch-file.ts'
import { type BatchReceipt, batchReceipt } from '../../attribution/epochs/batch-rows.ts'
import { isDeadAt } from '../../chain/indexes/published-index.ts'
import { type BatchState, batchStates, lastMatureBatch } from '../../chain/ledger/batch-state.ts'
import type { Content } from '../../chain/ledger/content.ts'
import type { L2Rpc } from '../../chain/ledger/l2-rpc.ts'
import type { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import type { ModelTerms } from '../../chain/ledger/model-terms.ts'
import type { Sender } from '../../chain/ledger/sender.ts'
import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import { algoHashV2 } from '../../protocol/attribution-rule.ts'
import { bytesToHex, concatBytes, type Hex, hexToBytes, uintBytes } from '../../protocol/bytes.ts'
import { keccakHex } from '../../protocol/keccak.ts'
import { batchHash } from '../../protocol/receipt-batch.ts'
import type { Spans } from '../attribute/contributions.ts'
import { OpenFailures } from './open-failures.ts'

export type EvidenceParts = {
  readonly rpc: L2Rpc
  readonly ledger: LedgerBook
  readonly content: Content
  readonly spans: Spans
  /** Evidence of an answer under algoHash v2, whole. */
  readonly evidenceV2: (one: BatchReceipt, time: bigint, isDead: boolean) => Promise<Uint8Array>
  readonly terms: (modelVersion: Hex) => Promise<ModelTerms>
  readonly sender: Pick<Sender, 'send' | 'address'>
  readonly log: Log
}

type Place = { readonly demandId: Hex; readonly state: BatchState; readonly index: number; readonly one: BatchReceipt }

/** Shows on chain the evidence of this worker's answers that somebody asks for: silence voids the receipt and costs stake. */
export class EvidenceStep {
  readonly #parts: EvidenceParts
  readonly #failures = new OpenFailures()

  constructor(parts: EvidenceParts) {
    this.#parts = parts
  }

  /** One look; true where something was shown. */
  readonly run = async (signal: AbortSignal): Promise<boolean> => {
    const { log } = this.#parts
    const wanted = this.#open()
    this.#failures.keep(new Set<string>(wanted.keys()))
    if (wanted.size === 0) return false
    let acted = false
    for (const { demandId, state, index, one } of await this.#places(wanted)) {
      const { batchId } = state.header
      try {
        await this.#show(state, index, one, signal)
        log.info('evidence shown on chain', { batch: batchId, receipt: index })
        acted = true
      } catch (error) {
        if (signal.aborted) return acted
        const reason = errorMessage(error)
        if (this.#failures.isNew(demandId, reason))
          log.error('evidence asked for was not shown, trying on', { batch: batchId, receipt: index, error: reason })
      }
    }
    return acted
  }

  /** Ids of demands that wait, with the evidence's hash. */
  #open(): Map<Hex, Hex> {
    const { ledger } = this.#parts
    const now = ledger.head?.time ?? 0n
    const open = ledger.events('EvidenceRequested').filter(({ args }) => {
      const isDue = (args['dueAt'] as bigint) > now
      return isDue && ledger.lastEvent('EvidenceServed', args['demandId'] as Hex) === undefined
    })
    return new Map(open.map(({ args }) => [args['demandId'] as Hex, args['evidenceHash'] as Hex]))
  }

  /** The receipts of ours that the demands are about. */
  async #places(wanted: ReadonlyMap<Hex, Hex>): Promise<Place[]> {
    const { ledger, content, sender } = this.#parts
    const hashes = new Set(wanted.values())
    const places: Place[] = []
    for (const state of batchStates(ledger, lastMatureBatch(ledger) + 1n, ledger.lastBatch)) {
      const { header } = state
      if (header.worker !== sender.address || state.isVoid) continue
      const file = await content.own(header.dataHash)
      if (file === undefined) continue
      const data = decodeBatchFile(file)
      const starts = rowStarts(data.receipts)
      for (let index = 0; index < header.count; index++) {
        const one = batchReceipt(data, starts, index)
        const hash = one.entries.find(({ evidenceHash }) => hashes.has(evidenceHash))?.evidenceHash
        if (hash === undefined || state.voided.includes(index)) continue
        const demandId = keccakHex(concatBytes(batchHash(header), uintBytes(index, 32), hexToBytes(hash)))
        if (wanted.has(demandId)) places.push({ demandId, state, index, one })
      }
    }
    return places
  }

  async #show({ header }: BatchState, index: number, one: BatchReceipt, signal: AbortSignal) {
    const { rpc, spans, evidenceV2, terms, sender } = this.#parts
    const { request, output, receipt } = one
    const { indexIds } = await terms(request.modelVersion)
    const isDead = await isDeadAt(rpc, indexIds, header.committedAt)
    const evidence =
      receipt.algoHash === algoHashV2
        ? await evidenceV2(one, header.committedAt, isDead)
        : (await spans.attribute(indexIds, output, isDead)).evidence
    const args = [bytesToHex(batchHash(header)), index, bytesToHex(evidence)]
    await sender.send({ contract: 'EvidenceDemands', functionName: 'serveEvidence', args }, signal)
  }
}
