import { bytesToHex, type Hex, quantity } from '../../../../protocol/bytes.ts'
import type { Header } from '../../../../protocol/header.ts'
import { encodeHeader } from '../../../../protocol/header.ts'
import { keccakHex } from '../../../../protocol/keccak.ts'
import { type RlpItem, rlpDecode, rlpEncode } from '../../../../protocol/rlp.ts'
import type { StoredBlock, StoredHeader } from '../chain-view.ts'

/** A header as JSON-RPC shows it. */
export function headerJson({ hash, header }: StoredHeader): Record<string, unknown> {
  return {
    number: quantity(header.number),
    hash,
    parentHash: bytesToHex(header.parentHash),
    nonce: bytesToHex(header.nonce),
    mixHash: bytesToHex(header.prevRandao),
    sha3Uncles: bytesToHex(header.ommersHash),
    logsBloom: bytesToHex(header.logsBloom),
    stateRoot: bytesToHex(header.stateRoot),
    miner: bytesToHex(header.coinbase),
    difficulty: quantity(header.difficulty),
    extraData: bytesToHex(header.extraData),
    gasLimit: quantity(header.gasLimit),
    gasUsed: quantity(header.gasUsed),
    timestamp: quantity(header.timestamp),
    transactionsRoot: bytesToHex(header.transactionsRoot),
    receiptsRoot: bytesToHex(header.receiptsRoot),
    ...optionalFields(header),
  }
}

/** A block as JSON-RPC shows it; `transactions` are hashes or objects. */
export function blockJson(block: StoredBlock, transactions: readonly unknown[]): Record<string, unknown> {
  return {
    ...headerJson(block),
    size: quantity(encodeBlock(block).length),
    transactions,
    uncles: [],
    ...(block.header.withdrawalsRoot === undefined ? {} : { withdrawals: [] }),
  }
}

/** RLP of the whole block. */
export function encodeBlock({ header, transactions }: StoredBlock): Uint8Array {
  const items: RlpItem[] = transactions.map((raw) => ((raw[0] ?? 0) >= 0xc0 ? rlpDecode(raw) : raw))
  const withdrawals: RlpItem[] = header.withdrawalsRoot === undefined ? [] : [[]]
  return rlpEncode([rlpDecode(encodeHeader(header)), items, [], ...withdrawals])
}

export function transactionHashes(block: StoredBlock): Hex[] {
  return block.transactions.map((raw) => keccakHex(raw))
}

function optionalFields(header: Header): Record<string, unknown> {
  const uints = {
    baseFeePerGas: header.baseFeePerGas,
    blobGasUsed: header.blobGasUsed,
    excessBlobGas: header.excessBlobGas,
  }
  const hashes = {
    withdrawalsRoot: header.withdrawalsRoot,
    parentBeaconBlockRoot: header.parentBeaconBlockRoot,
    requestsHash: header.requestsHash,
  }
  return Object.fromEntries([
    ...Object.entries(uints).flatMap(([key, value]) => (value === undefined ? [] : [[key, quantity(value)]])),
    ...Object.entries(hashes).flatMap(([key, value]) => (value === undefined ? [] : [[key, bytesToHex(value)]])),
  ])
}
