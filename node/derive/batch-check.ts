import type { Log } from '../../common/log.ts'
import type { L1BlockRef, L2BlockRef } from '../../protocol/block-ref.ts'
import { equalBytes, FormatError, hexToBytes } from '../../protocol/bytes.ts'
import { activatesAt, isActive } from '../../protocol/hardforks.ts'
import { l1InfoOfBlock } from '../../protocol/l2-block.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'
import type { SingularBatch } from '../../protocol/singular-batch.ts'
import type { SpanBatch } from '../../protocol/span-batch.ts'
import { txType } from '../../protocol/transaction.ts'
import { maxSequencerDrift } from './max-sequencer-drift.ts'
import type { L2Chain } from './sources.ts'

/**
 * What becomes of a batch. `undecided`: more L1 blocks are needed, or a read failed; `future`: kept for later (before
 * Holocene); `past`: behind the safe head (from Holocene). Spec: protocol/derivation.md, "Batch Queue".
 */
export type BatchVerdict = 'accept' | 'drop' | 'undecided' | 'future' | 'past'

export type BatchContext = {
  readonly config: RollupConfig
  /** From the epoch of the safe head on. */
  readonly l1Blocks: readonly L1BlockRef[]
  readonly safeHead: L2BlockRef
  /** L1 block that completed the batch. */
  readonly inclusion: L1BlockRef
  readonly log: Log
}

/** Rules of a singular batch. Spec: protocol/derivation.md, "Batch Queue"; holocene/derivation.md, "Batch Queue". */
export function checkSingularBatch(batch: SingularBatch, context: BatchContext): BatchVerdict {
  const { config, l1Blocks, safeHead, inclusion } = context
  const [epoch, nextL1] = l1Blocks
  const refuse = (why: string): BatchVerdict =>
    dropped(why, { timestamp: batch.timestamp, epoch: batch.epochNum }, context)
  if (epoch === undefined) return 'undecided'
  const next = safeHead.timestamp + config.blockTime
  const isHolocene = isActive(config.forkTimes, 'holocene', inclusion.timestamp)
  if (batch.timestamp > next) return isHolocene ? refuse('a block is missing before it') : 'future'
  if (batch.timestamp < next) return isHolocene ? 'past' : refuse('it is behind the safe head')
  if (batch.parentHash !== safeHead.hash) return refuse('another parent')
  if (batch.epochNum + config.seqWindowSize < inclusion.number) return refuse('the sequencing window is over')
  if (batch.epochNum < epoch.number) return refuse('its epoch is too old')
  let origin: L1BlockRef
  if (batch.epochNum === epoch.number) origin = epoch
  else if (batch.epochNum === epoch.number + 1n) {
    if (nextL1 === undefined) return 'undecided'
    origin = nextL1
  } else return refuse('its epoch is too new')
  if (batch.epochHash !== origin.hash) return refuse('another L1 origin')
  if (batch.timestamp < origin.timestamp) return refuse('it is older than its L1 origin')
  if (batch.timestamp > origin.timestamp + maxSequencerDrift(config, origin.timestamp)) {
    if (batch.transactions.length > 0) return refuse('sequencer drift exceeded with transactions')
    if (origin === epoch) {
      if (nextL1 === undefined) return 'undecided'
      if (batch.timestamp >= nextL1.timestamp) return refuse('it must adopt the next L1 origin')
    }
  }
  const bad = badTransactions(batch.transactions, batch.timestamp, config)
  if (bad !== undefined) return refuse(bad)
  if (batch.transactions.length > 0 && isQuietActivation(config, batch.timestamp, safeHead.timestamp)) {
    return refuse('transactions in the first block of a fork')
  }
  return 'accept'
}

/** A verdict on a span; `readFailed` where it is undecided because the L2 chain could not be read. */
export type SpanVerdict = { readonly verdict: BatchVerdict; readonly readFailed?: boolean }

type L2Blocks = Pick<L2Chain, 'l2BlockRefByNumber' | 'payloadByNumber'>

/**
 * All that is checked of a span as a whole from Holocene on: its prefix, and that the blocks it repeats are those of
 * the safe chain. The others are checked one by one. Spec: holocene/derivation.md, "Span Batches"; the repeated blocks
 * are op-node's rule (`checkSpanBatchHolocene`, since v1.19): a span of another history is dropped whole.
 */
