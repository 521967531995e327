import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bytesToHex, FormatError, quantity } from '../../protocol/bytes.ts'
import { receiptFromRpc, transactionFromRpc } from '../../protocol/rpc-json.ts'
import { type AccessListEntry, encodeTransaction, type Transaction } from '../../protocol/transaction.ts'
import { depositTx, receipt, signedTx } from '../fakes/arbitraries.ts'

/** What a server answers for a transaction. */
function rpcTransaction(tx: Transaction): Record<string, unknown> {
  const json: Record<string, unknown> = {
    type: quantity(tx.type),
    gas: quantity(tx.gasLimit),
    to: tx.to === undefined ? null : bytesToHex(tx.to),
    value: quantity(tx.value),
    input: bytesToHex(tx.data),
  }
  if (tx.type === 0x7e) {
    return {
      ...json,
      sourceHash: bytesToHex(tx.sourceHash),
      from: bytesToHex(tx.from),
      isSystemTx: tx.isSystemTx,
      ...(tx.mint === 0n ? {} : { mint: quantity(tx.mint) }),
    }
  }
  const signature = { nonce: quantity(tx.nonce), r: quantity(tx.r), s: quantity(tx.s) }
  if (tx.type === 0) {
    const v = tx.chainId === undefined ? 27 + tx.yParity : 35n + 2n * tx.chainId + BigInt(tx.yParity)
    return { ...json, ...signature, gasPrice: quantity(tx.gasPrice), v: quantity(v) }
  }
  const typed = {
    ...json,
    ...signature,
    chainId: quantity(tx.chainId),
    v: quantity(tx.yParity),
    accessList: tx.accessList.map(rpcEntry),
  }
  if (tx.type === 1) return { ...typed, gasPrice: quantity(tx.gasPrice), yParity: quantity(tx.yParity) }
  const fees = { maxFeePerGas: quantity(tx.maxFeePerGas), maxPriorityFeePerGas: quantity(tx.maxPriorityFeePerGas) }
  if (tx.type === 2) return { ...typed, ...fees }
  if (tx.type === 3) {
    return {
      ...typed,
      ...fees,
      maxFeePerBlobGas: quantity(tx.maxFeePerBlobGas),
      blobVersionedHashes: tx.blobVersionedHashes.map(bytesToHex),
    }
  }
  const authorizationList = tx.authorizationList.map((one) => ({
    chainId: quantity(one.chainId),
    address: bytesToHex(one.address),
    nonce: quantity(one.nonce),
    yParity: quantity(one.yParity),
    r: quantity(one.r),
    s: quantity(one.s),
  }))
  return { ...typed, ...fees, authorizationList }
}

function rpcEntry(entry: AccessListEntry) {
  return { address: bytesToHex(entry.address), storageKeys: entry.storageKeys.map(bytesToHex) }
}

test('a transaction of any type reads back to the same envelope', () => {
  fc.assert(
    fc.property(fc.oneof(signedTx, depositTx), (tx) => {
      const read = transactionFromRpc(JSON.parse(JSON.stringify(rpcTransaction(tx))))
      expect(bytesToHex(encodeTransaction(read))).toBe(bytesToHex(encodeTransaction(tx)))
    }),
  )
})

test('a receipt reads back', () => {
  fc.assert(
    fc.property(receipt, (value) => {
      const json = {
        type: quantity(value.type),
        status: quantity(value.status as number),
        cumulativeGasUsed: quantity(value.cumulativeGasUsed),
        logsBloom: bytesToHex(value.bloom),
        logs: value.logs.map((one) => ({
          address: bytesToHex(one.address),
          topics: one.topics.map(bytesToHex),
          data: bytesToHex(one.data),
        })),
        ...(value.depositNonce === undefined
          ? {}
          : { depositNonce: quantity(value.depositNonce), depositReceiptVersion: '0x1' }),
      }
      expect(receiptFromRpc(JSON.parse(JSON.stringify(json)))).toEqual(value)
    }),
  )
})

test.each<[string, Record<string, unknown>]>([
  ['a type of tomorrow', { type: '0x5' }],
  ['a nonce beyond 64 bits', { nonce: '0x10000000000000000' }],
  ['a parity of 2', { v: '0x2', yParity: undefined }],
  ['a target of 19 bytes', { to: `0x${'00'.repeat(19)}` }],
  ['input of odd length', { input: '0x0' }],
  ['no value', { value: undefined }],
  ['a quantity without prefix', { value: '10' }],
])('a transaction with %s is refused', (_name, change) => {
  fc.assert(
    fc.property(signedTx, (tx) => {
      fc.pre(tx.type === 2)
      expect(() => transactionFromRpc({ ...rpcTransaction(tx), ...change })).toThrow(FormatError)
    }),
    { numRuns: 3 },
  )
})

test('what is no object is refused, not believed', () => {
  for (const json of [null, undefined, 7, 'x', []]) {
    expect(() => transactionFromRpc(json)).toThrow(FormatError)
    expect(() => receiptFromRpc(json)).toThrow(FormatError)
  }
})
