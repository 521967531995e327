import { type BatchFile, decodeBatchFile, rowBytes } from '../../attribution/epochs/batch-file.ts'
import { OpenBatch } from '../../attribution/epochs/batch-trees.ts'
import { DataError } from '../../attribution/epochs/data-error.ts'
import { decodeEpochFile, type EpochFile } from '../../attribution/epochs/epoch-file.ts'
import { creditTree, payoutTree } from '../../attribution/epochs/epoch-rows.ts'
import { type EpochParent, noEpoch } from '../../attribution/epochs/epoch-task.ts'
import { allEvents, topicOf } from '../../chain/ledger/all-events.ts'
import { UsageError } from '../../common/errors.ts'
import { bytesToHex, FormatError, type Hex, zeroHash } from '../../protocol/bytes.ts'
import type { EpochHeader } from '../../protocol/payout-epoch.ts'
import type { BatchHeader } from '../../protocol/receipt-batch.ts'
import type { ChainAccess } from '../money/action.ts'
import type { ContentPlaces } from '../money/content-places.ts'
import { knownBatch } from '../money/known-batch.ts'

/** A batch with its file, which opens the root on chain. */
export type OpenedBatch = {
  readonly header: BatchHeader
  readonly batch: OpenBatch
  readonly file: BatchFile
  readonly isVoid: boolean
  readonly voided: readonly number[]
}

/** An epoch that stands, with what it was made from. */
export type OpenedEpoch = {
  readonly header: EpochHeader
  readonly isFinal: boolean
  readonly file: EpochFile
  readonly parent: EpochParent
  /** All from `firstBatch` to `lastBatch`. */
  readonly batches: readonly OpenedBatch[]
}

/** Throws UsageError where there is no such epoch, or a file is not there or is not what the chain names. */
export async function openEpoch(chain: ChainAccess, places: ContentPlaces, epoch: bigint): Promise<OpenedEpoch> {
  const { header, isFinal } = await standingEpoch(chain, epoch)
  const file = await epochFile(chain, places, header)
  const { firstBatch, lastBatch } = header
  const batches: OpenedBatch[] = []
  for (let id = firstBatch; id <= lastBatch; id++) batches.push(await openBatch(chain, places, id))
  return { header, isFinal, file, parent: await parentOf(chain, places, header), batches }
}

/** Throws UsageError as {@link openEpoch} does. */
export async function openBatch(chain: ChainAccess, places: ContentPlaces, id: bigint): Promise<OpenedBatch> {
  const { header } = await knownBatch(chain, id)
  const { isVoid } = (await chain.read('InferenceMarket', 'batchState', [id])) as { readonly isVoid: boolean }
  const voids = await allEvents(chain, 'InferenceMarket', 'ReceiptVoided', [topicOf(id)])
  const bytes = await contentOf(chain, places, header.dataHash, `batch ${id}`)
  const [file, batch] = rightRows(`batch ${id}`, () => {
    const decoded = decodeBatchFile(bytes)
    const opened = new OpenBatch(header, decoded)
    if (bytesToHex(opened.tree.root) !== header.receiptRoot) throw new DataError('value', 'another receiptRoot')
    return [decoded, opened]
  })
  if (file.receipts.length / rowBytes.receipts !== header.count)
    throw new UsageError(`the file of batch ${id} is short`)
  return { header, batch, file, isVoid, voided: voids.map(({ args }) => Number(args['index'])) }
}

/** The last proposal of the number, of which at most one stands. */
async function standingEpoch(
  chain: ChainAccess,
  epoch: bigint,
): Promise<{ readonly header: EpochHeader; readonly isFinal: boolean }> {
  const [last, final] = (await Promise.all([
    chain.read('AttributionLedger', 'lastEpoch'),
    chain.read('AttributionLedger', 'finalEpoch'),
  ])) as [bigint, bigint]
  if (epoch < 1n || epoch > last) throw new UsageError(`there is no epoch ${epoch}: ${last} were proposed`)
  const proposed = (await allEvents(chain, 'AttributionLedger', 'EpochProposed', [topicOf(epoch)])).at(-1)
  if (proposed === undefined) throw new UsageError(`nobody proposed epoch ${epoch}`)
  return { header: proposed.args['header'] as EpochHeader, isFinal: epoch <= final }
}

async function parentOf(
  chain: ChainAccess,
  places: ContentPlaces,
  { epoch, parentRoot, firstBatch }: EpochHeader,
): Promise<EpochParent> {
  if (parentRoot === zeroHash) return { ...noEpoch, lastBatch: firstBatch - 1n }
  const { header } = await standingEpoch(chain, epoch - 1n)
  const { payouts } = await epochFile(chain, places, header)
  return { lastBatch: header.lastBatch, payoutRoot: parentRoot, payouts }
}

async function epochFile(chain: ChainAccess, places: ContentPlaces, header: EpochHeader): Promise<EpochFile> {
  const what = `epoch ${header.epoch}`
  const bytes = await contentOf(chain, places, header.dataHash, what)
  return rightRows(what, () => {
    const file = decodeEpochFile(bytes)
    const isRight =
      bytesToHex(creditTree(file.credits).root) === header.creditsRoot &&
      bytesToHex(payoutTree(file.payouts).root) === header.payoutRoot
    if (!isRight) throw new DataError('value', 'other roots')
    return file
  })
}

async function contentOf(chain: ChainAccess, places: ContentPlaces, hash: Hex, what: string): Promise<Uint8Array> {
  const bytes = await places.get(hash, chain.signal)
  if (bytes === undefined)
    throw new UsageError(`INCOMPLETE: the file ${hash} of ${what} is not there; name another --node`)
  return bytes
}

function rightRows<T>(what: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof DataError || cause instanceof FormatError)) throw cause
    throw new UsageError(`INCOMPLETE: the file of ${what} does not open what stands on chain (${cause.message})`, {
      cause,
    })
  }
}
