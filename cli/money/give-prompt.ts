import { setTimeout as sleep } from 'node:timers/promises'
import { promptFile } from '../../chain/ledger/request-files.ts'
import { putContent } from '../../common/put-content.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { ChainAccess } from './action.ts'

/** A node takes a prompt when it has seen the block that opened its request. */
const tries = 20
const againMs = 1_000

/** Gives the prompt of a request on chain to nodes that workers ask for it; a line for each node. */
export async function givePrompt(
  promptRoot: Hex,
  tokens: Uint32Array,
  { nodes, chain }: { readonly nodes: readonly string[]; readonly chain: Pick<ChainAccess, 'signal'> },
): Promise<string[]> {
  const file = promptFile(tokens)
  return await Promise.all(
    nodes.map(async (node) => {
      let refused = await putContent(node, promptRoot, file)
      for (let i = 1; i < tries && refused !== undefined; i++) {
        await sleep(againMs, undefined, { signal: chain.signal })
        refused = await putContent(node, promptRoot, file)
      }
      return refused === undefined ? `${node} has the prompt` : `${node} does not take the prompt: ${refused}`
    }),
  )
}
