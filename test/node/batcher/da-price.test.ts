import { expect, test } from 'vitest'
import { cheaperDa } from '../../../node/batcher/da-price.ts'

const gwei = 1_000_000_000n
const sizes = { bytesPerBlob: 130_044, blobsPerTx: 1, bytesPerCalldataTx: 120_000 }

test.each([
  ['blobs at a low blob fee', { tip: gwei, baseFee: 10n * gwei, blobBaseFee: 1n }, 'blobs'],
  [
    'blobs while their gas costs less than 40 times the gas of calldata',
    { tip: 0n, baseFee: gwei, blobBaseFee: 39n * gwei },
    'blobs',
  ],
  ['calldata once blob gas costs more', { tip: 0n, baseFee: gwei, blobBaseFee: 41n * gwei }, 'calldata'],
] as const)('%s', (_, market, expected) => {
  expect(cheaperDa(market, sizes)).toBe(expected)
})
