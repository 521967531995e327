import { eventTopic, type MoneyContract, moneyContracts } from '../../chain/ledger/money-contracts.ts'
import { type Hex, parseQuantity, quantity } from '../../protocol/bytes.ts'
import type { ChainAccess } from './action.ts'
import { decodeLog, type Spoken } from './contracts.ts'

/** Blocks of one question for logs; nodes refuse very many. */
const logBlocks = 5_000n

/** All events of a name, the oldest first; `topics` are those behind the event's own. */
export async function allEvents(
  chain: Pick<ChainAccess, 'request'>,
  contract: MoneyContract,
  name: string,
  topics: readonly (Hex | null)[] = [],
): Promise<Spoken[]> {
  const head = parseQuantity(await chain.request('eth_blockNumber'))
  const found: Spoken[] = []
  for (let from = 0n; from <= head; from += logBlocks) {
    const to = from + logBlocks - 1n < head ? from + logBlocks - 1n : head
    const range = { fromBlock: quantity(from), toBlock: quantity(to) }
    const filter = { address: moneyContracts[contract], topics: [eventTopic(contract, name), ...topics], ...range }
    const logs = (await chain.request('eth_getLogs', [filter])) as { address: Hex; topics: Hex[]; data: Hex }[]
    found.push(...logs.flatMap((log) => decodeLog(log) ?? []))
  }
  return found
}

/** A value as an indexed topic. */
export function topicOf(value: Hex | bigint): Hex {
  const digits = typeof value === 'bigint' ? value.toString(16) : value.slice(2)
  return `0x${digits.padStart(64, '0')}`
}
