import type { BuiltEpoch } from '../../attribution/epochs/build-epoch.ts'
import { DataError } from '../../attribution/epochs/data-error.ts'
import { decodeEpochFile } from '../../attribution/epochs/epoch-file.ts'
import { type EpochParent, type EpochTask, noEpoch } from '../../attribution/epochs/epoch-task.ts'
import { buildEpochInThread, openEpochInThread } from '../../attribution/epochs/epoch-thread.ts'
import { isOf, type OpenEpoch } from '../../attribution/epochs/open-epoch.ts'
import { batchStates } from '../../chain/ledger/batch-state.ts'
import { finalEpoch, standingEpoch } from '../../chain/ledger/epoch-state.ts'
import { CodedError } from '../../common/errors.ts'
import { LruCache } from '../../common/lru-cache.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { EpochHeader } from '../../protocol/payout-epoch.ts'
import type { AttributorParts } from './attributor-parts.ts'
import type { WholeBatches } from './whole-batches.ts'

/**
 * `no-data`: a batch's file is nowhere to be had. `wrong-parent`: an epoch stands that is not the canonical one; it has to be
 * reverted first. `moved`: the chain changed meanwhile; look again.
 */
export class EpochRowsError extends CodedError<'no-data' | 'wrong-parent' | 'moved'> {}

/** Epochs held open: the newest, its parent, and the final one that claims are made from. Each may take some 100 MB. */
const openMax = 3
/** Epochs that can stand unfinal, and then some. */
const judgedMax = 1_000

type Parts = Pick<AttributorParts, 'book' | 'content' | 'sender'> & { readonly batches: WholeBatches }

/** Builds epochs, and has the rows of those that stand: out of files, or built anew from the chain. */
export class EpochRows {
  readonly #parts: Parts
  readonly #open = new LruCache<string, OpenEpoch>(openMax)
  readonly #opening = new Map<string, Promise<OpenEpoch | undefined>>()
  /** Of epochs of others that were built here: whether they came out the same, by the record's hash. */
  readonly #judged = new LruCache<Hex, boolean>(judgedMax)

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** The epoch after `parent` of the batches up to `lastBatch`, its file stored. Throws EpochError, {@link EpochRowsError}. */
  async build(parent: bigint, lastBatch: bigint, algoHash: Hex, signal: AbortSignal): Promise<BuiltEpoch> {
    const task = await this.#task(parent, lastBatch, algoHash, signal)
    const built = await buildEpochInThread(task, { signal })
    const { credits, payouts } = decodeEpochFile(built.file)
    this.#open.set(keyOf(built.header), {
      credits: { rows: credits, tree: built.credits },
      payouts: { rows: payouts, tree: built.payouts },
    })
    await this.#parts.content.put(built.header.dataHash, built.file)
    return built
  }

  /**
   * Rows of an epoch that stands, which are known to be right where it is not final: it is one of our own, or was built here
   * too. Throws {@link EpochRowsError}, and EpochError where the chain allows no such epoch.
   */
  async standing(epoch: bigint, signal: AbortSignal): Promise<OpenEpoch> {
    const booked = standingEpoch(this.#parts.book, epoch)
    if (booked === undefined) throw new EpochRowsError('moved', `epoch ${epoch} stands no more`)
    const { header, proposer } = booked.record
    const isFinal = epoch <= finalEpoch(this.#parts.book)
    const isTrusted = isFinal || proposer === this.#parts.sender.address || this.#judged.get(booked.hash) === true
    const rows = isTrusted ? await this.shown(header, signal) : undefined
    if (rows !== undefined) return rows
    const built =
      this.#judged.get(booked.hash) === false
        ? undefined
        : await this.build(epoch - 1n, header.lastBatch, header.algoHash, signal)
    const open = built && keyOf(built.header) === keyOf(header) ? this.#open.get(keyOf(header)) : undefined
    this.#judged.set(booked.hash, open !== undefined)
    if (open !== undefined) return open
    throw new EpochRowsError('wrong-parent', `epoch ${epoch} of ${proposer} is not what its batches give`)
  }

  /** Rows under a header's roots as its file has them, right or wrong; undefined where there is no such file. */
  async shown(header: EpochHeader, signal: AbortSignal): Promise<OpenEpoch | undefined> {
    const key = keyOf(header)
    const known = this.#open.get(key)
    if (known !== undefined) return known
    // Many demands on one epoch ask at once.
    const opening = this.#opening.get(key) ?? this.#openFile(header, signal).finally(() => this.#opening.delete(key))
    this.#opening.set(key, opening)
    return await opening
  }

  async #openFile(header: EpochHeader, signal: AbortSignal): Promise<OpenEpoch | undefined> {
    const file = await this.#parts.content.get(header.dataHash, signal)
    const open = file && (await opened(file, signal))
    if (open === undefined || !isOf(open, header)) return undefined
    return this.#open.set(keyOf(header), open)
  }

  async #task(parent: bigint, lastBatch: bigint, algoHash: Hex, signal: AbortSignal): Promise<EpochTask> {
    const { book, batches } = this.#parts
    const before = await this.#parent(parent, signal)
    const states = batchStates(book, before.lastBatch + 1n, lastBatch)
    if (states.at(-1)?.header.batchId !== lastBatch) throw new EpochRowsError('moved', `batch ${lastBatch} is gone`)
    const live: EpochTask['batches'][number][] = []
    for (const state of states.filter(({ isVoid }) => !isVoid)) {
      const file = await batches.file(state, signal)
      const { batchId, dataHash } = state.header
      if (file === undefined)
        throw new EpochRowsError('no-data', `nobody has the data of batch ${batchId}, ${dataHash}`)
      live.push({ batchId, file: { receipts: file.receipts, entries: file.entries }, voided: state.voided })
    }
    return { epoch: parent + 1n, parent: before, lastBatch, batches: live, algoHash }
  }

  async #parent(epoch: bigint, signal: AbortSignal): Promise<EpochParent> {
    if (epoch === 0n) return noEpoch
    const { payouts } = await this.standing(epoch, signal)
    const booked = standingEpoch(this.#parts.book, epoch)
    if (booked === undefined) throw new EpochRowsError('moved', `epoch ${epoch} stands no more`)
    const { lastBatch, payoutRoot } = booked.record.header
    return { lastBatch, payoutRoot, payouts: payouts.rows }
  }
}

/** What an epoch's rows are known by: other headers may have the same. */
function keyOf({ creditsRoot, payoutRoot }: EpochHeader): string {
  return `${creditsRoot} ${payoutRoot}`
}

async function opened(file: Uint8Array, signal: AbortSignal): Promise<OpenEpoch | undefined> {
  try {
    return await openEpochInThread(file, { signal })
  } catch (error) {
    if (error instanceof DataError) return undefined
    throw error
  }
}
