import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { classifyRefusal } from '../../../chain/tx/send-error.ts'
import { bumpedFees, firstFees } from '../../../chain/tx/tx-fees.ts'
import { calldataGas } from '../../../chain/tx/tx-gas.ts'

const gwei = 1_000_000_000n
const market = { tip: gwei, baseFee: 10n * gwei, blobBaseFee: gwei }

describe('fees', () => {
  test('the cap leaves room for the base fee to double', () => {
    expect(firstFees(market, 'call')).toEqual({ tip: gwei, feeCap: 21n * gwei })
    expect(firstFees(market, 'blob')).toEqual({ tip: gwei, feeCap: 21n * gwei, blobFeeCap: 2n * gwei })
  })

  test('a replacement outbids every fee by what the pools ask', () => {
    const fee = fc.bigInt({ min: 0n, max: 20n * gwei })
    fc.assert(
      fc.property(fee, fee, fee, fc.constantFrom('call' as const, 'blob' as const), (tip, more, blobFeeCap, kind) => {
        const feeCap = tip + more
        const previous = { tip, feeCap, ...(kind === 'blob' ? { blobFeeCap } : {}) }
        const bumped = bumpedFees(previous, market, kind)
        if (bumped === undefined) return
        const least = kind === 'blob' ? 200n : 110n
        expect(bumped.tip * 100n).toBeGreaterThanOrEqual(tip * least)
        expect(bumped.feeCap * 100n).toBeGreaterThanOrEqual(feeCap * least)
        if (kind === 'blob') expect((bumped.blobFeeCap ?? 0n) * 100n).toBeGreaterThanOrEqual(blobFeeCap * least)
        expect(bumped.feeCap).toBeGreaterThanOrEqual(bumped.tip)
      }),
    )
  })

  test('fees stop at five times the market once they are above 100 gwei', () => {
    let fees = firstFees({ ...market, baseFee: 40n * gwei }, 'call')
    for (let next: typeof fees | undefined = fees; next !== undefined; next = bumpedFees(fees, market, 'call'))
      fees = next
    expect(fees.feeCap).toBeLessThanOrEqual(5n * 21n * gwei)
    expect(fees.feeCap).toBeGreaterThan(80n * gwei)
  })
})

test('gas of calldata is the greater of execution price and the EIP-7623 floor', () => {
  expect(calldataGas(new Uint8Array(0))).toBe(21_000n)
  expect(calldataGas(Uint8Array.of(1, 0, 2))).toBe(21_000n + 90n)
  expect(calldataGas(new Uint8Array(100).fill(7))).toBe(21_000n + 4_000n)
})

test.each([
  ['already known', 'known'],
  ['transaction already imported', 'known'],
  ['nonce too low: next nonce 5, tx nonce 4', 'nonce-used'],
  ['replacement transaction underpriced', 'underpriced'],
  ['transaction underpriced: gas tip cap 1, minimum needed 2', 'underpriced'],
  ['max fee per gas less than block base fee: address 0x…', 'underpriced'],
  ['max fee per blob gas less than block blob gas fee', 'underpriced'],
  ['address already reserved', 'reserved'],
  ['insufficient funds for gas * price + value: balance 0', 'insufficient-funds'],
  ['Insufficient funds for gas * price + value', 'insufficient-funds'],
  ['unexpected blob sidecar version 0, expected 1', 'sidecar-version'],
  ['exceeds block gas limit', 'other'],
])('"%s" means %s', (message, kind) => {
  expect(classifyRefusal(`eth_sendRawTransaction: ${message}`)).toBe(kind)
})
