import { expect, test } from 'vitest'
import { bytesToHex, concatBytes, FormatError, type Hex, hexToBytes, uintBytes } from '../../protocol/bytes.ts'
import { depositFromLog, transactionDepositedTopic, userDeposits, userSourceHash } from '../../protocol/deposits.ts'
import type { Log, Receipt } from '../../protocol/receipt.ts'

const portal: Hex = '0x00000000000000000000000000000000000000aa'
const blockHash: Hex = `0x${'0b'.repeat(32)}`

function opaque(mint: bigint, isCreation: number, data: Uint8Array): Uint8Array {
  return concatBytes(uintBytes(mint, 32), uintBytes(7n, 32), uintBytes(100_000n, 8), Uint8Array.of(isCreation), data)
}

function depositLog(content: Uint8Array, change: Partial<Log> = {}): Log {
  const padded = new Uint8Array(Math.ceil(content.length / 32) * 32)
  padded.set(content)
  const topic = (value: bigint) => uintBytes(value, 32)
  return {
    address: hexToBytes(portal),
    topics: [hexToBytes(transactionDepositedTopic), topic(0x11n), topic(0x22n), topic(0n)],
    data: concatBytes(uintBytes(32n, 32), uintBytes(content.length, 32), padded),
    ...change,
  }
}

function receiptOf(logs: readonly Log[], status: 0 | 1 = 1): Receipt {
  return { type: 2, status, cumulativeGasUsed: 0n, bloom: new Uint8Array(256), logs }
}

test('a deposit carries what the event says, and a creation has no target', () => {
  const call = depositFromLog(depositLog(opaque(5n, 0, Uint8Array.of(1, 2, 3))), hexToBytes(blockHash), 4n)
  expect(call).toMatchObject({
    mint: 5n,
    value: 7n,
    gasLimit: 100_000n,
    isSystemTx: false,
    data: Uint8Array.of(1, 2, 3),
  })
  expect(bytesToHex(call.from)).toBe(`0x${'00'.repeat(19)}11`)
  expect(bytesToHex(call.to ?? new Uint8Array(0))).toBe(`0x${'00'.repeat(19)}22`)
  expect(call.sourceHash).toEqual(userSourceHash(hexToBytes(blockHash), 4n))
  expect(depositFromLog(depositLog(opaque(0n, 1, new Uint8Array(0))), hexToBytes(blockHash), 0n).to).toBeUndefined()
})

test('the log index counts every log of the block, those of failed transactions and of others included', () => {
  const good = depositLog(opaque(0n, 0, new Uint8Array(0)))
  const other = { ...good, address: new Uint8Array(20) }
  const deposits = userDeposits(
    [receiptOf([other, other]), receiptOf([good], 0), receiptOf([other, good])],
    portal,
    blockHash,
  )
  expect(deposits.map((tx) => tx.sourceHash)).toEqual([userSourceHash(hexToBytes(blockHash), 4n)])
})

test('other events of the portal are no deposits, but a malformed deposit stops', () => {
  const other = depositLog(opaque(0n, 0, new Uint8Array(0)), { topics: [new Uint8Array(32)] })
  expect(userDeposits([receiptOf([other, { ...other, topics: [] }])], portal, blockHash)).toEqual([])
  const cut = depositLog(opaque(0n, 0, new Uint8Array(0)).subarray(1))
  expect(() => userDeposits([receiptOf([cut])], portal, blockHash)).toThrow(FormatError)
})

test.each<[string, Log]>([
  ['a mint above 128 bits', depositLog(opaque(1n << 128n, 0, new Uint8Array(0)))],
  [
    'padding longer than a word',
    {
      ...depositLog(opaque(0n, 0, new Uint8Array(0))),
      data: concatBytes(depositLog(opaque(0n, 0, new Uint8Array(0))).data, new Uint8Array(32)),
    },
  ],
  [
    'three topics',
    depositLog(opaque(0n, 0, new Uint8Array(0)), { topics: depositLog(new Uint8Array(80)).topics.slice(0, 3) }),
  ],
  [
    'a sender that is no address',
    depositLog(opaque(0n, 0, new Uint8Array(0)), {
      topics: depositLog(new Uint8Array(80)).topics.with(1, new Uint8Array(32).fill(1)),
    }),
  ],
])('refuses %s', (_name, log) => {
  expect(() => depositFromLog(log, hexToBytes(blockHash), 0n)).toThrow(FormatError)
})
