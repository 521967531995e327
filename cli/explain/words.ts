import type { BatchReceipt } from '../../attribution/epochs/batch-rows.ts'
import type { ExplainedEntry } from '../../attribution/explain/explain-receipt.ts'
import { explainSpans, type SpansExplanation } from '../../attribution/explain/explain-spans.ts'
import { differenceLine, isEqual } from '../../attribution/explain/figure.ts'
import type { SuffixIndex } from '../../attribution/suffix/suffix-index.ts'
import { modelTerms } from '../../chain/ledger/model-terms.ts'
import { algoHashV1 } from '../../protocol/attribution-rule.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import type { ChainAccess } from '../money/action.ts'
import type { TokenizerAtHand } from './at-hand.ts'

export type AtHand = {
  readonly indexes: ReadonlyMap<Hex, SuffixIndex>
  readonly tokenizers: ReadonlyMap<Hex, TokenizerAtHand>
}

/** What is known of the words of an answer. */
export type Words =
  | { readonly kind: 'none'; readonly why: string }
  | { readonly kind: 'shown'; readonly spans: SpansExplanation; readonly differences: readonly string[] }

/** The spans of a receipt's answer, where the indexes of its model are at hand. */
export async function wordsOf(
  chain: ChainAccess,
  where: string,
  { receipt, request, entries, output }: BatchReceipt,
  committedAt: bigint,
  { indexes, tokenizers }: AtHand,
): Promise<Words> {
  if (receipt.indexSetHash === zeroHash)
    return { kind: 'none', why: 'its model has no index: nothing is attributed by words' }
  if (receipt.algoHash !== algoHashV1)
    return { kind: 'none', why: `INCOMPLETE: words are shown under algoHash v1, not ${receipt.algoHash}` }
  if (indexes.size === 0) return { kind: 'none', why: 'give --indexes to see which words came from where' }
  const { indexIds = [] } = (await modelTerms(chain, request.modelVersion)) ?? {}
  const set = indexIds.flatMap((id) => indexes.get(id) ?? [])
  const missing = indexIds.filter((id) => !indexes.has(id))
  if (missing.length > 0)
    return { kind: 'none', why: `INCOMPLETE: the index ${missing.join(', ')} is not in --indexes` }
  const dead = await Promise.all(indexIds.map((id) => isDeadAt(chain, id, committedAt)))
  const tokenizer = tokenizers.get(set[0]?.record.tokenizerHash ?? zeroHash)
  const spans = explainSpans(set, output, entries as readonly ExplainedEntry[], {
    isDead: dead.includes(true),
    tokenBytes: tokenizer?.tokenBytes,
  })
  const differences = [
    ...spans.figures.filter((figure) => !isEqual(figure)).map((figure) => differenceLine(where, figure)),
    ...spans.otherEvidence.map((k) => `${where} entry ${k}: another evidenceHash than that of the answer`),
  ]
  return { kind: 'shown', spans, differences }
}

/** True where the index counted for nothing at the time. */
export async function isDeadAt(chain: ChainAccess, id: Hex, time: bigint): Promise<boolean> {
  const deadFrom = (await chain.read('IndexRegistry', 'deadFrom', [id])) as bigint
  return deadFrom !== 0n && deadFrom <= time
}
