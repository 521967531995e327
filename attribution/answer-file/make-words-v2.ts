import { zeroHash } from '../../protocol/bytes.ts'
import { algoV2 } from '../combined/algo-v2.ts'
import type { AttributionV2 } from '../combined/attribute-v2.ts'
import type { InfluenceTable } from '../combined/influence-table.ts'
import { openLeaves } from '../combined/opened-influences.ts'
import type { BatchReceipt } from '../epochs/batch-rows.ts'
import { encodeSignature } from '../near-duplicates/signature.ts'
import { contributionsIn } from '../suffix/evidence.ts'
import { IndexOpener } from '../suffix/index-opener.ts'
import { encodeIndexRecord } from '../suffix/index-record.ts'
import { proveSpan } from '../suffix/span-proof.ts'
import type { SuffixIndex } from '../suffix/suffix-index.ts'
import type { AnswerFile, RuleV2 } from './answer-file.ts'
import { unigramChunks } from './make-words.ts'

/** An answer as it was attributed. */
export type Attributed = {
  /** The model's indexes, in the order of their set. */
  readonly set: readonly SuffixIndex[]
  readonly attribution: AttributionV2
  /** Those that count, by contribution. */
  readonly signatures: ReadonlyMap<bigint, Uint32Array>
  /** The table of influences in force, if any was. */
  readonly sketch: { readonly table: InfluenceTable } | undefined
}

type Made = Pick<AnswerFile, 'indexes' | 'evidence' | 'spans' | 'scores'> & { readonly v2: Omit<RuleV2, 'facts'> }

/** What shows an answer's weights under algoHash v2, but for what the chain says. Throws SuffixError. */
export function makeWordsV2(
  { prompt, output }: Pick<BatchReceipt, 'prompt' | 'output'>,
  { set, attribution, signatures, sketch }: Attributed,
): Made {
  const { spans, citations, scores, tokens, evidence, evidenceHash } = attribution
  const openers = set.map((index) => new IndexOpener(index))
  const signed = contributionsIn(spans).flatMap((id) => signatures.get(id) ?? [])
  return {
    indexes: set.map(({ record }) => encodeIndexRecord(record)),
    evidence: evidenceHash === zeroHash ? new Uint8Array(0) : evidence,
    spans: spans.map((span) => proveSpan(openers, output, span)),
    scores: set.map((index) => unigramChunks(index, output.subarray(0, tokens))),
    v2: {
      signatures: signed.map(encodeSignature),
      citations: citations.map((cited) => proveSpan(openers, prompt, cited, algoV2.promptTokensMax)),
      influences:
        sketch === undefined
          ? []
          : openLeaves(
              sketch.table,
              scores.map(({ row }) => row),
            ),
    },
  }
}
