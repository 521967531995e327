import { bytesToBigint, concatBytes, equalBytes, FormatError, type Hex, hexToBytes, uintBytes } from './bytes.ts'
import { keccak256 } from './keccak.ts'
import type { Log, Receipt } from './receipt.ts'
import type { DepositTx } from './transaction.ts'

/** keccak256("TransactionDeposited(address,address,uint256,bytes)"). */
export const transactionDepositedTopic: Hex = '0xb3813568d9991fc951961fcb4c784893574240a28925604d09fc577c55bb7c32'

/** Opaque data without calldata: mint u256 ‖ value u256 ‖ gas u64 ‖ isCreation u8. */
export const opaqueDataBytesMin = 73
const mintMax = (1n << 128n) - 1n

/**
 * Deposits of users in the receipts of one L1 block, in log order. Throws {@link FormatError} for a malformed event of
 * the portal, which only a broken portal emits: the caller must stop. Spec: protocol/deposits.md, "Deposit Contract".
 */
export function userDeposits(receipts: readonly Receipt[], portal: Hex, l1BlockHash: Hex): DepositTx[] {
  const portalBytes = hexToBytes(portal)
  const blockHash = hexToBytes(l1BlockHash)
  const deposits: DepositTx[] = []
  let logIndex = 0n
  for (const receipt of receipts) {
    for (const log of receipt.logs) {
      if (receipt.status === 1 && equalBytes(log.address, portalBytes) && isDepositLog(log)) {
        deposits.push(depositFromLog(log, blockHash, logIndex))
      }
      logIndex++
    }
  }
  return deposits
}

/** The deposit a portal event stands for; `logIndex` counts all logs of the L1 block. Throws {@link FormatError}. */
export function depositFromLog(log: Log, l1BlockHash: Uint8Array, logIndex: bigint): DepositTx {
  const [topic, from, to, version] = log.topics
  if (log.topics.length !== 4 || from === undefined || to === undefined || version === undefined) {
    throw new FormatError(`deposit event with ${log.topics.length} topics`)
  }
  if (topic === undefined || !equalBytes(topic, depositTopic)) throw new FormatError('not a TransactionDeposited event')
  const opaqueData = eventBytes(log.data)
  if (bytesToBigint(version) !== 0n) throw new FormatError(`deposit version ${bytesToBigint(version)}`)
  if (opaqueData.length < opaqueDataBytesMin) throw new FormatError(`deposit data of ${opaqueData.length} bytes`)
  const mint = bytesToBigint(opaqueData.subarray(0, 32))
  if (mint > mintMax) throw new FormatError('deposit mints more than 2^128 - 1')
  const isCreation = opaqueData[72] !== 0
  const target = topicAddress(to)
  return {
    type: 0x7e,
    sourceHash: userSourceHash(l1BlockHash, logIndex),
    from: topicAddress(from),
    to: isCreation ? undefined : target,
    mint,
    value: bytesToBigint(opaqueData.subarray(32, 64)),
    gasLimit: bytesToBigint(opaqueData.subarray(64, 72)),
    isSystemTx: false,
    data: opaqueData.slice(opaqueDataBytesMin),
  }
}

/** Domain 0: a user's deposit. Spec: protocol/deposits.md, "Source hash computation". */
export function userSourceHash(l1BlockHash: Uint8Array, logIndex: bigint): Uint8Array {
  return sourceHash(0, keccak256(concatBytes(l1BlockHash, uintBytes(logIndex, 32))))
}

/** Domain 1: the L1 attributes. */
export function l1InfoSourceHash(l1BlockHash: Uint8Array, sequenceNumber: bigint): Uint8Array {
  return sourceHash(1, keccak256(concatBytes(l1BlockHash, uintBytes(sequenceNumber, 32))))
}

/** Domain 2: a network upgrade transaction, told by the words of its intent. */
export function upgradeSourceHash(intent: string): Uint8Array {
  return sourceHash(2, keccak256(new TextEncoder().encode(intent)))
}

/** Domain 3: what closes the deposits of a block on a chain with interop. */
export function afterForceIncludeSourceHash(l1BlockHash: Uint8Array, sequenceNumber: bigint): Uint8Array {
  return sourceHash(3, keccak256(concatBytes(l1BlockHash, uintBytes(sequenceNumber, 32))))
}

const depositTopic = hexToBytes(transactionDepositedTopic)
const addressPadding = new Uint8Array(12)

function sourceHash(domain: number, inner: Uint8Array): Uint8Array {
  return keccak256(concatBytes(uintBytes(domain, 32), inner))
}

function isDepositLog(log: Log): boolean {
  return log.topics[0] !== undefined && equalBytes(log.topics[0], depositTopic)
}

function topicAddress(topic: Uint8Array): Uint8Array {
  if (!equalBytes(topic.subarray(0, 12), addressPadding)) throw new FormatError('deposit topic is no address')
  return topic.slice(12)
}

/** The one `bytes` argument of an event; padded to words and not longer. Padding bytes may have any value, as in op-node. */
function eventBytes(data: Uint8Array): Uint8Array {
  if (data.length < 64 || data.length % 32 !== 0) throw new FormatError(`deposit event data of ${data.length} bytes`)
  if (bytesToBigint(data.subarray(0, 32)) !== 32n) throw new FormatError('deposit event data offset')
  const length = bytesToBigint(data.subarray(32, 64))
  const room = BigInt(data.length - 64)
  if (length > room || length + 32n <= room) throw new FormatError(`deposit event data length ${length} of ${room}`)
  return data.subarray(64, 64 + Number(length))
}
