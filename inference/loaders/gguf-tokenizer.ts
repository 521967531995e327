import type { SplitRule } from '../tokenizer/split-text.ts'
import { tokenBytesMax } from '../tokenizer/vocabulary-tokenizer.ts'
import type { Fields } from './fields.ts'
import { LoadError } from './load-error.ts'
import { type SourceKind, tokenizerSection } from './source-vocabulary.ts'

const what = 'tokenizer.ggml'

/** llama.cpp's names of pre-tokenisers. Those of Llama 3 take a whole piece for a token where it is one. */
const rules: Readonly<Record<string, SplitRule>> = {
  'gpt-2': 'gpt2',
  smollm: 'smollm',
  starcoder: 'smollm',
  'llama-bpe': 'llama3',
  llama3: 'llama3',
  'llama-v3': 'llama3',
}

/** llama.cpp's token types. Unknown and control tokens are no text. */
const kinds: Readonly<Record<number, SourceKind>> = {
  1: 'text',
  2: 'special',
  3: 'special',
  4: 'added',
  5: 'unused',
  6: 'byte',
}

/** Section `tokenizer` of a GGUF with a byte-level vocabulary, or one of SentencePiece's BPE. Throws {@link LoadError}, naming what is not supported. */
export function ggufTokenizer(metadata: Fields, vocab: number): Uint8Array {
  const model = metadata.text('tokenizer.ggml.model')
  if (model === 'llama') return scoredTokenizer(metadata, vocab)
  if (model !== 'gpt2') {
    throw new LoadError('unsupported', `tokenizer.ggml.model ${model}; gpt2 (byte-level BPE) and llama are supported`)
  }
  const pre = metadata.text('tokenizer.ggml.pre')
  const rule = Object.hasOwn(rules, pre) ? rules[pre] : undefined
  if (rule === undefined) {
    const supported = Object.keys(rules).join(', ')
    throw new LoadError('unsupported', `tokenizer.ggml.pre ${pre}; ${supported} are supported`)
  }
  metadata.require({ 'tokenizer.ggml.add_space_prefix': false })
  const tokens = tokensOf(metadata)
  const merges = metadata.list('tokenizer.ggml.merges').map((merge) => mergeOf(String(merge)))
  return tokenizerSection({ what, rule, wholePieces: rule === 'llama3', tokens, merges, vocab })
}

/** SentencePiece's BPE as llama.cpp has it: no merges, but a score for each token. */
function scoredTokenizer(metadata: Fields, vocab: number): Uint8Array {
  metadata.require({ 'tokenizer.ggml.add_space_prefix': true })
  const tokens = tokensOf(metadata)
  const scores = metadata.list('tokenizer.ggml.scores').map(Number)
  if (scores.length !== tokens.length) {
    throw new LoadError('file', `${what}: ${tokens.length} tokens, ${scores.length} scores`)
  }
  return tokenizerSection({ what, rule: 'llama2', wholePieces: false, tokens, merges: mergesOf(tokens, scores), vocab })
}

/**
 * Every way to make a token of two, the best score first, then in the order of the two: as HF transformers makes merges of a
 * SentencePiece model.
 */
function mergesOf(tokens: readonly SourceToken[], scores: readonly number[]): (readonly [string, string])[] {
  const ids = new Map(tokens.flatMap(({ text, kind }, id) => (kind === 'text' ? [[text, id]] : [])))
  const ways = tokens.flatMap(({ text, kind }, id) => {
    const characters = kind === 'text' ? [...text] : []
    const cuts = characters
      .slice(1)
      .map((_, i) => [characters.slice(0, i + 1).join(''), characters.slice(i + 1).join('')])
    return cuts.flatMap(([left = '', right = '']) => {
      const [a, b] = [ids.get(left), ids.get(right)]
      return a === undefined || b === undefined ? [] : [{ left, right, a, b, id }]
    })
  })
  const score = (id: number) => scores[id] ?? 0
  ways.sort((x, y) => score(y.id) - score(x.id) || x.id - y.id || x.a - y.a || x.b - y.b)
  return ways.map(({ left, right }) => [left, right])
}

type SourceToken = { readonly text: string; readonly kind: SourceKind }

function tokensOf(metadata: Fields): SourceToken[] {
  const texts = metadata.list('tokenizer.ggml.tokens')
  const types = metadata.list('tokenizer.ggml.token_type')
  if (types.length !== texts.length) {
    throw new LoadError('file', `${what}: ${texts.length} tokens, ${types.length} types`)
  }
  return texts.map((text, id) => {
    const kind = kinds[Number(types[id])]
    if (kind === undefined) throw new LoadError('unsupported', `${what}: token ${id} of type ${types[id]}`)
    // One with more characters has more bytes; every cut of a text is tried as a merge.
    if (String(text).length > tokenBytesMax) {
      throw new LoadError(
        'file',
        `${what}: token ${id} has ${String(text).length} characters, at most ${tokenBytesMax}`,
      )
    }
    return { text: String(text), kind }
  })
}

/** Both texts with a space between; none has one itself. */
export function mergeOf(text: string): readonly [left: string, right: string] {
  const [left = '', right = '', ...more] = text.split(' ')
  if (left === '' || right === '' || more.length > 0) throw new LoadError('file', `tokenizer: merge ${text}`)
  return [left, right]
}
