import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { bytesToBigint, bytesToHex, equalBytes, FormatError, type Hex, hexToBytes } from '../../protocol/bytes.ts'
import { decodeHeader, type Header, headerHash } from '../../protocol/header.ts'
import { type InferenceRequest, parseModelVersion } from '../../protocol/inference-request.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { outputRootV0 } from '../../protocol/output-root.ts'
import { batchHash } from '../../protocol/receipt-batch.ts'
import { asBytes, rlpDecode } from '../../protocol/rlp.ts'
import { decodeAccount, verifyTrieProof } from '../../protocol/trie-proof.ts'
import type { BatchReceipt } from '../epochs/batch-rows.ts'
import type { IndexRecord } from '../suffix/index-record.ts'
import { AnswerFileError } from './answer-error.ts'
import type { AccountNodes, AnswerFile } from './answer-file.ts'
import { itemsSlot, marketSlots, modelSlots, outputSlots } from './slots.ts'

/** What an L2 block's state says of the model and the Datanets of an answer. */
export type ChainDigests = {
  readonly weightsManifest: Hex
  readonly configHash: Hex
  readonly trainingRoot: Hex
  readonly datanets: readonly { readonly id: bigint; readonly version: number; readonly itemsRoot: Hex }[]
}

/** Where the chain of proofs ends. */
export type L1Anchor = { readonly hash: Hex; readonly number: bigint; readonly time: bigint; readonly oracle: Hex }

/** The batch in the L2's state, and what it says of model and Datanets. Throws {@link AnswerFileError}. */
export function checkL2(
  { l2, batch: { header: batch, index } }: Pick<AnswerFile, 'l2' | 'batch'>,
  { receipt, request }: BatchReceipt,
  records: readonly IndexRecord[],
): { readonly block: Header; readonly digests: ChainDigests } {
  const block = headerOf(l2.header, 'l2')
  if (block.number < batch.l2Block) throw new AnswerFileError('l2', 'a block before that of the batch')
  const root = block.stateRoot
  const market = slotsOf(
    'batch',
    root,
    openLedgerPredeploys.inferenceMarket,
    marketSlots(batch.batchId, index),
    l2.market,
  )
  const [stored = 0n, state = 0n, bits = 0n] = market
  if (stored !== bytesToBigint(batchHash(batch)))
    throw new AnswerFileError('batch', 'the chain has another batch of its number')
  const isVoid = (state >> isVoidBit) & 0xffn
  if (isVoid !== 0n || ((bits >> BigInt(index & 0xff)) & 1n) === 1n)
    throw new AnswerFileError('void', `the receipt was voided before L2 block ${block.number}`)
  const digests = modelOf(root, l2.models, receipt, request)
  return { block, digests: { ...digests, datanets: datanetsOf(root, l2.datanets, records) } }
}

/** Of a batch’s state: behind `receipts u64 ‖ committedAt u64 ‖ holds u32`. */
const isVoidBit = 160n

function modelOf(
  root: Uint8Array,
  nodes: AccountNodes,
  receipt: BatchReceipt['receipt'],
  { modelVersion }: Pick<InferenceRequest, 'modelVersion'>,
): Omit<ChainDigests, 'datanets'> {
  const modelId = modelIdOf(modelVersion)
  const found = slotsOf('model', root, openLedgerPredeploys.modelRegistry, modelSlots(modelId, modelVersion), nodes)
  const [royaltyHash, weightsManifest, configHash, trainingRoot, indexSetHash] = found.map(wordHex) as Hex[]
  if (royaltyHash !== receipt.royaltyHash) throw new AnswerFileError('model', 'its royalties are others')
  if (indexSetHash !== receipt.indexSetHash) throw new AnswerFileError('model', 'it pins other indexes')
  if (weightsManifest === undefined || configHash === undefined || trainingRoot === undefined || found[1] === 0n)
    throw new AnswerFileError('model', 'there is no such model version')
  return { weightsManifest, configHash, trainingRoot }
}

