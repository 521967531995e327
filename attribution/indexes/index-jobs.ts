import { readFileSync, rmSync, statSync } from 'node:fs'
import { contentBytesMax } from '../../common/content-store.ts'
import { type ModelTokenizer, readTokenizer } from '../../inference/tokenizer/model-tokenizer.ts'
import { decodeTokenizer } from '../../inference/tokenizer/tokenizer-file.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { contentHash } from '../../protocol/content-hash.ts'
import { checkIndex, type IndexChallenge } from '../suffix/check-index.ts'
import { checkText } from '../suffix/check-text.ts'
import { checkIndexRoots, IndexFile } from '../suffix/index-file.ts'
import { finishIndexFile, IndexFileText } from '../suffix/index-file-builder.ts'
import { IndexOpener } from '../suffix/index-opener.ts'
import type { IndexRecord } from '../suffix/index-record.ts'
import { SuffixError } from '../suffix/suffix-error.ts'
import { tokenizeDocument, tokenLengths } from '../suffix/text.ts'
import { IndexError } from './index-error.ts'

/** A contribution of a Datanet version whose content lies in a file. */
export type TextFile = { readonly contribId: bigint; readonly contentHash: Hex; readonly file: string }

/** What one thread does with one index; the tokenizer as its bytes. */
export type IndexJob =
  /** Makes the index of texts at `path`. */
  | {
      readonly kind: 'build'
      readonly path: string
      readonly datanet: bigint
      readonly version: number
      readonly tokenizer: Uint8Array
      readonly texts: readonly TextFile[]
    }
  /** Hashes the tables of a file anew. */
  | { readonly kind: 'hash'; readonly path: string; readonly tokenizer: Uint8Array }
  /** Looks for what is wrong with an index; without `texts` only what its tables and the list of items show. */
  | {
      readonly kind: 'check'
      readonly path: string
      readonly items: readonly Omit<TextFile, 'file'>[]
      readonly text: { readonly tokenizer: Uint8Array; readonly texts: readonly TextFile[] } | undefined
    }

/** How far a job is: items read, of so many. */
export type IndexProgress = { readonly items: number; readonly of: number; readonly tokens: number }

/** Times that a build tells how far it is. */
const reportsMax = 100
/** Tokens that are sorted at once: 17 bytes each. */
const shardTokens = 2 ** 24
/** Of a table on disk, held while it is read across. */
const cacheBytes = 2 ** 26

/** Throws {@link SuffixError}, {@link IndexError}, FormatError for a tokenizer that is none. */
export function runIndexJob(
  job: IndexJob,
  progress: (now: IndexProgress) => void,
): IndexRecord | IndexChallenge | undefined {
  if (job.kind === 'build') return build(job, progress)
  const file = IndexFile.open(job.path, cacheBytes)
  try {
    if (job.kind === 'hash') {
      checkIndexRoots(file.index, tokenLengths(readTokenizer(job.tokenizer)))
      return file.index.record
    }
    const { items, text } = job
    const opener = new IndexOpener(file.index)
    const wrong = checkIndex(opener, items)
    if (wrong !== undefined || text === undefined || !isShowable(text.tokenizer)) return wrong
    const tokenizer = decodeTokenizer(text.tokenizer)
    return checkText(opener, { tokenizer, items, contents: lastRead(text.texts) })
  } finally {
    file.close()
  }
}

function build(job: Extract<IndexJob, { kind: 'build' }>, progress: (now: IndexProgress) => void): IndexRecord {
  const { path, datanet, version, texts } = job
  const tokenizer = readTokenizer(job.tokenizer)
  const text = new IndexFileText(path, tokenizer.vocab)
  const step = Math.ceil(texts.length / reportsMax)
  let tokens = 0
  try {
    for (const [items, each] of texts.entries()) {
      tokens += add(text, each, tokenizer)
      if ((items + 1) % step === 0) progress({ items: items + 1, of: texts.length, tokens })
    }
  } catch (error) {
    text.end()
    rmSync(`${path}.part`, { force: true })
    throw error
  }
  const subject = { datanet, version, tokenizerHash: contentHash(job.tokenizer), tokenLengths: tokenLengths(tokenizer) }
  return finishIndexFile({ path, shardTokens, cacheBytes }, text.end(), subject)
}

/** Returns how many tokens it has. */
function add(text: IndexFileText, each: TextFile, tokenizer: ModelTokenizer): number {
  const document = tokenizeDocument(each.contribId, contentOf(each), tokenizer)
  text.add(document)
  return document.tokens.length
}

/** Throws {@link SuffixError} `size` for a text that no store has, {@link IndexError} `wrong-content`. */
function contentOf({ contribId, contentHash: hash, file }: TextFile): Uint8Array {
  const { size } = statSync(file)
  if (size > contentBytesMax) {
    throw new SuffixError('size', `contribution ${contribId} has ${size} bytes, above ${contentBytesMax}`)
  }
  const bytes = new Uint8Array(readFileSync(file))
  if (contentHash(bytes) === hash) return bytes
  throw new IndexError('wrong-content', `${file} is not contribution ${contribId}, whose content is ${hash}; remove it`)
}

/** TextJudge knows tokenizers of version 1 alone. */
function isShowable(tokenizer: Uint8Array): boolean {
  return tokenizer.length >= 4 && new DataView(tokenizer.buffer, tokenizer.byteOffset).getUint32(0) === 1
}

/** Contents by document, of which the last one is held. */
function lastRead(texts: readonly TextFile[]): (document: number) => Uint8Array {
  let held: { readonly document: number; readonly bytes: Uint8Array } | undefined
  return (document) => {
    const text = texts[document]
    if (held?.document !== document) {
      held = { document, bytes: text === undefined ? new Uint8Array() : contentOf(text) }
    }
    return held.bytes
  }
}
