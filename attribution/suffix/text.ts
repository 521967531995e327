import type { ModelTokenizer } from '../../inference/tokenizer/model-tokenizer.ts'
import { SuffixError } from './suffix-error.ts'
import { separator } from './suffix-sort.ts'

/** n is a u32. */
export const textTokensMax = 2 ** 32 - 1
/** As wide as any tokenizer's. */
export const vocabMax = 2 ** 18

export type TokenDocument = { readonly contribId: bigint; readonly tokens: ArrayLike<number> }

/** Documents one behind the other, a separator behind each. docs/ATTRIBUTION.md §1. */
export type Text = {
  readonly vocab: number
  readonly tokens: Uint32Array
  /** Of each document, where it begins. */
  readonly starts: Uint32Array
  readonly contribIds: BigUint64Array
}

/** Throws {@link SuffixError}: `order`, `size`, `token`. */
export function joinDocuments(documents: readonly TokenDocument[], vocab: number): Text {
  if (!Number.isInteger(vocab) || vocab < 1 || vocab > vocabMax) throw new SuffixError('size', `vocabulary of ${vocab}`)
  const n = documents.reduce((sum, { tokens }) => sum + tokens.length + 1, 0)
  if (n > textTokensMax) throw new SuffixError('size', `a text of ${n} tokens`)
  const text = {
    vocab,
    tokens: new Uint32Array(n),
    starts: new Uint32Array(documents.length),
    contribIds: new BigUint64Array(documents.length),
  }
  let at = 0
  let previous = 0n
  for (const [d, document] of documents.entries()) {
    checkDocument(document, previous, vocab)
    previous = document.contribId
    text.starts[d] = at
    text.contribIds[d] = previous
    text.tokens.set(document.tokens, at)
    at += document.tokens.length
    text.tokens[at++] = separator
  }
  return text
}

/** Throws {@link SuffixError} for one that does not come behind contribution `previous`, or a token outside the vocabulary. */
export function checkDocument({ contribId, tokens }: TokenDocument, previous: bigint, vocab: number): void {
  if (contribId <= previous || contribId >= 2n ** 64n) {
    throw new SuffixError('order', `contribution ${contribId} behind contribution ${previous}`)
  }
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] as number
    if (!Number.isInteger(token) || token < 0 || token >= vocab) {
      throw new SuffixError('token', `contribution ${contribId}: token ${token} is not one of ${vocab}`)
    }
  }
}

/** Texts of one vocabulary behind each other; contributions must go on ascending. */
export function joinTexts(texts: readonly Text[]): Text {
  const [first] = texts
  if (first === undefined) throw new SuffixError('size', 'no texts')
  const n = texts.reduce((sum, { tokens }) => sum + tokens.length, 0)
  const documents = texts.reduce((sum, { starts }) => sum + starts.length, 0)
  if (n > textTokensMax) throw new SuffixError('size', `a text of ${n} tokens`)
  const joined = {
    vocab: first.vocab,
    tokens: new Uint32Array(n),
    starts: new Uint32Array(documents),
    contribIds: new BigUint64Array(documents),
  }
  let [at, document, previous] = [0, 0, 0n]
  for (const { vocab, tokens, starts, contribIds } of texts) {
    const begins = contribIds[0] ?? previous + 1n
    if (vocab !== first.vocab || begins <= previous)
      throw new SuffixError('order', `contribution ${begins} behind ${previous}`)
    joined.tokens.set(tokens, at)
    joined.contribIds.set(contribIds, document)
    for (let d = 0; d < starts.length; d++) joined.starts[document + d] = at + (starts[d] as number)
    at += tokens.length
    document += starts.length
    previous = contribIds.at(-1) ?? previous
  }
  return joined
}

/** The document of a contribution's content. Throws {@link SuffixError}: `binary`, `encoding`, naming the contribution. */
export function tokenizeDocument(
  contribId: bigint,
  content: Uint8Array,
  tokenizer: Pick<ModelTokenizer, 'encode'>,
): TokenDocument {
  if (content.includes(0)) throw new SuffixError('binary', `contribution ${contribId} has a zero byte: no text`)
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(content)
  } catch (cause) {
    throw new SuffixError('encoding', `contribution ${contribId} is no UTF-8`, { cause })
  }
  return { contribId, tokens: tokenizer.encode(content) }
}

/** Bytes of each token. */
export function tokenLengths(tokenizer: Pick<ModelTokenizer, 'vocab' | 'decode'>): Uint32Array {
  return Uint32Array.from({ length: tokenizer.vocab }, (_, token) => tokenizer.decode([token]).length)
}
