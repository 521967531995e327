import type { BatchReceipt } from '../../attribution/epochs/batch-rows.ts'
import type { AnswerExplainer, ExplainedAnswer } from '../../attribution/explain/answer-explainer.ts'
import type { ExplainedEntry } from '../../attribution/explain/explain-receipt.ts'
import { differenceLine, isEqual } from '../../attribution/explain/figure.ts'
import { tokensMissing } from '../../attribution/explain/tokens-missing.ts'
import type { IndexFiles } from '../../attribution/indexes/index-files.ts'
import type { SketchSource } from '../../attribution/influences/query-maker.ts'
import { trainingTokens } from '../../attribution/suffix/shares.ts'
import { isDeadAt } from '../../chain/indexes/published-index.ts'
import { ShownSignatures } from '../../chain/indexes/shown-signatures.ts'
import { SketchTables, sketchKey } from '../../chain/indexes/sketch-tables.ts'
import type { ModelTerms } from '../../chain/ledger/model-terms.ts'
import { algoHashV1, algoHashV2 } from '../../protocol/attribution-rule.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import type { InferenceRequest } from '../../protocol/inference-request.ts'
import type { ChainAccess } from '../money/action.ts'
import type { TermsReader } from './explain-epoch.ts'

export type AtHand = { readonly indexes: Pick<IndexFiles, 'get' | 'has'> }

/** What is known of why an answer owes whom. */
export type Words =
  | { readonly kind: 'none'; readonly why: string }
  | { readonly kind: 'shown'; readonly answer: ExplainedAnswer; readonly differences: readonly string[] }

const rules: ReadonlyMap<Hex, 1 | 2> = new Map([
  [algoHashV1, 1],
  [algoHashV2, 2],
])

/** Words, influences and quotations of receipts' answers, by what the chain says of their models and what is at hand. */
export class AnswerWords {
  readonly #chain: ChainAccess
  readonly #terms: TermsReader['terms']
  readonly #explainer: AnswerExplainer
  readonly #signatures: ShownSignatures
  readonly #tables: SketchTables

  constructor(chain: ChainAccess, terms: TermsReader['terms'], explainer: AnswerExplainer) {
    this.#chain = chain
    this.#terms = terms
    this.#explainer = explainer
    this.#signatures = new ShownSignatures(chain)
    this.#tables = new SketchTables(chain)
  }

  /** `where`: names the receipt in differences; `committedAt`: of its batch, Unix seconds. Throws what the RPC throws. */
  async of(where: string, one: BatchReceipt, committedAt: bigint): Promise<Words> {
    const { receipt, request, entries, prompt, output } = one
    const rule = rules.get(receipt.algoHash)
    if (rule === undefined)
      return { kind: 'none', why: `INCOMPLETE: it is under algoHash ${receipt.algoHash}, which is not known here` }
    const hasIndexes = receipt.indexSetHash !== zeroHash
    if (rule === 1 && !hasIndexes)
      return { kind: 'none', why: 'its model has no index: nothing is attributed by words' }
    const terms = await this.#terms(request.modelVersion)
    if (terms === undefined)
      return { kind: 'none', why: `INCOMPLETE: the chain has no model version ${request.modelVersion}` }
    const unread = tokensMissing(one, rule)
    if (unread !== undefined) return { kind: 'none', why: `INCOMPLETE: ${unread}` }
    const ids = hasIndexes ? terms.indexIds : []
    const answer = this.#explainer.explain({
      ...{ rule, ids, prompt, output, entries: entries as readonly ExplainedEntry[] },
      isDead: await isDeadAt(this.#chain, ids, committedAt),
      trainedOn: trainingTokens(terms.trainedOn),
      signatures: rule === 1 ? new Map() : await this.#signatures.at(committedAt),
      sketched: rule === 1 ? undefined : await sketchSource(this.#tables, terms, request, committedAt),
    })
    if (answer.figures.length === 0 && answer.missing.length > 0)
      return { kind: 'none', why: `INCOMPLETE: ${answer.missing.join('; ')}` }
    return { kind: 'shown', answer, differences: answerDifferences(where, answer) }
  }
}

/** By which table class G of a request is computed; undefined where none was in force. Throws what the RPC throws. */
export async function sketchSource(
  tables: SketchTables,
  { root: model }: Pick<ModelTerms, 'root'>,
  { modelVersion, adapters }: Pick<InferenceRequest, 'modelVersion' | 'adapters'>,
  committedAt: bigint,
): Promise<SketchSource | undefined> {
  const key = sketchKey(modelVersion, adapters)
  const table = key === undefined ? undefined : (await tables.at(committedAt)).get(key)
  return table && { model, adapter: table.adapterRoot, table: table.root, size: table.size, rows: table.rows }
}

function answerDifferences(where: string, { figures, otherEvidence }: ExplainedAnswer): string[] {
  return [
    ...figures.filter((figure) => !isEqual(figure)).map((figure) => differenceLine(where, figure)),
    ...otherEvidence.map((k) => `${where} entry ${k}: another evidenceHash than that of the answer`),
  ]
}
