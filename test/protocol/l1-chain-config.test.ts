import { expect, test } from 'vitest'
import { blobBaseFeeFraction, blobFeeFraction } from '../../protocol/blob-base-fee.ts'
import { parseL1ChainConfig } from '../../protocol/l1-chain-config.ts'

/** As geth writes it for a development chain with parameter-only forks. */
const config = {
  chainId: 900,
  londonBlock: 0,
  cancunTime: 0,
  pragueTime: 0,
  osakaTime: 100,
  bpo1Time: 200,
  bpo2Time: 300,
  blobSchedule: {
    cancun: { target: 3, max: 6, baseFeeUpdateFraction: 3_338_477 },
    prague: { target: 6, max: 9, baseFeeUpdateFraction: 5_007_716 },
    bpo1: { target: 10, max: 15, baseFeeUpdateFraction: 8_346_193 },
    bpo2: null,
  },
}

test.each([
  ['plain', config],
  ['in a genesis file', { config, alloc: {} }],
])('the blob fee schedule of an L1 chain config, %s, holds from its fork times', (_, file) => {
  const { chainId, blobSchedule } = parseL1ChainConfig(file)
  const fraction = (time: bigint) => blobBaseFeeFraction({ l1ChainId: chainId, l1BlobSchedule: blobSchedule }, time)
  expect(chainId).toBe(900n)
  expect([0n, 199n, 200n, 300n].map(fraction)).toEqual([
    blobFeeFraction.prague,
    blobFeeFraction.prague,
    blobFeeFraction.bpo1,
    // A fork without an entry changes nothing.
    blobFeeFraction.bpo1,
  ])
})

test.each([
  ['no schedule', { ...config, blobSchedule: undefined }, 'blobSchedule'],
  ['no fork with a schedule', { chainId: 1, blobSchedule: {} }, 'no blob fork'],
  ['times out of order', { ...config, bpo1Time: 0, pragueTime: 5 }, 'back in time'],
  ['a fraction of zero', { ...config, blobSchedule: { cancun: { baseFeeUpdateFraction: 0 } } }, 'must not be 0'],
  ['text', 'x', 'JSON object'],
])('an L1 chain config with %s is refused', (_, file, message) => {
  expect(() => parseL1ChainConfig(file)).toThrow(message)
})
