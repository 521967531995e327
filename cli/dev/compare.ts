import type { HttpRpcClient } from '../../common/json-rpc.ts'

/** Block hashes asked for at once. */
const chunkBlocks = 200

export type Difference = {
  readonly number: number
  readonly left: string | undefined
  readonly right: string | undefined
}

/** The first block of [from, to] at which two nodes disagree, or undefined. */
export async function firstDifference(
  left: HttpRpcClient,
  right: HttpRpcClient,
  from: number,
  to: number,
): Promise<Difference | undefined> {
  for (let start = from; start <= to; start += chunkBlocks) {
    const numbers = Array.from({ length: Math.min(chunkBlocks, to - start + 1) }, (_, i) => start + i)
    const [a, b] = await Promise.all([blockHashes(left, numbers), blockHashes(right, numbers)])
    for (const [i, number] of numbers.entries()) {
      if (a[i] === undefined || a[i] !== b[i]) return { number, left: a[i], right: b[i] }
    }
  }
  return undefined
}

/** Canonical hashes; undefined where the node has no such block. An RPC error is thrown. */
export async function blockHashes(client: HttpRpcClient, numbers: readonly number[]): Promise<(string | undefined)[]> {
  const answers = await client.batch(
    numbers.map((number) => ({ method: 'eth_getBlockByNumber', params: [`0x${number.toString(16)}`, false] })),
  )
  return answers.map((answer) => {
    if (answer instanceof Error) throw answer
    return (answer as { readonly hash: string } | null)?.hash
  })
}
