import { expect, test } from 'vitest'
import { concatBytes, hexToBytes, uintBytes, zeroHash } from '../../protocol/bytes.ts'
import { encodeFeeScalars } from '../../protocol/l1-info.ts'
import type { Log, Receipt } from '../../protocol/receipt.ts'
import { applySystemConfigUpdates, configUpdateTopic } from '../../protocol/system-config-updates.ts'
import { testRollupConfig, testSystemConfig } from '../fakes/rollup-config.ts'

const config = testRollupConfig({ forkTimes: { regolith: 0n, canyon: 0n, delta: 0n, ecotone: 100n } })

function update(type: number, ...words: readonly (bigint | Uint8Array)[]): Log {
  const payload = concatBytes(...words.map((word) => (typeof word === 'bigint' ? uintBytes(word, 32) : word)))
  return {
    address: hexToBytes(config.l1SystemConfigAddress),
    topics: [hexToBytes(configUpdateTopic), new Uint8Array(32), uintBytes(type, 32)],
    data: concatBytes(uintBytes(32n, 32), uintBytes(payload.length, 32), payload),
  }
}

function apply(logs: readonly Log[], l1Time = 200n, status: 0 | 1 = 1) {
  const receipt: Receipt = { type: 2, status, cumulativeGasUsed: 0n, bloom: new Uint8Array(256), logs }
  let malformed = 0
  const updated = applySystemConfigUpdates(testSystemConfig, [receipt], config, l1Time, () => malformed++)
  return { updated, malformed }
}

test('updates of a block apply in log order, a malformed one between them changes nothing', () => {
  const { updated, malformed } = apply([
    update(2, 1n),
    update(2, 1n << 64n),
    update(9, 1n),
    update(2, 3n),
    update(0, 0xabn),
  ])
  expect(malformed).toBe(2)
  expect(updated).toEqual({ ...testSystemConfig, gasLimit: 3n, batcherAddr: `0x${'00'.repeat(19)}ab` })
})

test('fees: overhead is kept before Ecotone and dropped from it on', () => {
  const scalar = encodeFeeScalars({ baseFeeScalar: 3, blobBaseFeeScalar: 4 })
  const log = update(1, 0x11n, hexToBytes(scalar))
  expect(apply([log], 99n).updated).toMatchObject({ overhead: `0x${'00'.repeat(31)}11`, scalar })
  expect(apply([log], 100n).updated).toMatchObject({ overhead: zeroHash, scalar })
})

test('from Ecotone a scalar of unknown version or with padding is ignored', () => {
  for (const scalar of [`0x02${'00'.repeat(31)}`, `0x0001${'00'.repeat(30)}`, `0x0101${'00'.repeat(30)}`]) {
    const log = update(1, 0n, hexToBytes(scalar))
    expect(apply([log], 100n)).toEqual({ updated: testSystemConfig, malformed: 1 })
    expect(apply([log], 99n).updated.scalar).toBe(scalar)
  }
})

test('each parameter has its field', () => {
  expect(apply([update(4, (250n << 32n) | 6n)]).updated.eip1559Params).toBe('0x000000fa00000006')
  expect(apply([update(5, (7n << 64n) | 8n)]).updated.operatorFeeParams).toBe(
    `0x${'00'.repeat(20)}00000007${'00'.repeat(7)}08`,
  )
  expect(apply([update(6, 9n)]).updated.minBaseFee).toBe(9n)
  expect(apply([update(7, 10n)]).updated.daFootprintGasScalar).toBe(10)
  expect(apply([update(3, 11n)])).toEqual({ updated: testSystemConfig, malformed: 0 })
})

test('EIP-1559 parameters of which one alone is zero are ignored, both zero are not', () => {
  for (const value of [6n, 250n << 32n]) {
    expect(apply([update(4, value)])).toEqual({ updated: testSystemConfig, malformed: 1 })
  }
  const reset = apply([update(4, (250n << 32n) | 6n), update(4, 0n)])
  expect([reset.malformed, reset.updated.eip1559Params]).toEqual([0, '0x0000000000000000'])
})

test('failed transactions and other contracts update nothing', () => {
  expect(apply([update(2, 1n)], 200n, 0).updated).toEqual(testSystemConfig)
  expect(apply([{ ...update(2, 1n), address: new Uint8Array(20) }]).updated).toEqual(testSystemConfig)
})
