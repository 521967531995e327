import { type AnswerFile, encodeAnswerFile, type TokenizerProof } from '../../attribution/answer-file/answer-file.ts'
import { datanetVersions } from '../../attribution/answer-file/check-chain.ts'
import { makeWords } from '../../attribution/answer-file/make-words.ts'
import { makeWordsV2 } from '../../attribution/answer-file/make-words-v2.ts'
import { itemsSlot, marketSlots, modelSlots } from '../../attribution/answer-file/slots.ts'
import { encodeBatchFile } from '../../attribution/epochs/batch-file.ts'
import { type BatchReceipt, batchFileOf } from '../../attribution/epochs/batch-rows.ts'
import type { QueryMaker } from '../../attribution/influences/query-maker.ts'
import { decodeIndexRecord } from '../../attribution/suffix/index-record.ts'
import { isDeadAt } from '../../chain/indexes/published-index.ts'
import { type ModelTerms, modelTerms } from '../../chain/ledger/model-terms.ts'
import { UsageError } from '../../common/errors.ts'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import type { CanonicalModel } from '../../inference/model.ts'
import { sectionsOf } from '../../inference/model-file.ts'
import { proveSection } from '../../inference/sections.ts'
import { readTokenizer } from '../../inference/tokenizer/model-tokenizer.ts'
import { algoHashV2 } from '../../protocol/attribution-rule.ts'
import { concatBytes, type Hex, quantity } from '../../protocol/bytes.ts'
import { decodeHeader, encodeHeader } from '../../protocol/header.ts'
import { parseModelVersion } from '../../protocol/inference-request.ts'
import { isSealed } from '../../protocol/private-tokens.ts'
import { headerFromRpc } from '../../protocol/rpc-json.ts'
import { openBatch } from '../explain/epoch-source.ts'
import type { AtHand } from '../explain/words.ts'
import type { ChainAccess } from '../money/action.ts'
import type { ContentPlaces } from '../money/content-places.ts'
import { accountNodes } from './account-nodes.ts'
import { attributionV2 } from './attribution-v2.ts'
import { type L1Rpc, l1Proof, latestOutput } from './l1-output.ts'
import { ruleNodes } from './rule-nodes.ts'

/** Where all of an answer comes from. */
export type AnswerParts = {
  readonly chain: ChainAccess
  readonly l1: L1Rpc
  /** The rollup's oracle on L1. */
  readonly oracle: Hex
  readonly places: ContentPlaces
  readonly indexes: AtHand['indexes']
  /** Query sketches by models, adapters and tables at hand. */
  readonly queries: QueryMaker
  /** A model by the root of its file; undefined where it is not at hand. */
  readonly modelOf: (root: Hex) => CanonicalModel | undefined
}

/** L2ToL1MessagePasser. */
const messagePasser: Hex = '0x4200000000000000000000000000000000000016'

/** The file of an answer, bytes. Throws UsageError for what is not there, or not yet. */
export async function gatherAnswer(batchId: bigint, index: number, parts: AnswerParts): Promise<Uint8Array> {
  const { chain, places } = parts
  const { batch, header } = await openBatch(chain, places, batchId)
  if (index >= batch.count) throw new UsageError(`batch ${batchId} has ${batch.count} receipts`)
  const one = batch.receipt(index)
  const terms = await modelTerms(chain, one.request.modelVersion)
  if (terms === undefined) throw new UsageError(`the chain has no model version ${one.request.modelVersion}`)
  const { committedAt } = header
  const isV2 = one.receipt.algoHash === algoHashV2
  const words = isV2 ? await wordsV2Of(one, committedAt, parts) : await wordsOf(one, terms, committedAt, parts)
  const output = await latestOutput(parts.l1, parts.oracle)
  if (output.l2Block < header.l2Block) {
    throw new UsageError(
      `INCOMPLETE: batch ${batchId} is in L2 block ${header.l2Block}, and the newest output on L1 is of block ${output.l2Block}; wait`,
    )
  }
  const l2 = await l2Proof(chain, output.l2Block, batchId, index, one, words.indexes)
  const file: AnswerFile = {
    receipt: encodeBatchFile(batchFileOf([one])),
    batch: { header, index, siblings: concatBytes(...batch.tree.siblings(index)) },
    ...words,
    ...textOf(one, parts.modelOf(terms.root)),
    v2: words.v2 && { ...words.v2, facts: await factsOf(chain, l2, one, words, committedAt) },
    l2,
    l1: await l1Proof(parts.l1, parts.oracle, output.index),
  }
  return encodeAnswerFile(file)
}

