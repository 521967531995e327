import { type BatchFile, decodeBatchFile } from '../../attribution/epochs/batch-file.ts'
import type { BatchThread } from '../../attribution/epochs/batch-thread.ts'
import type { BatchState } from '../../chain/ledger/batch-state.ts'
import type { Content } from '../../chain/ledger/content.ts'
import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import { batchHash } from '../../protocol/receipt-batch.ts'

/** Batches that are remembered as read; a file that was whole stays so. */
const rememberedMax = 100_000

/** Files of batches that open their headers' roots: what epochs may be built from. */
export class WholeBatches {
  readonly #content: Content
  readonly #thread: Pick<BatchThread, 'read'>
  readonly #whole = new Set<Hex>()

  constructor(content: Content, thread: Pick<BatchThread, 'read'>) {
    this.#content = content
    this.#thread = thread
  }

  /** Undefined where nobody has the file, or what is found under its hash is not the batch's. */
  async file(batch: BatchState, signal: AbortSignal): Promise<BatchFile | undefined> {
    const { header, segments, voided } = batch
    const file = await this.#content.get(header.dataHash, signal)
    if (file === undefined) return undefined
    const hash = bytesToHex(batchHash(header))
    if (!this.#whole.has(hash)) {
      const data = { file, voided: new Set(voided) }
      const { isWhole } = await this.#thread.read({ header, segments, data })
      if (!isWhole) return undefined
      if (this.#whole.size >= rememberedMax) this.#whole.clear()
      this.#whole.add(hash)
    }
    return decodeBatchFile(file)
  }
}
