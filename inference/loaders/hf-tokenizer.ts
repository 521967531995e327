import type { SplitRule } from '../tokenizer/split-text.ts'
import type { VocabularyRule } from '../tokenizer/vocabulary-tokenizer.ts'
import { Fields } from './fields.ts'
import { mergeOf } from './gguf-tokenizer.ts'
import { LoadError } from './load-error.ts'
import { type SourceKind, tokenizerSection } from './source-vocabulary.ts'

const what = 'tokenizer.json'

/** As in https://huggingface.co/docs/tokenizers; fields that change nothing (`trim_offsets`) are left out. */
const byteLevel = { type: 'ByteLevel', add_prefix_space: false, use_regex: true }
const llama3Pattern =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
const preTokenizers: readonly (readonly [rule: SplitRule, preTokenizer: unknown])[] = [
  ['gpt2', byteLevel],
  ['smollm', { type: 'Sequence', pretokenizers: [{ type: 'Digits', individual_digits: true }, byteLevel] }],
  [
    'llama3',
    {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: llama3Pattern }, behavior: 'Isolated', invert: false },
        { ...byteLevel, use_regex: false },
      ],
    },
  ],
]

/** What the canonical tokenizer stands for; a model that says otherwise is refused by name. */
const supported = {
  type: 'BPE',
  dropout: 0,
  continuing_subword_prefix: '',
  end_of_word_suffix: '',
}

/** How Llama 2's text is normalized. */
const llama2Normalizer = {
  type: 'Sequence',
  normalizers: [
    { type: 'Prepend', prepend: '\u2581' },
    { type: 'Replace', pattern: { String: ' ' }, content: '\u2581' },
  ],
}

export type HfTokenizer = {
  readonly section: Uint8Array
  /** Token of a name. */
  readonly token: (name: string) => number | undefined
}

/** Section `tokenizer` of a `tokenizer.json` of byte-level BPE or of Llama 2's. Throws {@link LoadError}, naming what is not supported. */
export function hfTokenizer(json: Fields, vocab: number): HfTokenizer {
  const model = json.object('model')
  model.require(supported)
  const rule = ruleOf(json, model)
  const tokens = tokensOf(json, model, rule)
  const merges = model.list('merges').map((merge) => (Array.isArray(merge) ? pairOf(merge) : mergeOf(String(merge))))
  const wholePieces = model.flag('ignore_merges', false)
  const section = tokenizerSection({ what, rule, wholePieces, tokens, merges, vocab })
  const ids = new Map(tokens.flatMap((token, id) => (token === undefined ? [] : [[token.text, id]])))
  return { section, token: (name) => ids.get(name) }
}

function tokensOf(
  json: Fields,
  model: Fields,
  rule: VocabularyRule,
): ({ text: string; kind: SourceKind } | undefined)[] {
  const tokens: ({ text: string; kind: SourceKind } | undefined)[] = []
  const vocabulary = model.object('vocab')
  for (const text of vocabulary.names) {
    const kind = rule === 'llama2' && /^<0x[0-9A-F]{2}>$/.test(text) ? 'byte' : 'text'
    tokens[tokenId(vocabulary.count(text))] = { text, kind }
  }
  for (const added of json.list('added_tokens', [])) {
    const fields = Fields.of(`${what}: added token`, added)
    const kind = fields.flag('special', false) ? 'special' : 'added'
    tokens[tokenId(fields.count('id'))] = { text: fields.text('content'), kind }
  }
  return Array.from(tokens)
}

function tokenId(id: number): number {
  if (id >= 2 ** 18) throw new LoadError('unsupported', `${what}: token ${id}`)
  return id
}

function pairOf(merge: readonly unknown[]): readonly [left: string, right: string] {
  const [left, right] = merge
  if (typeof left !== 'string' || typeof right !== 'string') throw new LoadError('file', `${what}: merge ${merge}`)
  return [left, right]
}

function ruleOf(json: Fields, model: Fields): VocabularyRule {
  const normalizer = JSON.stringify(withoutOffsets(json.get('normalizer')))
  if (model.flag('byte_fallback', false)) {
    if (normalizer !== JSON.stringify(withoutOffsets(llama2Normalizer)) || json.get('pre_tokenizer') !== undefined) {
      throw new LoadError(
        'unsupported',
        `${what}: byte_fallback with another normalizer or pre_tokenizer than Llama 2's`,
      )
    }
    return 'llama2'
  }
  if (json.get('normalizer') !== undefined) throw new LoadError('unsupported', `${what}: normalizer ${normalizer}`)
  return splitRuleOf(json.get('pre_tokenizer'))
}

function splitRuleOf(preTokenizer: unknown): SplitRule {
  const given = JSON.stringify(withoutOffsets(preTokenizer))
  const found = preTokenizers.find(([, expected]) => JSON.stringify(withoutOffsets(expected)) === given)
  if (found === undefined) {
    throw new LoadError(
      'unsupported',
      `${what}: pre_tokenizer ${given.slice(0, 200)}; those of GPT-2, SmolLM and Llama 3 are supported`,
    )
  }
  return found[0]
}

/** Fields in one order, `trim_offsets` away: it moves offsets, no token. */
function withoutOffsets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutOffsets)
  if (typeof value !== 'object' || value === null) return value ?? null
  const fields = Object.entries(value).filter(([name]) => name !== 'trim_offsets')
  return Object.fromEntries(
    fields.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, part]) => [name, withoutOffsets(part)]),
  )
}
