import { encodeSignature, signatureHash } from '../../attribution/near-duplicates/signature.ts'
import { falseSignature } from '../../attribution/near-duplicates/signature-proofs.ts'
import { signatureAside } from '../../attribution/near-duplicates/signature-thread.ts'
import { chunkOf, type ShownRecord } from '../../chain/datanets/shown-record.ts'
import type { MoneyCall } from '../../chain/ledger/money-contracts.ts'
import { bytesToHex, type Hex, zeroHash } from '../../protocol/bytes.ts'
import { contentChunkBytes } from '../../protocol/content-hash.ts'
import { isOfType, type MediaType } from '../../protocol/datanets/media-types.ts'
import type { KnownItem } from './community-book.ts'

/** What a contribution's content says of it. `signature`: what it committed to, where that is right. */
export type ItemVerdict =
  | { readonly kind: 'right'; readonly signature: Uint32Array | undefined }
  | { readonly kind: 'false'; readonly call: MoneyCall }
  /** Its signature is not the content's, and nobody knows what it committed to. */
  | { readonly kind: 'unknown-signature' }
  /** Its signature is false, and no proof of that fits a transaction. */
  | { readonly kind: 'unshowable' }

export type ItemEvidence = {
  readonly content: Uint8Array
  readonly media: MediaType
  /** The record of a contribution. */
  readonly shown: (id: bigint) => Promise<ShownRecord>
  /** Where the item before it in its batch ends; 0 where there is none. */
  readonly begin: number
  /** A committed signature that somebody showed. */
  readonly signatureOf: (sim: Hex) => Uint32Array | undefined
  readonly signal: AbortSignal
}

/** Holds a contribution against its content: media type, size, signature. docs/DATANETS.md §9, docs/REVIEW.md §5 */
export async function checkItem(item: KnownItem, evidence: ItemEvidence): Promise<ItemVerdict> {
  const { content, media, shown, begin } = evidence
  const judged = (functionName: string, ...args: readonly unknown[]): ItemVerdict => {
    return { kind: 'false', call: { contract: 'DatanetJudge', functionName, args } }
  }
  if (item.kind === 0 && !isOfType(media, content.subarray(0, contentChunkBytes))) {
    return judged('wrongType', await shown(item.id), chunkOf(content, 'first'))
  }
  if (begin + content.length > item.size) {
    const isFirst = item.first === undefined || item.first === item.id
    const record = await shown(item.id)
    return judged('falseSize', record, isFirst ? record : await shown(item.id - 1n), chunkOf(content, 'last'))
  }
  // Of other media nothing is committed to.
  if (item.sim === zeroHash && media !== 'text') return { kind: 'right', signature: undefined }
  const signature = await signatureAside(content, evidence.signal)
  if (signatureHash(signature) === item.sim) return { kind: 'right', signature }
  const committed = evidence.signatureOf(item.sim)
  if (committed === undefined) return { kind: 'unknown-signature' }
  const proof = falseSignature(content, committed)
  if (proof === undefined) return { kind: 'unshowable' }
  const signed = signedItem(await shown(item.id), committed)
  const [functionName, args] =
    proof.kind === 'whole'
      ? ['proveFalseSignature', [signed, proof.run]]
      : ['proveHiddenShingle', [signed, BigInt(proof.total), proof.run, BigInt(proof.place)]]
  return {
    kind: 'false',
    call: { contract: 'SignatureProofs', functionName: functionName as string, args } as MoneyCall,
  }
}

/** What SignatureProofs opens of a contribution. */
export function signedItem({ contribId, record, siblings }: ShownRecord, signature: Uint32Array) {
  return { id: contribId, record, siblings, signature: bytesToHex(encodeSignature(signature)) }
}