async function wordsOf(
  one: BatchReceipt,
  { indexIds }: ModelTerms,
  committedAt: bigint,
  { chain, indexes }: AnswerParts,
) {
  const missing = indexIds.filter((id) => !indexes.has(id))
  if (missing.length > 0) throw new UsageError(`INCOMPLETE: the index ${missing.join(', ')} is not in --indexes`)
  const isDead = await isDeadAt(chain, indexIds, committedAt)
  const found = indexIds.flatMap((id) => indexes.get(id) ?? [])
  return { ...makeWords(found, one.output, isDead), v2: undefined, kept: [] }
}

async function wordsV2Of(one: BatchReceipt, committedAt: bigint, { chain, indexes, queries }: AnswerParts) {
  const attributed = await attributionV2(chain, one, committedAt, { indexes, queries })
  return { ...makeWordsV2(one, attributed), kept: attributed.attribution.spans }
}

type WordsV2 = Awaited<ReturnType<typeof wordsV2Of>>

/** What the chain says of the rule, shown under the state root of the L2 block. */
async function factsOf(
  chain: ChainAccess,
  { header: encoded }: AnswerFile['l2'],
  one: BatchReceipt,
  { indexes, kept }: Pick<WordsV2, 'indexes' | 'kept'>,
  committedAt: bigint,
): Promise<readonly Uint8Array[]> {
  const header = decodeHeader(encoded)
  const words = { records: indexes.map(decodeIndexRecord), evidence: { scores: [], spans: kept } }
  return await ruleNodes(chain, quantity(header.number), header, words, one, committedAt)
}

/** Text and what shows that the tokens say it; tokens alone where the model is not at hand. */
function textOf(
  { prompt, output }: BatchReceipt,
  model: CanonicalModel | undefined,
): Pick<AnswerFile, 'tokenizer' | 'text'> {
  // Sealed tokens say nothing in any tokenizer.
  if (model === undefined || isSealed(prompt))
    return { tokenizer: undefined, text: { prompt: new Uint8Array(0), output: new Uint8Array(0) } }
  const tokenizer: TokenizerProof = { section: model.tokenizer, ...proveSection(sectionsOf(model), 'tokenizer') }
  const reads = readTokenizer(model.tokenizer)
  const decode = (tokens: Uint32Array) => reads.decode(Array.from(tokens))
  return { tokenizer, text: { prompt: decode(prompt), output: decode(output) } }
}

async function l2Proof(
  chain: ChainAccess,
  block: bigint,
  batchId: bigint,
  index: number,
  { request: { modelVersion } }: BatchReceipt,
  records: readonly Uint8Array[],
): Promise<AnswerFile['l2']> {
  const at = quantity(block)
  const { modelId } = parseModelVersion(modelVersion)
  const items = datanetVersions(records.map(decodeIndexRecord)).map(({ id, version }) => itemsSlot(id, version))
  const nodes = (address: Hex, slots: readonly Uint8Array[]) => accountNodes(chain, address, slots, at)
  const passer = (await chain.request('eth_getProof', [messagePasser, [], at])) as { readonly storageHash: Hex }
  return {
    header: encodeHeader(headerFromRpc(await chain.request('eth_getBlockByNumber', [at, false]))),
    withdrawalStorageRoot: passer.storageHash,
    market: await nodes(openLedgerPredeploys.inferenceMarket, marketSlots(batchId, index)),
    models: await nodes(openLedgerPredeploys.modelRegistry, modelSlots(modelId, modelVersion)),
    datanets:
      items.length === 0 ? { account: [], slots: [] } : await nodes(openLedgerPredeploys.datanetRegistry, items),
  }
}
