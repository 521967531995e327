import { type AnswerFile, encodeAnswerFile, type TokenizerProof } from '../../attribution/answer-file/answer-file.ts'
import { datanetVersions } from '../../attribution/answer-file/check-chain.ts'
import { makeWords } from '../../attribution/answer-file/make-words.ts'
import { itemsSlot, marketSlots, modelSlots } from '../../attribution/answer-file/slots.ts'
import { encodeBatchFile } from '../../attribution/epochs/batch-file.ts'
import { type BatchReceipt, batchFileOf } from '../../attribution/epochs/batch-rows.ts'
import { decodeIndexRecord } from '../../attribution/suffix/index-record.ts'
import { type ModelTerms, modelTerms } from '../../chain/ledger/model-terms.ts'
import { UsageError } from '../../common/errors.ts'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import type { CanonicalModel } from '../../inference/model.ts'
import { sectionsOf } from '../../inference/model-file.ts'
import { proveSection } from '../../inference/sections.ts'
import { readTokenizer } from '../../inference/tokenizer/model-tokenizer.ts'
import { concatBytes, type Hex, quantity } from '../../protocol/bytes.ts'
import { encodeHeader } from '../../protocol/header.ts'
import { parseModelVersion } from '../../protocol/inference-request.ts'
import { headerFromRpc } from '../../protocol/rpc-json.ts'
import { openBatch } from '../explain/epoch-source.ts'
import { type AtHand, isDeadAt } from '../explain/words.ts'
import type { ChainAccess } from '../money/action.ts'
import type { ContentPlaces } from '../money/content-places.ts'
import { accountNodes } from './account-nodes.ts'
import { type L1Rpc, l1Proof, latestOutput } from './l1-output.ts'

/** Where all of an answer comes from. */
export type AnswerParts = {
  readonly chain: ChainAccess
  readonly l1: L1Rpc
  /** The rollup's oracle on L1. */
  readonly oracle: Hex
  readonly places: ContentPlaces
  readonly indexes: AtHand['indexes']
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
  const words = await wordsOf(one, terms, header.committedAt, parts)
  const output = await latestOutput(parts.l1, parts.oracle)
  if (output.l2Block < header.l2Block) {
    throw new UsageError(
      `INCOMPLETE: batch ${batchId} is in L2 block ${header.l2Block}, and the newest output on L1 is of block ${output.l2Block}; wait`,
    )
  }
  const file: AnswerFile = {
    receipt: encodeBatchFile(batchFileOf([one])),
    batch: { header, index, siblings: concatBytes(...batch.tree.siblings(index)) },
    ...words,
    ...textOf(one, parts.modelOf(terms.root)),
    l2: await l2Proof(chain, output.l2Block, batchId, index, one, words.indexes),
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
  const dead = await Promise.all(indexIds.map((id) => isDeadAt(chain, id, committedAt)))
  return makeWords(
    indexIds.flatMap((id) => indexes.get(id) ?? []),
    one.output,
    dead.includes(true),
  )
}

/** Text and what shows that the tokens say it; tokens alone where the model is not at hand. */
function textOf(
  { prompt, output }: BatchReceipt,
  model: CanonicalModel | undefined,
): Pick<AnswerFile, 'tokenizer' | 'text'> {
  if (model === undefined)
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
