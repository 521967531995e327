import { FormatError } from './bytes.ts'
import { asObject, optionalUint, uintNumber } from './json-fields.ts'
import type { BlobFeeUpdate } from './rollup-config.ts'

type Json = Readonly<Record<string, unknown>>

/** Forks of L1 that may change the blob fee, oldest first: Cancun began it, `bpoN` are EIP-7892's parameter-only forks. */
const blobForks = ['cancun', 'prague', 'osaka', 'bpo1', 'bpo2', 'bpo3', 'bpo4', 'bpo5'] as const

/**
 * The blob fee schedule in a chain configuration of L1, as geth has it: plain, or below `config` of a genesis file. Fork
 * times count where `blobSchedule` has an entry for them, as in geth. Throws {@link FormatError}.
 */
export function parseL1ChainConfig(json: unknown): {
  readonly chainId: bigint
  readonly blobSchedule: readonly BlobFeeUpdate[]
} {
  const file = asObject(json, 'L1 chain config')
  const config = 'chainId' in file ? file : asObject(file['config'], 'config of the L1 chain config')
  const schedule = asObject(config['blobSchedule'], 'blobSchedule of the L1 chain config')
  const blobSchedule = blobForks.flatMap((fork) => feeUpdate(fork, config, schedule))
  if (blobSchedule.length === 0)
    throw new FormatError('the L1 chain config has no blob fork with a time and a schedule')
  for (const [i, { time }] of blobSchedule.entries()) {
    const before = blobSchedule[i - 1]
    if (before !== undefined && time < before.time)
      throw new FormatError('blob forks of the L1 chain config go back in time')
  }
  return { chainId: uintNumber(config['chainId'], 'chainId of the L1 chain config', 256), blobSchedule }
}

function feeUpdate(fork: (typeof blobForks)[number], config: Json, schedule: Json): BlobFeeUpdate[] {
  const time = optionalUint(config[`${fork}Time`], `${fork}Time`)
  const entry = schedule[fork]
  if (time === undefined || entry === undefined || entry === null) return []
  const what = `blobSchedule.${fork}`
  const fraction = uintNumber(asObject(entry, what)['baseFeeUpdateFraction'], `${what}.baseFeeUpdateFraction`)
  if (fraction === 0n) throw new FormatError(`${what}.baseFeeUpdateFraction must not be 0`)
  return [{ time, fraction }]
}
