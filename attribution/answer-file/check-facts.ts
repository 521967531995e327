import { FormatError } from '../../protocol/bytes.ts'
import { TrieNodes } from '../../protocol/trie-proof.ts'
import type { BatchReceipt } from '../epochs/batch-rows.ts'
import { contributionsIn, type Evidence } from '../suffix/evidence.ts'
import { type IndexRecord, indexId } from '../suffix/index-record.ts'
import { AnswerFileError } from './answer-error.ts'
import { type RuleFacts, type RuleQuestion, ruleFacts } from './rule-facts.ts'

/** What the chain is asked of an answer under algoHash v2. */
export function questionOf(
  { records, evidence }: { readonly records: readonly IndexRecord[]; readonly evidence: Evidence | undefined },
  { receipt, request }: Pick<BatchReceipt, 'receipt' | 'request'>,
  committedAt: bigint,
): RuleQuestion {
  const { modelVersion, adapters } = request
  const contribIds = contributionsIn(evidence?.spans ?? [])
  return { algoHash: receipt.algoHash, committedAt, indexIds: records.map(indexId), contribIds, modelVersion, adapters }
}

/** What a state says, shown by these trie nodes and no others, in the order that needs them. Throws {@link AnswerFileError} `facts`. */
export function checkFacts(nodes: readonly Uint8Array[], stateRoot: Uint8Array, question: RuleQuestion): RuleFacts {
  const tries = new TrieNodes(nodes)
  try {
    const facts = ruleFacts(stateRoot, tries, question)
    const { needed } = tries
    if (needed.length === nodes.length && needed.every((node, i) => node === nodes[i])) return facts
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause
    throw new AnswerFileError('facts', `its proof does not hold: ${cause.message}`, { cause })
  }
  throw new AnswerFileError('facts', 'there are other nodes than those that are needed')
}
