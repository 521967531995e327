import type { ChainAccess } from './action.ts'
import type { When } from './parsers.ts'

/** Unix seconds, by the clock of the chain. */
export async function atTime(when: When, chain: Pick<ChainAccess, 'now'>): Promise<bigint> {
  return 'atSeconds' in when ? when.atSeconds : (await chain.now()) + when.afterSeconds
}
