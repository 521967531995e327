import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import { contentChunkBytes, proveChunk } from '../../protocol/content-hash.ts'
import { type Term, termsOf } from '../terms.ts'
import { shinglesOf, shingleTerms, signatureEntries, signatureOf } from './signature.ts'

/** Chunks of a content, as SignatureProofs opens them. */
export type ContentRun = { readonly first: number; readonly data: Hex; readonly siblings: readonly Hex[] }

/** Bytes of the longest content whose signature is computed on chain. */
export const wholeBytesMax = 4_096

/** What shows on chain that a committed signature is not the content's. docs/REVIEW.md §5 */
export type FalseSignature =
  | { readonly kind: 'hidden'; readonly total: number; readonly run: ContentRun; readonly place: number }
  | { readonly kind: 'whole'; readonly run: ContentRun }

/**
 * A proof that `committed` is not the signature of the content: three ASCII terms in one chunk that give an entry a smaller
 * value, or all of a short ASCII content. Undefined where it is, or where no proof fits: then a dispute is left.
 */
export function falseSignature(content: Uint8Array, committed: Uint32Array): FalseSignature | undefined {
  const right = signatureOf(content)
  if (right.every((entry, i) => entry === committed[i])) return undefined
  const hidden = hiddenShingle(content, committed)
  if (hidden !== undefined) return hidden
  const isWhole = content.length <= wholeBytesMax && content.length % contentChunkBytes !== 0
  if (!isWhole || content.some((byte) => byte > 0x7f)) return undefined
  return { kind: 'whole', run: { first: 0, data: bytesToHex(content), siblings: [] } }
}

function hiddenShingle(content: Uint8Array, committed: Uint32Array): FalseSignature | undefined {
  const terms = termsOf(content)
  for (let i = 0; i + shingleTerms <= terms.length; i++) {
    const [first, last] = [terms[i] as Term, terms[i + shingleTerms - 1] as Term]
    const index = Math.floor(first.start / contentChunkBytes)
    const begin = index * contentChunkBytes
    const end = Math.min(begin + contentChunkBytes, content.length)
    const isContentEnd = last.end === content.length && content.length % contentChunkBytes !== 0
    if (first.start === begin && index > 0) continue
    if (last.end >= end && !isContentEnd) continue
    const shown = content.subarray(Math.max(begin, first.start - 1), Math.min(end, last.end + 1))
    if (shown.some((byte) => byte > 0x7f) || !isSmaller(content.subarray(first.start, last.end), committed)) continue
    const { chunk, siblings } = proveChunk(content, contentChunkBytes, index)
    const run = { first: index, data: bytesToHex(chunk), siblings: siblings.map(bytesToHex) }
    return { kind: 'hidden', total: content.length, run, place: first.start - begin }
  }
  return undefined
}

/** Whether the one shingle of three terms gives its entry of the first round less than the signature has. */
function isSmaller(terms: Uint8Array, committed: Uint32Array): boolean {
  const alone = signatureOf(terms)
  if (shinglesOf(terms).length !== 1) return false
  for (let entry = 0; entry < signatureEntries; entry++) {
    const value = alone[entry] as number
    if (value < 2 ** 25) return value < (committed[entry] as number)
  }
  return false
}
