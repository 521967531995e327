import { FormatError } from '../../protocol/bytes.ts'
import { decodeTokenizer } from './tokenizer-file.ts'
import { decodeVocabulary, vocabularyVersion } from './vocabulary-file.ts'

/** What text is to a model. */
export type ModelTokenizer = {
  /** Number of tokens. */
  readonly vocab: number
  /** Tokens of UTF-8 text or any bytes; never special ones. */
  encode(text: string | Uint8Array): number[]
  /** Bytes of tokens; special ones have none. Throws FormatError for what is no token. */
  decode(tokens: readonly number[]): Uint8Array
  /** The special or added token of that name, such as `<|im_start|>`. */
  special(name: string): number | undefined
}

/** Section `tokenizer` of a model file, of either version. Throws {@link FormatError} for a malformed one. */
export function readTokenizer(section: Uint8Array): ModelTokenizer {
  if (section.length < 4) throw new FormatError('tokenizer: cut off')
  const version = new DataView(section.buffer, section.byteOffset).getUint32(0)
  if (version === vocabularyVersion) return decodeVocabulary(section)
  const tokenizer = decodeTokenizer(section)
  return {
    vocab: tokenizer.vocab,
    encode: (text) => tokenizer.encode(text),
    decode: (tokens) => tokenizer.decode(tokens),
    special: () => undefined,
  }
}
