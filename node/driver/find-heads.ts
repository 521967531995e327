import { CodedError } from '../../common/errors.ts'
import { type L1BlockRef, type L2BlockRef, sameBlock } from '../../protocol/block-ref.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'
import type { L2Source } from './l2-source.ts'

/** A reorg that reaches further back than this many sequencing windows is not followed: something else is wrong. */
const reorgWindowsMax = 5n
/** An unsafe head that far ahead of labels still at genesis comes from an engine that synced by itself. */
const engineSyncWindows = 14n

export type FoundHeads = { readonly unsafe: L2BlockRef; readonly safe: L2BlockRef; readonly finalized: L2BlockRef }

type Sources = {
  readonly l1: { readonly blockRefByNumber: (number: bigint) => Promise<L1BlockRef | undefined> }
  readonly l2: Pick<L2Source, 'l2BlockRefByLabel' | 'l2BlockRefByNumber' | 'l2BlockRefByHash'>
}

/** The engine's own labels, without a look at L1. An unset label falls back to the one below it, at last to genesis. */
export async function labelledHeads(config: RollupConfig, l2: Sources['l2']): Promise<FoundHeads> {
  const finalized = (await l2.l2BlockRefByLabel('finalized')) ?? (await genesisRef(config, l2))
  const safe = (await l2.l2BlockRefByLabel('safe')) ?? finalized
  const unsafe = (await l2.l2BlockRefByLabel('latest')) ?? safe
  return { unsafe, safe, finalized }
}

/**
 * Where to go on after a start or a reset: the highest unsafe block whose L1 origins are all canonical (or not yet
 * visible), and a safe head old enough that every block after it can be derived again from what follows it on L1.
 * Throws HeadsError; both of its codes are critical.
 * Spec: protocol/derivation.md, "Finding the sync starting point".
 */
export async function findHeads(config: RollupConfig, { l1, l2 }: Sources): Promise<FoundHeads> {
  const labels = await labelledHeads(config, l2)
  if (engineSyncedAlone(config, labels)) {
    return { unsafe: labels.unsafe, safe: labels.unsafe, finalized: labels.unsafe }
  }
  if (labels.unsafe.number < labels.finalized.number) {
    throw mismatch(`the engine's head ${labels.unsafe.number} is below its finalized block ${labels.finalized.number}`)
  }
  const deepest = labels.unsafe.l1Origin.number - reorgWindowsMax * config.seqWindowSize
  let unsafe: L2BlockRef | undefined = labels.unsafe
  let highestCanonical: L2BlockRef | undefined
  let atOrigin: { readonly number: bigint; readonly block: L1BlockRef | undefined } | undefined
  for (let block = labels.unsafe; ; ) {
    if (atOrigin?.number !== block.l1Origin.number) {
      atOrigin = { number: block.l1Origin.number, block: await l1.blockRefByNumber(block.l1Origin.number) }
    }
    const l1Block = atOrigin.block
    const isCanonical = l1Block !== undefined && l1Block.hash === block.l1Origin.hash
    checkAgainstGenesis(config, block, l1Block)
    if (block.number === labels.finalized.number && block.hash !== labels.finalized.hash) {
      throw mismatch(
        `the engine's chain has ${block.hash} at ${block.number}, but ${labels.finalized.hash} is finalized`,
      )
    }
    if (unsafe === undefined) {
      unsafe = block
      if (block.l1Origin.number < deepest) {
        throw new HeadsError('reorg-too-deep', `the L1 reorg reaches below L2 block ${block.number}; not followed`)
      }
    }
    if (isCanonical) highestCanonical ??= block
    else if (l1Block !== undefined) {
      unsafe = undefined
      highestCanonical = undefined
    }
    // The block is final, or a whole window of canonical L1 blocks stands above it: nothing older can change.
    const isOldEnough =
      block.number <= labels.safe.number &&
      block.sequenceNumber === 0n &&
      highestCanonical !== undefined &&
      block.l1Origin.number + config.seqWindowSize < highestCanonical.l1Origin.number
    if (block.number === labels.finalized.number) {
      if (l1Block !== undefined && !isCanonical) {
        throw mismatch(
          `L1 replaced block ${l1Block.number}, the origin of L2 block ${block.number}, which is finalized`,
        )
      }
      return { unsafe: unsafe ?? block, safe: block, finalized: labels.finalized }
    }
    const parent = await l2.l2BlockRefByHash(block.parentHash)
    checkLink(parent, block, isCanonical ? l1Block : undefined)
    if (isOldEnough) return { unsafe: unsafe ?? parent, safe: parent, finalized: labels.finalized }
    block = parent
  }
}

/** `chain-mismatch`: engine, rollup config and L1 are not of one chain. `reorg-too-deep`: a person should look. */
export class HeadsError extends CodedError<'chain-mismatch' | 'reorg-too-deep'> {}

const mismatch = (message: string) => new HeadsError('chain-mismatch', message)

/** The engine may have followed its own peers and left the labels at genesis; its tip was then verified by it alone. */
function engineSyncedAlone(config: RollupConfig, { unsafe, safe, finalized }: FoundHeads): boolean {
  const { l1, l2 } = config.genesis
  return (
    finalized.hash === l2.hash &&
    safe.hash === l2.hash &&
    unsafe.l1Origin.number > l1.number + engineSyncWindows * config.seqWindowSize
  )
}

function checkAgainstGenesis(config: RollupConfig, block: L2BlockRef, l1Block: L1BlockRef | undefined): void {
  const { l1, l2 } = config.genesis
  if (block.number > l2.number) return
  if (!sameBlock(block, l2)) {
    throw mismatch(`the engine's genesis is ${block.hash}, the rollup config says ${l2.hash}`)
  }
  if (l1Block !== undefined && l1Block.hash !== l1.hash) {
    throw mismatch(`L1 has ${l1Block.hash} at ${l1.number}, the rollup config's L1 genesis is ${l1.hash}`)
  }
}

function checkLink(parent: L2BlockRef, child: L2BlockRef, canonicalOrigin: L1BlockRef | undefined): void {
  if (parent.l1Origin.hash === child.l1Origin.hash) {
    if (parent.sequenceNumber + 1n === child.sequenceNumber) return
    throw mismatch(`L2 block ${child.number} does not continue its parent's sequence number`)
  }
  const isNextEpoch = parent.l1Origin.number + 1n === child.l1Origin.number && child.sequenceNumber === 0n
  if (!isNextEpoch) throw mismatch(`L2 block ${child.number} does not follow its parent's L1 origin`)
  if (canonicalOrigin !== undefined && canonicalOrigin.parentHash !== parent.l1Origin.hash) {
    throw mismatch(`the L1 origin of L2 block ${child.number} is canonical but its parent's is not`)
  }
}

async function genesisRef(config: RollupConfig, l2: Sources['l2']): Promise<L2BlockRef> {
  const { number, hash } = config.genesis.l2
  const ref = await l2.l2BlockRefByNumber(number)
  if (ref === undefined) throw mismatch(`the engine has no block ${number}, the rollup config's genesis`)
  if (ref.hash !== hash) throw mismatch(`the engine's genesis is ${ref.hash}, the rollup config says ${hash}`)
  return ref
}
