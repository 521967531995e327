import type { SplitRule } from '../tokenizer/split-text.ts'
import type { Merge } from '../tokenizer/tokenizer.ts'
import { encodeVocabulary } from '../tokenizer/vocabulary-file.ts'
import { type TokenKind, type VocabularyToken, VocabularyTokenizer } from '../tokenizer/vocabulary-tokenizer.ts'
import { bytesOfCharacters } from './byte-characters.ts'
import { LoadError } from './load-error.ts'

/** A byte-level vocabulary as files have it: text tokens in byte characters, the others as they read. */
export type SourceVocabulary = {
  readonly what: string
  readonly rule: SplitRule
  readonly wholePieces: boolean
  /** By token; holes are unused. */
  readonly tokens: readonly ({ readonly text: string; readonly kind: TokenKind } | undefined)[]
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
    const bytes = token.kind === 'text' ? bytesOfCharacters(token.text) : new TextEncoder().encode(token.text)
    if (bytes === undefined)
      throw new LoadError('unsupported', `${what}: token ${id} is not of a byte-level vocabulary`)
    return { kind: token.kind, bytes }
  })
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
