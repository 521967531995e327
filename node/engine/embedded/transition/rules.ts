import { type ForkTimes, isActive } from '../../../../protocol/hardforks.ts'

/** Forks that change execution, as they stand at one block's time. */
export type Rules = {
  readonly regolith: boolean
  readonly canyon: boolean
  readonly ecotone: boolean
  readonly fjord: boolean
  readonly granite: boolean
  readonly holocene: boolean
  readonly isthmus: boolean
  readonly jovian: boolean
  readonly karst: boolean
}

export function rulesAt(times: ForkTimes, timestamp: bigint): Rules {
  return {
    regolith: isActive(times, 'regolith', timestamp),
    canyon: isActive(times, 'canyon', timestamp),
    ecotone: isActive(times, 'ecotone', timestamp),
    fjord: isActive(times, 'fjord', timestamp),
    granite: isActive(times, 'granite', timestamp),
    holocene: isActive(times, 'holocene', timestamp),
    isthmus: isActive(times, 'isthmus', timestamp),
    jovian: isActive(times, 'jovian', timestamp),
    karst: isActive(times, 'karst', timestamp),
  }
}
