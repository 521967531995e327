import { join } from 'node:path'
import type { Registry } from 'prom-client'
import type { Clock } from '../../common/clock.ts'
import { HttpRpcClient } from '../../common/json-rpc.ts'
import type { Log } from '../../common/log.ts'
import { type Hex, parseQuantity } from '../../protocol/bytes.ts'
import { noBlobs } from '../tx/kzg.ts'
import type { L2Rpc } from './l2-rpc.ts'
import { Sender } from './sender.ts'

export type AccountOptions = {
  /** What acts for it, for logs and metrics. */
  readonly name: string
  /** `eth_*` of the L2. */
  readonly l2Url: string
  /** 32 bytes. */
  readonly privateKey: Hex
  /** Directory of its process. */
  readonly dataDir: string
}

/** An account on an L2 that is reached by its RPC. */
export type OpenAccount = {
  readonly rpc: L2Rpc
  readonly chainId: bigint
  /** Hash of the chain's first block. */
  readonly genesis: Hex
  readonly sender: Sender
}

const rpcTimeoutMs = 20_000

/** Throws what the RPC and the journal throw. */
export async function openAccount(
  { name, l2Url, privateKey, dataDir }: AccountOptions,
  parts: { readonly clock: Clock; readonly log: Log; readonly registry: Registry },
): Promise<OpenAccount> {
  const rpc = new HttpRpcClient({ url: l2Url, timeoutMs: rpcTimeoutMs })
  const chainId = parseQuantity(await rpc.request('eth_chainId'))
  const { hash: genesis } = (await rpc.request('eth_getBlockByNumber', ['0x0', false])) as { readonly hash: Hex }
  const account = { name, privateKey, chainId, journalDir: join(dataDir, 'transactions') }
  return { rpc, chainId, genesis, sender: await Sender.open(account, { ...parts, rpc, kzg: noBlobs }) }
}
