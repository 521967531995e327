import { concatBytes, FormatError } from '../../protocol/bytes.ts'
import type { Merge } from './tokenizer.ts'
import {
  tokenKinds,
  type Vocabulary,
  VocabularyTokenizer,
  vocabularyRules,
  vocabularyTokensMax,
} from './vocabulary-tokenizer.ts'

const headBytes = 24
export const vocabularyVersion = 2
const mergesMax = 2 ** 20

/**
 * Section `tokenizer`, version 2: version, rule, whole pieces, tokens, merges, bytes of all tokens, u32 each; per token
 * `offset u32 ‖ length u16 ‖ kind u16`; per merge left and right, u32 each; the bytes of all tokens. Big-endian.
 */
export function encodeVocabulary({ rule, wholePieces, tokens, merges }: Vocabulary): Uint8Array {
  const text = concatBytes(...tokens.map(({ bytes }) => bytes))
  const tables = new DataView(new ArrayBuffer(headBytes + 8 * (tokens.length + merges.length)))
  const head = [
    vocabularyVersion,
    vocabularyRules.indexOf(rule),
    wholePieces ? 1 : 0,
    tokens.length,
    merges.length,
    text.length,
  ]
  for (const [i, value] of head.entries()) tables.setUint32(4 * i, value)
  let [at, offset] = [headBytes, 0]
  for (const { kind, bytes } of tokens) {
    tables.setUint32(at, offset)
    tables.setUint16(at + 4, bytes.length)
    tables.setUint16(at + 6, tokenKinds.indexOf(kind))
    offset += bytes.length
    at += 8
  }
  for (const side of merges.flat()) {
    tables.setUint32(at, side)
    at += 4
  }
  return concatBytes(new Uint8Array(tables.buffer), text)
}

/** Throws {@link FormatError} for what {@link encodeVocabulary} would not have written. */
export function decodeVocabulary(section: Uint8Array): VocabularyTokenizer {
  if (section.length < headBytes) throw new FormatError('tokenizer: cut off')
  const view = new DataView(section.buffer, section.byteOffset, section.length)
  const [version, ruleId, whole, count, mergeCount, textBytes] = [0, 4, 8, 12, 16, 20].map((at) => view.getUint32(at))
  const rule = vocabularyRules[ruleId as number]
  if (version !== vocabularyVersion || rule === undefined || (whole as number) > 1) {
    throw new FormatError(`tokenizer: version ${version}, rule ${ruleId}, whole pieces ${whole}`)
  }
  const [tokenCount, merges] = [count as number, mergeCount as number]
  if (tokenCount > vocabularyTokensMax || merges > mergesMax) throw new FormatError('tokenizer: too many tokens')
  const textStart = headBytes + 8 * (tokenCount + merges)
  if (section.length !== textStart + (textBytes as number)) {
    throw new FormatError(`tokenizer: ${section.length} bytes for ${tokenCount} tokens and ${merges} merges`)
  }
  let offset = textStart
  const tokens = Array.from({ length: tokenCount }, (_, token) => {
    const at = headBytes + 8 * token
    const [length, kind] = [view.getUint16(at + 4), tokenKinds[view.getUint16(at + 6)]]
    if (kind === undefined || view.getUint32(at) !== offset - textStart || offset + length > section.length) {
      throw new FormatError(`tokenizer: row of token ${token}`)
    }
    offset += length
    return { kind, bytes: section.slice(offset - length, offset) }
  })
  if (offset !== section.length) throw new FormatError('tokenizer: bytes of no token')
  const mergesStart = headBytes + 8 * tokenCount
  const pairs = Array.from(
    { length: merges },
    (_, i): Merge => [view.getUint32(mergesStart + 8 * i), view.getUint32(mergesStart + 8 * i + 4)],
  )
  return new VocabularyTokenizer({ rule, wholePieces: whole === 1, tokens, merges: pairs })
}
