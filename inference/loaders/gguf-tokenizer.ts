import type { SplitRule } from '../tokenizer/split-text.ts'
import type { TokenKind } from '../tokenizer/vocabulary-tokenizer.ts'
import type { Fields } from './fields.ts'
import { LoadError } from './load-error.ts'
import { tokenizerSection } from './source-vocabulary.ts'

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
const kinds: Readonly<Record<number, TokenKind>> = { 1: 'text', 2: 'special', 3: 'special', 4: 'added', 5: 'unused' }

/** Section `tokenizer` of a GGUF with a byte-level vocabulary. Throws {@link LoadError}, naming what is not supported. */
export function ggufTokenizer(metadata: Fields, vocab: number): Uint8Array {
  const model = metadata.text('tokenizer.ggml.model')
  if (model !== 'gpt2') {
    throw new LoadError('unsupported', `tokenizer.ggml.model ${model}; gpt2, which is byte-level BPE, is supported`)
  }
  const pre = metadata.text('tokenizer.ggml.pre')
  const rule = Object.hasOwn(rules, pre) ? rules[pre] : undefined
  if (rule === undefined) {
    const supported = Object.keys(rules).join(', ')
    throw new LoadError('unsupported', `tokenizer.ggml.pre ${pre}; ${supported} are supported`)
  }
  metadata.require({ 'tokenizer.ggml.add_space_prefix': false })
  const texts = metadata.list('tokenizer.ggml.tokens')
  const types = metadata.list('tokenizer.ggml.token_type')
  if (types.length !== texts.length) {
    throw new LoadError('file', `tokenizer.ggml: ${texts.length} tokens, ${types.length} types`)
  }
  const tokens = texts.map((text, id) => {
    const kind = kinds[Number(types[id])]
    if (kind === undefined) throw new LoadError('unsupported', `tokenizer.ggml: token ${id} of type ${types[id]}`)
    return { text: String(text), kind }
  })
  const merges = metadata.list('tokenizer.ggml.merges').map((merge) => mergeOf(String(merge)))
  return tokenizerSection({
    what: 'tokenizer.ggml',
    rule,
    wholePieces: rule === 'llama3',
    tokens,
    merges,
    vocab,
  })
}

/** Both texts with a space between; none has one itself. */
export function mergeOf(text: string): readonly [left: string, right: string] {
  const [left = '', right = '', ...more] = text.split(' ')
  if (left === '' || right === '' || more.length > 0) throw new LoadError('file', `tokenizer: merge ${text}`)
  return [left, right]
}
