import type { L1BlockRef } from '../../protocol/block-ref.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { IndexedBlobHash, L1BlockInfo, L1BlockReceipts, L1Transaction } from '../../protocol/l1-block.ts'

type L1Reads = {
  readonly blockRefByNumber: (number: bigint) => Promise<L1BlockRef | undefined>
  readonly blockInfoByHash: (hash: Hex) => Promise<L1BlockInfo>
  readonly receipts: (hash: Hex) => Promise<L1BlockReceipts>
  readonly transactions: (hash: Hex) => Promise<readonly L1Transaction[]>
  readonly blobs: (ref: L1BlockRef, hashes: readonly IndexedBlobHash[]) => Promise<readonly Uint8Array[]>
}

/**
 * The same L1 with the blocks above `head - depth` hidden from by-number lookups (`verifier.l1-confs`,
 * `sequencer.l1-confs`). By-hash lookups see everything: who has a hash has a reason to ask.
 */
export function confirmedL1<L extends L1Reads>(
  l1: L,
  depth: bigint,
  heads: { readonly latest: L1BlockRef | undefined },
): L1Reads {
  return {
    blockRefByNumber: async (number) => {
      if (depth > 0n && (heads.latest === undefined || number + depth > heads.latest.number)) return undefined
      return l1.blockRefByNumber(number)
    },
    blockInfoByHash: (hash) => l1.blockInfoByHash(hash),
    receipts: (hash) => l1.receipts(hash),
    transactions: (hash) => l1.transactions(hash),
    blobs: (ref, hashes) => l1.blobs(ref, hashes),
  }
}