function modelIdOf(modelVersion: Hex): bigint {
  try {
    return parseModelVersion(modelVersion).modelId
  } catch (cause) {
    throw new AnswerFileError('model', 'the request names no model version', { cause })
  }
}

/** Datanet versions of the indexes, ascending, each once. */
export function datanetVersions(records: readonly IndexRecord[]): { readonly id: bigint; readonly version: number }[] {
  const sorted = [...records].sort((a, b) =>
    a.datanet === b.datanet ? a.version - b.version : a.datanet < b.datanet ? -1 : 1,
  )
  return sorted.flatMap(({ datanet: id, version }, i) =>
    sorted[i - 1]?.datanet === id && sorted[i - 1]?.version === version ? [] : [{ id, version }],
  )
}

function datanetsOf(root: Uint8Array, nodes: AccountNodes, records: readonly IndexRecord[]): ChainDigests['datanets'] {
  const versions = datanetVersions(records)
  const keys = versions.map(({ id, version }) => itemsSlot(id, version))
  const roots = slotsOf('datanet', root, openLedgerPredeploys.datanetRegistry, keys, nodes)
  return versions.map((each, i) => {
    const itemsRoot = roots[i] ?? 0n
    if (itemsRoot === 0n)
      throw new AnswerFileError('datanet', `there is no version ${each.version} of Datanet ${each.id}`)
    return { ...each, itemsRoot: wordHex(itemsRoot) }
  })
}

/** The output of the L2 block in the oracle's storage. Throws {@link AnswerFileError}. */
export function checkL1({ l1, l2 }: Pick<AnswerFile, 'l1' | 'l2'>, block: Header): L1Anchor {
  const header = headerOf(l1.header, 'l1')
  const output = outputRootV0({
    stateRoot: bytesToHex(block.stateRoot),
    withdrawalStorageRoot: l2.withdrawalStorageRoot,
    blockHash: bytesToHex(headerHash(block)),
  })
  const [stored = 0n, place = 0n] = slotsOf('l1', header.stateRoot, l1.oracle, outputSlots(l1.outputIndex), l1.account)
  if (wordHex(stored) !== output)
    throw new AnswerFileError('output', 'L1 has another output root than that of the L2 block')
  if (place >> 128n !== block.number) throw new AnswerFileError('output', 'the output is of another L2 block')
  return { hash: bytesToHex(headerHash(header)), number: header.number, time: header.timestamp, oracle: l1.oracle }
}

/** Values of an account's slots under a state root. */
function slotsOf(
  code: AnswerFileError['code'],
  stateRoot: Uint8Array,
  address: Hex,
  keys: readonly Uint8Array[],
  { account, slots }: AccountNodes,
): bigint[] {
  if (slots.length !== keys.length)
    throw new AnswerFileError('format', `${slots.length} slots where ${keys.length} are`)
  if (keys.length === 0 && account.length === 0) return []
  try {
    const value = verifyTrieProof(stateRoot, keccak256(hexToBytes(address)), account)
    if (value === undefined) throw new AnswerFileError(code, `there is no account ${address}`)
    const { storageRoot } = decodeAccount(value)
    return keys.map((key, i) => {
      const found = verifyTrieProof(storageRoot, keccak256(key), slots[i] ?? [])
      return found === undefined ? 0n : bytesToBigint(asBytes(rlpDecode(found), 'storage value'))
    })
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause
    throw new AnswerFileError(code, `its proof does not hold: ${cause.message}`, { cause })
  }
}

/** A header that is written in one way only: its bytes are what is hashed. */
function headerOf(bytes: Uint8Array, code: 'l1' | 'l2'): Header {
  try {
    const header = decodeHeader(bytes)
    if (equalBytes(keccak256(bytes), headerHash(header))) return header
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause
    throw new AnswerFileError(code, `its header is none: ${cause.message}`, { cause })
  }
  throw new AnswerFileError(code, 'its header is not in canonical form')
}

function wordHex(value: bigint): Hex {
  return `0x${value.toString(16).padStart(64, '0')}`
}
