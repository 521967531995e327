import { UsageError } from '../../common/errors.ts'
import { asText } from '../../common/flag-parsers.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { readTrail, type TrailFile } from '../agent/trail-file.ts'
import { asList } from '../worker/lists.ts'
import type { ChainAccess } from './action.ts'
import { idArg } from './arg-kinds.ts'
import { asUint32, asUint64 } from './parsers.ts'

/** Arguments that actions of agents share. */
export const agentArg = idArg('the agent')
export const uriArg = (help: string) => ({ help, value: 'URI', parse: asText })
export const trailFileArg = { help: 'the trail, as agent record wrote it', value: 'FILE', parse: asText }
export const legArg = { help: 'number of the action in the trail, the first is 0', value: 'N', parse: asUint32 }

/** Model ids of `1,7`. */
export const asModels = (text: string): bigint[] => asList(text).map(asUint64)

/** `9.5`, `-32`: a number as ERC-8004 has it, whole with decimals. */
export const asRating = (text: string): { readonly value: bigint; readonly decimals: number } => {
  const parts = /^(-?)(\d{1,38})(?:\.(\d{1,18}))?$/.exec(text)
  if (parts === null) throw new Error('must be a number such as 87, -3.2 or 99.77')
  const [, sign = '', whole = '', fraction = ''] = parts
  return { value: BigInt(`${sign}${whole}${fraction}`), decimals: fraction.length }
}

/** A trail of the chain. Throws {@link UsageError}. */
export function trailOf(path: string, chain: ChainAccess): TrailFile {
  const trail = readTrail(path)
  if (trail.chainId !== chain.chainId) throw new UsageError(`${path} is a trail of chain ${trail.chainId}`)
  return trail
}

/** `r`, `vs` of 64 bytes. */
export function compact(signature: Uint8Array): { readonly r: Hex; readonly vs: Hex } {
  const hex = Buffer.from(signature).toString('hex')
  return { r: `0x${hex.slice(0, 64)}`, vs: `0x${hex.slice(64)}` }
}
