import { concatBytes } from '../../protocol/bytes.ts'
import { algoV1 } from '../suffix/algo-v1.ts'
import { attribute, indexSet } from '../suffix/attribute.ts'
import { IndexOpener } from '../suffix/index-opener.ts'
import { encodeIndexRecord } from '../suffix/index-record.ts'
import { proveSpan } from '../suffix/span-proof.ts'
import type { SuffixIndex } from '../suffix/suffix-index.ts'
import { uintTable } from '../suffix/table.ts'
import { TableTree } from '../suffix/table-tree.ts'
import type { AnswerFile } from './answer-file.ts'
import { chunkOf } from './check-words.ts'

/** What shows the words of an answer; `isDead`: an index of the set was dead when the batch was committed. Throws SuffixError. */
export function makeWords(
  indexes: readonly SuffixIndex[],
  output: Uint32Array,
  isDead: boolean,
): Pick<AnswerFile, 'indexes' | 'evidence' | 'spans' | 'scores'> {
  if (indexes.length === 0) return { indexes: [], evidence: new Uint8Array(0), spans: [], scores: [] }
  const set = indexSet(indexes)
  const looked = isDead ? new Uint32Array(0) : output.subarray(0, algoV1.answerTokensMax)
  const { spans, evidence } = attribute(set, looked)
  const openers = set.map((index) => new IndexOpener(index))
  return {
    indexes: set.map(({ record }) => encodeIndexRecord(record)),
    evidence,
    spans: spans.map((span) => proveSpan(openers, output, span)),
    scores: set.map((index) => unigramChunks(index, looked)),
  }
}

/** The chunks of unigrams that tokens stand in. */
export function unigramChunks({ record, tables }: SuffixIndex, output: Uint32Array): Uint8Array {
  const tree = new TableTree(uintTable(tables.unigrams))
  const chunks = new Set(
    Array.from(output)
      .filter((token) => token < record.vocab)
      .map(chunkOf),
  )
  return concatBytes(...[...chunks].sort((a, b) => a - b).map((chunk) => tree.open(chunk)))
}
