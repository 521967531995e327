import { type Hex, parseQuantity, quantity } from '../../protocol/bytes.ts'
import type { L2Rpc } from './l2-rpc.ts'
import { type Decoded, decodeEvent, eventTopic, type MoneyContract, moneyContracts } from './money-contracts.ts'

/** Blocks of one question for logs; nodes refuse very many. */
const logBlocks = 5_000n

/** All events of a name, the oldest first; `topics` are those behind the event's own. Throws what the RPC throws. */
export async function allEvents(
  rpc: L2Rpc,
  contract: MoneyContract,
  name: string,
  topics: readonly (Hex | null)[] = [],
): Promise<{ readonly args: Decoded }[]> {
  const head = parseQuantity(await rpc.request('eth_blockNumber'))
  const found: { args: Decoded }[] = []
  for (let from = 0n; from <= head; from += logBlocks) {
    const to = from + logBlocks - 1n < head ? from + logBlocks - 1n : head
    const range = { fromBlock: quantity(from), toBlock: quantity(to) }
    const filter = { address: moneyContracts[contract], topics: [eventTopic(contract, name), ...topics], ...range }
    const logs = (await rpc.request('eth_getLogs', [filter])) as { topics: Hex[]; data: Hex }[]
    found.push(...logs.flatMap((log) => decodeEvent(contract, log.topics, log.data) ?? []))
  }
  return found
}

/** A value as an indexed topic. */
export function topicOf(value: Hex | bigint): Hex {
  const digits = typeof value === 'bigint' ? value.toString(16) : value.slice(2)
  return `0x${digits.padStart(64, '0')}`
}