export async function checkSpanBatchHolocene(
  batch: SpanBatch,
  context: BatchContext,
  l2: L2Blocks,
): Promise<SpanVerdict> {
  const { verdict, readFailed, parent } = await checkSpanBatchPrefix(batch, context, l2)
  if (verdict === 'accept' && parent !== undefined) return checkOverlap(batch, context, parent, l2)
  return { verdict, ...(readFailed === undefined ? {} : { readFailed }) }
}

/** The rules that every era shares; also gives the block that the span builds on. */
async function checkSpanBatchPrefix(
  batch: SpanBatch,
  context: BatchContext,
  l2: L2Blocks,
): Promise<SpanVerdict & { readonly parent?: L2BlockRef }> {
  const { config, l1Blocks, safeHead, inclusion, log } = context
  const [epoch, nextL1] = l1Blocks
  const [first, last] = [batch.blocks[0], batch.blocks.at(-1)]
  const refuse = (why: string) => ({
    verdict: dropped(why, { timestamp: first?.timestamp, epoch: first?.epochNum }, context),
  })
  if (epoch === undefined) return { verdict: 'undecided' }
  if (first === undefined || last === undefined) return refuse('it has no blocks')
  let firstOrigin = epoch
  if (first.epochNum === epoch.number + 1n) {
    if (nextL1 === undefined) return { verdict: 'undecided' }
    firstOrigin = nextL1
  }
  if (!isActive(config.forkTimes, 'delta', firstOrigin.timestamp)) return refuse('Delta is not active')
  const isHolocene = isActive(config.forkTimes, 'holocene', inclusion.timestamp)
  const next = safeHead.timestamp + config.blockTime
  if (first.timestamp > next) return isHolocene ? refuse('a block is missing before it') : { verdict: 'future' }
  if (last.timestamp < next) return isHolocene ? { verdict: 'past' } : refuse('it has no new blocks')
  let parent = safeHead
  if (first.timestamp < next) {
    if (first.timestamp > safeHead.timestamp) return refuse('its timestamps are not aligned')
    const behind = safeHead.timestamp - first.timestamp
    if (behind % config.blockTime !== 0n) return refuse('its timestamps are not aligned')
    const number = safeHead.number - behind / config.blockTime - 1n
    // Genesis has no parent and no batch. Before Holocene waiting for it would stall derivation for good; from Holocene
    // on op-node reads on in the same channel, as after every undecided span.
    if (number < config.genesis.l2.number) {
      return isHolocene ? { verdict: 'undecided' } : refuse('it begins at or before genesis')
    }
    try {
      const found = await l2.l2BlockRefByNumber(number)
      if (found === undefined) return { verdict: 'undecided', readFailed: true }
      parent = found
    } catch (error) {
      log.warn('parent of a span batch cannot be read', { number, error })
      return { verdict: 'undecided', readFailed: true }
    }
  }
  if (!equalBytes(batch.parentCheck, hexToBytes(parent.hash).subarray(0, 20))) return refuse('another parent')
  if (first.epochNum + config.seqWindowSize < inclusion.number) return refuse('the sequencing window is over')
  if (first.epochNum > parent.l1Origin.number + 1n) return refuse('its first epoch is too new')
  const lastOrigin = l1Blocks.find((block) => block.number === last.epochNum)
  if (lastOrigin === undefined) return { verdict: 'undecided' }
  if (!equalBytes(batch.l1OriginCheck, hexToBytes(lastOrigin.hash).subarray(0, 20))) return refuse('another L1 origin')
  if (first.epochNum < parent.l1Origin.number) return refuse('its first epoch is too old')
  return { verdict: 'accept', parent }
}

/** Every rule of a span before Holocene. Spec: protocol/delta/span-batches.md, "Batch Queue". */
export async function checkSpanBatch(batch: SpanBatch, context: BatchContext, l2: L2Blocks): Promise<BatchVerdict> {
  const prefix = await checkSpanBatchPrefix(batch, context, l2)
  if (prefix.verdict !== 'accept' || prefix.parent === undefined) return prefix.verdict
  const blocks = checkSpanBlocks(batch, context, prefix.parent)
  if (blocks !== 'accept') return blocks
  return (await checkOverlap(batch, context, prefix.parent, l2)).verdict
}

