import type { Hex } from '../../protocol/bytes.ts'
import type { ChainAccess } from './action.ts'
import { RefusedError } from './refused.ts'

/** What a Datanet asks of who contributes; zeros where it asks for nothing. Throws RefusedError where there is no such Datanet. */
export async function gateOf(datanet: bigint, chain: ChainAccess) {
  const known = (await chain.read('DatanetRegistry', 'datanetCount')) as bigint
  if (datanet === 0n || datanet > known) throw new RefusedError(`there is no Datanet ${datanet}`)
  const gate = (await chain.read('DatanetAccess', 'gates', [datanet])) as readonly [Hex, Hex, number]
  const [schema, attester, leastReputation] = gate
  return { schema, attester, leastReputation }
}
