import type { Merge } from '../tokenizer/tokenizer.ts'
import { encodeVocabulary } from '../tokenizer/vocabulary-file.ts'
import {
  type TokenKind,
  type VocabularyRule,
  type VocabularyToken,
  VocabularyTokenizer,
} from '../tokenizer/vocabulary-tokenizer.ts'
import { bytesOfCharacters } from './byte-characters.ts'
import { LoadError } from './load-error.ts'

/** `byte`: of a character that has no token. */
export type SourceKind = TokenKind | 'byte'

/**
 * A vocabulary as files have it: text tokens in GPT-2's characters of bytes, or with U+2581 for spaces with rule `llama2`; bytes as
 * `<0x0A>`; the others as they read.
 */
export type SourceVocabulary = {
  readonly what: string
  readonly rule: VocabularyRule
  readonly wholePieces: boolean
  /** By token; holes are unused. */
  readonly tokens: readonly ({ readonly text: string; readonly kind: SourceKind } | undefined)[]
  /** Two texts each. */
  readonly merges: readonly (readonly [left: string, right: string])[]
  /** Rows of the embedding. */
  readonly vocab: number
}

/** Section `tokenizer`, version 2. Throws {@link LoadError} for more tokens than rows and for merges of what is no token. */
export function tokenizerSection(source: SourceVocabulary): Uint8Array {
  const { what, rule, wholePieces, vocab } = source
  if (source.tokens.length > vocab) {
    throw new LoadError('shape', `${what}: ${source.tokens.length} tokens, the embedding has ${vocab} rows`)
  }
  const tokens = Array.from({ length: vocab }, (_, id): VocabularyToken => {
    const token = source.tokens[id]
    if (token === undefined || token.kind === 'unused') return { kind: 'unused', bytes: new Uint8Array() }
    const bytes = tokenBytes(token.text, token.kind, rule)
    if (bytes === undefined) {
      throw new LoadError('unsupported', `${what}: token ${id}, ${token.text}, is not one of a ${rule} vocabulary`)
    }
    return { kind: token.kind === 'byte' ? 'added' : token.kind, bytes }
  })
  if (rule === 'llama2' && source.tokens.filter((token) => token?.kind === 'byte').length !== 256) {
    throw new LoadError('unsupported', `${what}: not every byte has a token`)
  }
  const ids = new Map(source.tokens.flatMap((token, id) => (token?.kind === 'text' ? [[token.text, id]] : [])))
  const merges = source.merges.map(([left, right], rank): Merge => {
    const [a, b] = [ids.get(left), ids.get(right)]
    if (a === undefined || b === undefined) throw new LoadError('file', `${what}: merge ${rank} joins no tokens`)
    return [a, b]
  })
  const vocabulary = { rule, wholePieces, tokens, merges }
  // Refuses what a reader of the section would refuse.
  return encodeVocabulary(new VocabularyTokenizer(vocabulary).vocabulary)
}

function tokenBytes(text: string, kind: SourceKind, rule: VocabularyRule): Uint8Array | undefined {
  if (kind === 'byte') return /^<0x[0-9A-F]{2}>$/.test(text) ? Uint8Array.of(Number(text.slice(1, -1))) : undefined
  if (kind !== 'text') return new TextEncoder().encode(text)
  if (rule !== 'llama2') return bytesOfCharacters(text)
  return text.includes(' ') ? undefined : new TextEncoder().encode(text.replaceAll('\u2581', ' '))
}
