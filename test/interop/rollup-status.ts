import { HttpRpcClient } from '../../common/json-rpc.ts'

type Ref = { readonly number: number; readonly hash: string }
/** What every rollup node answers to `optimism_syncStatus`. */
export type Status = Readonly<Record<'unsafe_l2' | 'safe_l2' | 'finalized_l2' | 'current_l1' | 'head_l1', Ref>>

/** A rollup node and its engine as a test looks at them, whosever they are. */
export type Peer = { readonly name: string; readonly rollup: HttpRpcClient; readonly eth: HttpRpcClient }

export function rpcClient(port: number): HttpRpcClient {
  return new HttpRpcClient({ url: `http://127.0.0.1:${port}`, timeoutMs: 20_000 })
}

export const statusOf = async (peer: Peer) => (await peer.rollup.request('optimism_syncStatus')) as Status

/** Waits until the peer's heads are as wanted; rejects with what they are. Errors count as not yet. */
export async function until(
  peer: Peer,
  isTrue: (status: Status) => boolean,
  what: string,
  msMax = 120_000,
): Promise<Status> {
  const end = Date.now() + msMax
  for (let last: unknown; ; ) {
    try {
      const status = await statusOf(peer)
      if (isTrue(status)) return status
      const { unsafe_l2, safe_l2, current_l1, head_l1 } = status
      last = `unsafe ${unsafe_l2.number}, safe ${safe_l2.number}, L1 ${current_l1.number} of ${head_l1.number}`
    } catch (error) {
      last = error
    }
    if (Date.now() > end) throw new Error(`${peer.name}: ${what}, not within ${msMax / 1000} s: ${String(last)}`)
    await new Promise((done) => setTimeout(done, 200))
  }
}

/** Hashes of blocks `from` to `to` at most, 100 a request. */
export async function blockHashes(peer: Peer, from: number, to: number): Promise<readonly string[]> {
  const hashes: string[] = []
  for (let first = from; first <= to; first += 100) {
    const numbers = Array.from({ length: Math.min(100, to - first + 1) }, (_, i) => first + i)
    const blocks = await Promise.all(
      numbers.map((number) => peer.eth.request('eth_getBlockByNumber', [`0x${number.toString(16)}`, false])),
    )
    hashes.push(...blocks.map((block) => (block as { readonly hash?: string } | null)?.hash ?? 'absent'))
  }
  return hashes
}
