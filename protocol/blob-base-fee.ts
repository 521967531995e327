import type { L1BlockInfo } from './l1-block.ts'
import type { BlobFeeUpdate, RollupConfig } from './rollup-config.ts'

/** Blob base fee update fractions of L1's forks (EIP-4844, EIP-7691, EIP-7892). */
export const blobFeeFraction = {
  cancun: 3_338_477n,
  prague: 5_007_716n,
  bpo1: 8_346_193n,
  bpo2: 11_684_671n,
} as const

/** The blob base fee of an L1 block, in wei; 1 where its header has no excess blob gas. */
export function blobBaseFee(
  config: Pick<RollupConfig, 'l1ChainId' | 'pectraBlobScheduleTime' | 'l1BlobSchedule'>,
  l1: Pick<L1BlockInfo, 'timestamp' | 'excessBlobGas'>,
): bigint {
  if (l1.excessBlobGas === undefined) return 1n
  return fakeExponential(1n, l1.excessBlobGas, blobBaseFeeFraction(config, l1.timestamp))
}

/** Whether the blob fees of that L1 are known here: Ethereum mainnet, Sepolia, Holesky and Hoodi. */
export function hasKnownBlobSchedule(l1ChainId: bigint): boolean {
  return knownSchedules.has(l1ChainId)
}

/** The update fraction in force at an L1 timestamp. Spec: protocol/pectra-blob-schedule/derivation.md. */
export function blobBaseFeeFraction(
  config: Pick<RollupConfig, 'l1ChainId' | 'pectraBlobScheduleTime' | 'l1BlobSchedule'>,
  timestamp: bigint,
): bigint {
  const schedule = config.l1BlobSchedule ?? knownSchedules.get(config.l1ChainId) ?? pragueFromGenesis
  const fraction = schedule.findLast((update) => timestamp >= update.time)?.fraction ?? blobFeeFraction.cancun
  const delayed = config.pectraBlobScheduleTime !== undefined && timestamp < config.pectraBlobScheduleTime
  return delayed && fraction === blobFeeFraction.prague ? blobFeeFraction.cancun : fraction
}

/** `factor * e^(numerator / denominator)` by Taylor expansion, rounded as EIP-4844 says. */
export function fakeExponential(factor: bigint, numerator: bigint, denominator: bigint): bigint {
  let sum = 0n
  let term = factor * denominator
  for (let i = 1n; term > 0n; i++) {
    sum += term
    term = (term * numerator) / (denominator * i)
  }
  return sum / denominator
}

/** An L1 nobody listed here is a new development chain: those run Prague's schedule from their first block. */
const pragueFromGenesis: readonly BlobFeeUpdate[] = [{ time: 0n, fraction: blobFeeFraction.prague }]

const knownSchedules: ReadonlyMap<bigint, readonly BlobFeeUpdate[]> = new Map([
  [1n, forkSchedule(1_746_612_311n, 1_765_290_071n, 1_767_747_671n)],
  [11_155_111n, forkSchedule(1_741_159_776n, 1_761_017_184n, 1_761_607_008n)],
  [17_000n, forkSchedule(1_740_434_112n, 1_759_800_000n, 1_760_389_824n)],
  [560_048n, forkSchedule(1_742_999_832n, 1_762_365_720n, 1_762_955_544n)],
])

function forkSchedule(prague: bigint, bpo1: bigint, bpo2: bigint): readonly BlobFeeUpdate[] {
  return [
    { time: prague, fraction: blobFeeFraction.prague },
    { time: bpo1, fraction: blobFeeFraction.bpo1 },
    { time: bpo2, fraction: blobFeeFraction.bpo2 },
  ]
}