function checkSpanBlocks(batch: SpanBatch, context: BatchContext, parent: L2BlockRef): BatchVerdict {
  const { config, l1Blocks, safeHead } = context
  let originIndex = 0
  let previousEpoch = parent.l1Origin.number
  for (const block of batch.blocks) {
    const advanced = block.epochNum !== previousEpoch
    previousEpoch = block.epochNum
    if (block.timestamp <= safeHead.timestamp) continue
    const refuse = (why: string) => dropped(why, { timestamp: block.timestamp, epoch: block.epochNum }, context)
    while (originIndex < l1Blocks.length && l1Blocks[originIndex]?.number !== block.epochNum) originIndex++
    const origin = l1Blocks[originIndex]
    if (origin === undefined) return refuse('its epoch is not known')
    if (block.timestamp < origin.timestamp) return refuse('it is older than its L1 origin')
    if (block.timestamp > origin.timestamp + maxSequencerDrift(config, origin.timestamp)) {
      if (block.transactions.length > 0) return refuse('sequencer drift exceeded with transactions')
      if (!advanced) {
        const nextL1 = l1Blocks[originIndex + 1]
        if (nextL1 === undefined) return 'undecided'
        if (block.timestamp >= nextL1.timestamp) return refuse('it must adopt the next L1 origin')
      }
    }
    const bad = badTransactions(block.transactions, block.timestamp, config)
    if (bad !== undefined) return refuse(bad)
  }
  return 'accept'
}

/** Blocks up to the safe head must be those that are there. */
async function checkOverlap(
  batch: SpanBatch,
  context: BatchContext,
  parent: L2BlockRef,
  l2: L2Blocks,
): Promise<SpanVerdict> {
  const { safeHead, log } = context
  for (let number = parent.number + 1n; number <= safeHead.number; number++) {
    const block = batch.blocks[Number(number - parent.number - 1n)]
    if (block === undefined) break
    const refuse = (why: string) => ({
      verdict: dropped(why, { number, timestamp: block.timestamp, epoch: block.epochNum }, context),
    })
    let payload: Awaited<ReturnType<typeof l2.payloadByNumber>>
    try {
      payload = await l2.payloadByNumber(number)
    } catch (error) {
      log.warn('overlapped block cannot be read', { number, error })
    }
    if (payload === undefined) return { verdict: 'undecided', readFailed: true }
    const { transactions } = payload.executionPayload
    const user = transactions.filter((tx) => tx[0] !== txType.deposit)
    if (user.length !== block.transactions.length)
      return refuse('an overlapped block has another number of transactions')
    if (!user.every((tx, i) => equalBytes(tx, block.transactions[i] ?? new Uint8Array(0)))) {
      return refuse('an overlapped block has other transactions')
    }
    try {
      if (originNumber(payload.executionPayload, context) !== block.epochNum)
        return refuse('an overlapped block has another L1 origin')
    } catch (error) {
      if (!(error instanceof FormatError)) throw error
      return refuse('an overlapped block cannot be parsed')
    }
  }
  return { verdict: 'accept' }
}

function originNumber(
  payload: Parameters<typeof l1InfoOfBlock>[0] & { readonly blockNumber: bigint },
  { config }: BatchContext,
): bigint {
  return payload.blockNumber === config.genesis.l2.number ? config.genesis.l1.number : l1InfoOfBlock(payload).number
}

/** Why the transactions may not be in a batch. */
function badTransactions(
  transactions: readonly Uint8Array[],
  timestamp: bigint,
  config: RollupConfig,
): string | undefined {
  for (const tx of transactions) {
    if (tx.length === 0) return 'an empty transaction'
    if (tx[0] === txType.deposit) return 'a deposit transaction'
    if (tx[0] === txType.setCode && !isActive(config.forkTimes, 'isthmus', timestamp))
      return 'a set-code transaction before Isthmus'
    if (tx[0] === postExecTxType) return 'a post-execution transaction'
  }
  return undefined
}

/** Sequencer-defined metering of a fork after Karst: op-node drops batches with it before that fork since v1.19. */
const postExecTxType = 0x7d

/** First blocks of these forks must carry no user transactions. Spec: protocol/jovian/derivation.md, "Activation Block Rules". */
function isQuietActivation(config: RollupConfig, timestamp: bigint, parentTimestamp: bigint): boolean {
  return (['jovian', 'karst'] as const).some((fork) => activatesAt(config.forkTimes, fork, timestamp, parentTimestamp))
}

function dropped(why: string, batch: Record<string, unknown>, { log, inclusion }: BatchContext): 'drop' {
  log.warn('batch dropped', { why, ...batch, l1Block: inclusion.number })
  return 'drop'
}
