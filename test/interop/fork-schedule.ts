import type { ForkTimes, Hardfork } from '../../protocol/hardforks.ts'
import { hardforks, isActive } from '../../protocol/hardforks.ts'

/** Forks with a time in op-geth's genesis file; op-geth ends at Jovian, and Delta does not change execution. */
export const genesisForks = hardforks.filter((fork) => !['bedrock', 'delta', 'karst'].includes(fork)) as Exclude<
  Hardfork,
  'bedrock' | 'delta' | 'karst'
>[]

/** A genesis file of ours, which has every fork at genesis, with these times instead. */
export function withForks(genesis: Record<string, unknown>, times: ForkTimes): Record<string, unknown> {
  const at = (fork: (typeof genesisForks)[number]) => (times[fork] === undefined ? undefined : Number(times[fork]))
  const config = {
    ...(genesis['config'] as Record<string, unknown>),
    ...Object.fromEntries(genesisForks.map((fork) => [`${fork}Time`, at(fork)])),
    shanghaiTime: at('canyon'),
    cancunTime: at('ecotone'),
    pragueTime: at('isthmus'),
  }
  const start = BigInt(String(genesis['timestamp']))
  const extraData = isActive(times, 'jovian', start)
    ? genesis['extraData']
    : isActive(times, 'holocene', start)
      ? '0x000000003200000006'
      : '0x'
  // op-geth would put them into a header that has no place for them.
  const blobFields = isActive(times, 'ecotone', start) ? {} : { excessBlobGas: undefined, blobGasUsed: undefined }
  return JSON.parse(JSON.stringify({ ...genesis, ...blobFields, config, extraData })) as Record<string, unknown>
}
