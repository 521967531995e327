import { FormatError } from '../../protocol/bytes.ts'
import { codePointsOf } from './code-points.ts'
import { mergePiece } from './merge-piece.ts'
import { splitRules, splitText } from './split-text.ts'
import { type Merge, pairKey } from './tokenizer.ts'

/**
 * `text`: stands for its bytes. `special`: a mark such as the begin of a turn, named by its bytes, that stands for none. `added`:
 * stands for its bytes, but no text makes it; with rule `llama2` one of a single byte is what that byte of a character without a token
 * becomes. `unused`: none of these, as rows that pad an embedding.
 */
export const tokenKinds = ['text', 'special', 'added', 'unused'] as const
export type TokenKind = (typeof tokenKinds)[number]
export type VocabularyToken = { readonly kind: TokenKind; readonly bytes: Uint8Array }

/** Those of {@link splitText}, and Llama 2's (SentencePiece): a space before all, and no pieces. */
export const vocabularyRules = [...splitRules, 'llama2'] as const
export type VocabularyRule = (typeof vocabularyRules)[number]

export type Vocabulary = {
  readonly rule: VocabularyRule
  /** A piece that is a token is that token, whatever merges would make of it. */
  readonly wholePieces: boolean
  readonly tokens: readonly VocabularyToken[]
  readonly merges: readonly Merge[]
}

export const vocabularyTokensMax = 2 ** 18
export const tokenBytesMax = 1024

/**
 * BPE with the vocabulary, the order and the merges of its source: version 2 of docs/canonical-inference.md §10. Bytes that no token
 * stands for are left out, as the sources do.
 */
export class VocabularyTokenizer {
  readonly vocabulary: Vocabulary
  /** Text tokens by their bytes, one Latin-1 character each. */
  readonly #tokens = new Map<string, number>()
  readonly #marks = new Map<string, number>()
  readonly #merges = new Map<number, { readonly rank: number; readonly joined: number }>()
  readonly #byteTokens: readonly (number | undefined)[]

  /** Throws {@link FormatError} for tokens that are not told apart and for merges of or into what is no text token. */
  constructor(vocabulary: Vocabulary) {
    this.vocabulary = vocabulary
    const { tokens, merges } = vocabulary
    if (tokens.length > vocabularyTokensMax) throw new FormatError(`tokenizer: ${tokens.length} tokens`)
    for (const [token, { kind, bytes }] of tokens.entries()) {
      if (bytes.length > tokenBytesMax || (bytes.length === 0) !== (kind === 'unused')) {
        throw new FormatError(`tokenizer: ${kind} token ${token} of ${bytes.length} bytes`)
      }
      if (kind === 'unused') continue
      const names = kind === 'text' ? this.#tokens : this.#marks
      if (names.has(keyOf(bytes))) throw new FormatError(`tokenizer: token ${token} is there before`)
      names.set(keyOf(bytes), token)
    }
    for (const [rank, [left, right]] of merges.entries()) this.#addMerge(rank, left, right)
    this.#byteTokens = Array.from({ length: 256 }, (_, byte) => this.#tokens.get(String.fromCharCode(byte)))
  }

  get vocab(): number {
    return this.vocabulary.tokens.length
  }

  /** Tokens of UTF-8 text or any bytes; never a special or added one. */
  encode(text: string | Uint8Array): number[] {
    const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text
    const { rule } = this.vocabulary
    if (rule === 'llama2') return this.#merge(this.#characters(spaced(bytes)))
    return splitText(bytes, rule).flatMap((piece) => this.#encodePiece(piece))
  }

  /** Bytes of tokens; special and unused ones have none. Throws {@link FormatError} for what is no token. */
  decode(tokens: readonly number[]): Uint8Array {
    const parts = tokens.map((id) => {
      const token = this.vocabulary.tokens[id]
      if (token === undefined) throw new FormatError(`token ${id} is not one of ${this.vocab}`)
      return token.kind === 'special' ? new Uint8Array() : token.bytes
    })
    return new Uint8Array(Buffer.concat(parts))
  }

  /** The special or added token of that name. */
  special(name: string): number | undefined {
    return this.#marks.get(Buffer.from(name, 'utf8').toString('latin1'))
  }

  #addMerge(rank: number, left: number, right: number): void {
    const [a, b] = [this.vocabulary.tokens[left], this.vocabulary.tokens[right]]
    const joined = a && b && this.#tokens.get(keyOf(a.bytes) + keyOf(b.bytes))
    if (a?.kind !== 'text' || b?.kind !== 'text' || joined === undefined) {
      throw new FormatError(`tokenizer: merge ${rank} joins ${left} and ${right}`)
    }
    if (this.#merges.has(pairKey(left, right))) throw new FormatError(`tokenizer: merge ${rank} is there before`)
    this.#merges.set(pairKey(left, right), { rank, joined })
  }

  #encodePiece(piece: Uint8Array): number[] {
    const whole = this.vocabulary.wholePieces ? this.#tokens.get(keyOf(piece)) : undefined
    if (whole !== undefined) return [whole]
    const tokens = Array.from(piece, (byte) => this.#byteTokens[byte]).filter((token) => token !== undefined)
    return this.#merge(tokens)
  }

  /** A token for each code point, or for each of its bytes where it has none. */
  #characters(bytes: Uint8Array): number[] {
    const { count, starts } = codePointsOf(bytes)
    const tokens: (number | undefined)[] = []
    for (let i = 0; i < count; i++) {
      const key = keyOf(bytes.subarray(starts[i], starts[i + 1]))
      const token = this.#tokens.get(key)
      if (token !== undefined) tokens.push(token)
      else tokens.push(...Array.from(key, (byte) => this.#added(byte)))
    }
    return tokens.filter((token) => token !== undefined)
  }

  #added(name: string): number | undefined {
    const token = this.#marks.get(name)
    return token !== undefined && this.vocabulary.tokens[token]?.kind === 'added' ? token : undefined
  }

  #merge(tokens: readonly number[]): number[] {
    return mergePiece(tokens, (left, right) => this.#merges.get(pairKey(left, right)))
  }
}

function keyOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}

/** A space before a text that is not empty; U+2581, which the sources write for a space, is one. */
function spaced(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0) return bytes
  const text = Buffer.from(bytes).toString('latin1').replaceAll(lowerBlock, ' ')
  return new Uint8Array(Buffer.from(` ${text}`, 'latin1'))
}

/** U+2581 in UTF-8, one character a byte. */
const lowerBlock = '\xe2\x96\x81'
