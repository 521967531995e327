import { bytesToHex, equalBytes, FormatError, type Hex, hexToBytes } from './bytes.ts'
import type { ExecutionPayload, PayloadEnvelope } from './engine-api.ts'
import { type ForkTimes, isActive } from './hardforks.ts'
import { type Header, headerHash } from './header.ts'
import { emptyOmmersHash, emptyTrieRoot, orderedTrieRoot } from './trie-root.ts'

/** SHA-256 of nothing: the hash of no execution requests (EIP-7685), which every Isthmus header carries. */
export const emptyRequestsHash = hexToBytes('0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')

/** The header a payload stands for. Throws {@link FormatError} where fields of its fork are missing. */
export function payloadHeader(envelope: PayloadEnvelope, forkTimes: ForkTimes): Header {
  const payload = envelope.executionPayload
  const isIsthmus = isActive(forkTimes, 'isthmus', payload.timestamp)
  return {
    parentHash: hexToBytes(payload.parentHash),
    ommersHash: emptyOmmersHash,
    coinbase: hexToBytes(payload.feeRecipient),
    stateRoot: hexToBytes(payload.stateRoot),
    transactionsRoot: orderedTrieRoot(payload.transactions),
    receiptsRoot: hexToBytes(payload.receiptsRoot),
    logsBloom: payload.logsBloom,
    difficulty: 0n,
    number: payload.blockNumber,
    gasLimit: payload.gasLimit,
    gasUsed: payload.gasUsed,
    timestamp: payload.timestamp,
    extraData: payload.extraData,
    prevRandao: hexToBytes(payload.prevRandao),
    nonce: zeroNonce,
    baseFeePerGas: payload.baseFeePerGas,
    withdrawalsRoot: withdrawalsRoot(payload, isIsthmus),
    blobGasUsed: payload.blobGasUsed,
    excessBlobGas: payload.excessBlobGas,
    parentBeaconBlockRoot:
      envelope.parentBeaconBlockRoot === undefined ? undefined : hexToBytes(envelope.parentBeaconBlockRoot),
    requestsHash: isIsthmus ? emptyRequestsHash : undefined,
  }
}

/** The hash of the block a payload stands for, whatever the payload says. Throws {@link FormatError}. */
export function payloadBlockHash(envelope: PayloadEnvelope, forkTimes: ForkTimes): Hex {
  return bytesToHex(headerHash(payloadHeader(envelope, forkTimes)))
}

/** The payload of a block with these raw transactions; its `parentBeaconBlockRoot` belongs into the envelope. */
export function headerToPayload(header: Header, transactions: readonly Uint8Array[]): ExecutionPayload {
  if (header.baseFeePerGas === undefined) throw new FormatError('block without base fee has no payload')
  // Up to Isthmus the root commits to withdrawals, of which an L2 has none; from Isthmus to the message passer's storage.
  const isIsthmus = header.requestsHash !== undefined
  return {
    parentHash: bytesToHex(header.parentHash),
    feeRecipient: bytesToHex(header.coinbase),
    stateRoot: bytesToHex(header.stateRoot),
    receiptsRoot: bytesToHex(header.receiptsRoot),
    logsBloom: header.logsBloom,
    prevRandao: bytesToHex(header.prevRandao),
    blockNumber: header.number,
    gasLimit: header.gasLimit,
    gasUsed: header.gasUsed,
    timestamp: header.timestamp,
    extraData: header.extraData,
    baseFeePerGas: header.baseFeePerGas,
    blockHash: bytesToHex(headerHash(header)),
    transactions,
    ...(header.withdrawalsRoot === undefined ? {} : { withdrawals: [] as const }),
    ...(header.blobGasUsed === undefined ? {} : { blobGasUsed: header.blobGasUsed }),
    ...(header.excessBlobGas === undefined ? {} : { excessBlobGas: header.excessBlobGas }),
    ...(isIsthmus && header.withdrawalsRoot !== undefined
      ? { withdrawalsRoot: bytesToHex(header.withdrawalsRoot) }
      : {}),
  }
}

/** As {@link headerToPayload}, with the beacon root. */
export function headerToEnvelope(header: Header, transactions: readonly Uint8Array[]): PayloadEnvelope {
  const executionPayload = headerToPayload(header, transactions)
  const root = header.parentBeaconBlockRoot
  return root === undefined ? { executionPayload } : { executionPayload, parentBeaconBlockRoot: bytesToHex(root) }
}

/** True where the transactions are those the header commits to. */
export function transactionsMatch(header: Header, transactions: readonly Uint8Array[]): boolean {
  return equalBytes(orderedTrieRoot(transactions), header.transactionsRoot)
}

const zeroNonce = new Uint8Array(8)

function withdrawalsRoot(payload: ExecutionPayload, isIsthmus: boolean): Uint8Array | undefined {
  if (!isIsthmus) {
    if (payload.withdrawalsRoot !== undefined) throw new FormatError('withdrawalsRoot in a payload before Isthmus')
    return payload.withdrawals === undefined ? undefined : emptyTrieRoot
  }
  if (payload.withdrawalsRoot === undefined) throw new FormatError('payload without withdrawalsRoot after Isthmus')
  if (payload.withdrawals === undefined) throw new FormatError('payload without withdrawals after Canyon')
  return hexToBytes(payload.withdrawalsRoot)
}
