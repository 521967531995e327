import { listedLeaf } from '../../inference/sections.ts'
import { readTokenizer } from '../../inference/tokenizer/model-tokenizer.ts'
import { equalBytes, FormatError, type Hex } from '../../protocol/bytes.ts'
import { contentChunkBytes, contentHash, verifyChunk } from '../../protocol/content-hash.ts'
import type { BatchReceipt } from '../epochs/batch-rows.ts'
import type { IndexRecord } from '../suffix/index-record.ts'
import { AnswerFileError } from './answer-error.ts'
import type { AnswerFile, TokenizerProof } from './answer-file.ts'

/**
 * The text is what the tokens are in the tokenizer of the model's file, which its indexes use too. Throws
 * {@link AnswerFileError}.
 */
export function checkText(
  { tokenizer: proof, text }: Pick<AnswerFile, 'tokenizer' | 'text'>,
  { prompt, output }: Pick<BatchReceipt, 'prompt' | 'output'>,
  { weightsManifest, records }: { readonly weightsManifest: Hex; readonly records: readonly IndexRecord[] },
): void {
  if (proof === undefined) {
    if (text.prompt.length + text.output.length > 0) throw new AnswerFileError('text', 'text without a tokenizer')
    return
  }
  const hash = contentHash(proof.section)
  if (records.some(({ tokenizerHash }) => tokenizerHash !== hash))
    throw new AnswerFileError('tokenizer', 'the indexes are of another')
  requireSection(proof, hash, weightsManifest)
  let decode: (tokens: Uint32Array) => Uint8Array
  try {
    const tokenizer = readTokenizer(proof.section)
    decode = (tokens) => tokenizer.decode(Array.from(tokens))
  } catch (cause) {
    throw new AnswerFileError('tokenizer', 'its bytes are none', { cause })
  }
  for (const name of ['prompt', 'output'] as const) {
    if (!equalBytes(decoded(decode, name === 'prompt' ? prompt : output), text[name]))
      throw new AnswerFileError('text', `the ${name} is not what its tokens say`)
  }
}

/** The section stands in the model's file, whose root is on chain. */
function requireSection({ section, place, siblings }: TokenizerProof, root: Hex, weightsManifest: Hex): void {
  const chunk = listedLeaf({ name: 'tokenizer', length: section.length, leafBytes: contentChunkBytes, root })
  // How many sections there are is not known; as many places as the way up has.
  const isThere = verifyChunk(weightsManifest, { index: place, count: 2 ** siblings.length, chunk, siblings })
  if (!isThere) throw new AnswerFileError('tokenizer', 'it is not in the file of the model')
}

function decoded(decode: (tokens: Uint32Array) => Uint8Array, tokens: Uint32Array): Uint8Array {
  try {
    return decode(tokens)
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause
    throw new AnswerFileError('text', 'a token that the model has not', { cause })
  }
}
