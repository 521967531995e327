import { questionOf } from '../../attribution/answer-file/check-facts.ts'
import { lapsesIn, ruleFacts, ruleSlots } from '../../attribution/answer-file/rule-facts.ts'
import { deadFromSlot } from '../../attribution/answer-file/slots.ts'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import type { Header } from '../../protocol/header.ts'
import { TrieNodes } from '../../protocol/trie-proof.ts'
import type { ChainAccess } from '../money/action.ts'
import { accountNodes } from './account-nodes.ts'

/** Slots asked for at once; nodes prove 1,024 at most. */
const slotsAtOnce = 1_000

/** Trie nodes of a block that show what an answer under algoHash v2 is judged by. Throws what the RPC throws. */
export async function ruleNodes(
  rpc: Pick<ChainAccess, 'request'>,
  block: string,
  { stateRoot }: Pick<Header, 'stateRoot'>,
  ...about: Parameters<typeof questionOf>
): Promise<readonly Uint8Array[]> {
  const question = questionOf(...about)
  const nodes: Uint8Array[] = []
  const lapses = await lapsesAt(rpc, block, question.indexIds)
  for (const [address, slots] of ruleSlots(question, lapses)) {
    for (let i = 0; i === 0 || i < slots.length; i += slotsAtOnce) {
      const found = await accountNodes(rpc, address, slots.slice(i, i + slotsAtOnce), block)
      nodes.push(...found.account, ...found.slots.flat())
    }
  }
  const tries = new TrieNodes(nodes)
  ruleFacts(stateRoot, tries, question)
  return tries.needed
}

/** How often each index had been dead and come back. */
async function lapsesAt(
  rpc: Pick<ChainAccess, 'request'>,
  block: string,
  ids: readonly Hex[],
): Promise<ReadonlyMap<Hex, number>> {
  const slots = ids.map((id) => bytesToHex(deadFromSlot(id)))
  const { storageProof } = (await rpc.request('eth_getProof', [openLedgerPredeploys.indexRegistry, slots, block])) as {
    readonly storageProof: readonly { readonly value: Hex }[]
  }
  return new Map(ids.map((id, i) => [id, lapsesIn(BigInt(storageProof[i]?.value ?? 0))]))
}
