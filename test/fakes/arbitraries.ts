import fc from 'fast-check'
import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import type { ExecutionPayload } from '../../protocol/engine-api.ts'
import type { Log, Receipt } from '../../protocol/receipt.ts'
import type { RlpItem } from '../../protocol/rlp.ts'
import type { DepositTx, SignedTx } from '../../protocol/transaction.ts'

/** Generators of protocol values for property tests. */
export const bytesOf = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length })
export const bytesUpTo = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength })
export const hexOf = (length: number): fc.Arbitrary<Hex> => bytesOf(length).map(bytesToHex)
export const uint = (bits: number): fc.Arbitrary<bigint> => fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n })

export const rlpItem: fc.Arbitrary<RlpItem> = fc.letrec<{ item: RlpItem }>((tie) => ({
  item: fc.oneof({ maxDepth: 4 }, bytesUpTo(80), fc.array(tie('item'), { maxLength: 6 })),
})).item

const call = {
  nonce: uint(64),
  gasLimit: uint(64),
  to: fc.option(bytesOf(20), { nil: undefined }),
  value: uint(256),
  data: bytesUpTo(100),
}
const signature = { yParity: fc.constantFrom(0 as const, 1 as const), r: uint(256), s: uint(256) }
const fees = { chainId: uint(64), maxPriorityFeePerGas: uint(256), maxFeePerGas: uint(256) }
const accessList = fc.array(fc.record({ address: bytesOf(20), storageKeys: fc.array(bytesOf(32), { maxLength: 3 }) }), {
  maxLength: 3,
})
const authorizationList = fc.array(
  fc.record({
    chainId: uint(256),
    address: bytesOf(20),
    nonce: uint(64),
    yParity: uint(8),
    r: uint(256),
    s: uint(256),
  }),
  { maxLength: 3 },
)

export const signedTx: fc.Arbitrary<SignedTx> = fc.oneof(
  fc.record({ type: fc.constant(0 as const), ...call, ...signature, gasPrice: uint(256) }),
  fc.record({ type: fc.constant(0 as const), ...call, ...signature, gasPrice: uint(256), chainId: uint(63) }),
  fc.record({
    type: fc.constant(1 as const),
    ...call,
    ...signature,
    chainId: uint(64),
    gasPrice: uint(256),
    accessList,
  }),
  fc.record({ type: fc.constant(2 as const), ...call, ...signature, ...fees, accessList }),
  fc.record({
    type: fc.constant(3 as const),
    ...call,
    to: bytesOf(20),
    ...signature,
    ...fees,
    accessList,
    maxFeePerBlobGas: uint(256),
    blobVersionedHashes: fc.array(bytesOf(32), { maxLength: 3 }),
  }),
  fc.record({
    type: fc.constant(4 as const),
    ...call,
    to: bytesOf(20),
    ...signature,
    ...fees,
    accessList,
    authorizationList,
  }),
)

export const depositTx: fc.Arbitrary<DepositTx> = fc.record({
  type: fc.constant(0x7e as const),
  sourceHash: bytesOf(32),
  from: bytesOf(20),
  to: fc.option(bytesOf(20), { nil: undefined }),
  mint: uint(128),
  value: uint(256),
  gasLimit: uint(64),
  isSystemTx: fc.boolean(),
  data: bytesUpTo(100),
})

export const log: fc.Arbitrary<Log> = fc.record({
  address: bytesOf(20),
  topics: fc.array(bytesOf(32), { maxLength: 4 }),
  data: bytesUpTo(80),
})

export const receipt: fc.Arbitrary<Receipt> = fc
  .record({
    type: fc.constantFrom(0, 1, 2, 3, 4, 0x7e),
    status: fc.constantFrom(0 as const, 1 as const),
    cumulativeGasUsed: uint(64),
    bloom: bytesOf(256),
    logs: fc.array(log, { maxLength: 3 }),
    depositNonce: uint(64),
  })
  .map(({ depositNonce, ...plain }) =>
    plain.type === 0x7e ? { ...plain, depositNonce, depositReceiptVersion: 1n } : plain,
  )

/** A payload of a version: 1 Bedrock, 2 Canyon, 3 Ecotone, 4 Isthmus. */
export const payload = (version: 1 | 2 | 3 | 4): fc.Arbitrary<ExecutionPayload> =>
  fc.record({
    parentHash: hexOf(32),
    feeRecipient: hexOf(20),
    stateRoot: hexOf(32),
    receiptsRoot: hexOf(32),
    logsBloom: bytesOf(256),
    prevRandao: hexOf(32),
    blockNumber: uint(64),
    gasLimit: uint(64),
    gasUsed: uint(64),
    timestamp: uint(64),
    extraData: bytesUpTo(32),
    baseFeePerGas: uint(256),
    blockHash: hexOf(32),
    transactions: fc.array(fc.uint8Array({ minLength: 1, maxLength: 60 }), { maxLength: 5 }),
    ...(version >= 2 ? { withdrawals: fc.constant([] as const) } : {}),
    ...(version >= 3 ? { blobGasUsed: uint(64), excessBlobGas: uint(64) } : {}),
    ...(version >= 4 ? { withdrawalsRoot: hexOf(32) } : {}),
  })
