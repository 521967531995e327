import { callContract, readHead } from '../../chain/ledger/l2-calls.ts'
import { encodeCall, type MoneyContract } from '../../chain/ledger/money-contracts.ts'
import { Account } from '../../cli/dev/account.ts'
import { systemClock } from '../../common/clock.ts'
import { devPrivateKeys } from '../../common/dev-keys.ts'
import type { RpcClient } from '../../common/json-rpc.ts'
import { bytesToHex, concatBytes, hexToBytes, uintBytes } from '../../protocol/bytes.ts'
import { privateKeyAddress, signDigest } from '../../protocol/secp256k1.ts'
import type { AccountName } from './ledger-chain.ts'
import type { MarketChain } from './ledger-market.ts'
import type { Actor } from './money-chain.ts'

/** Which public development key stands for whom; the first six have roles of the chain. */
const keys = { 'model owner': 6, worker: 7, alice: 8, 'datanet owner': 9 } as const

/** A dev chain behind JSON-RPC, whose blocks come by themselves. */
export class RemoteMarketChain implements MarketChain {
  readonly #rpc: () => RpcClient
  /** Of the last block that was looked at: a chain that was just begun is behind the clock. */
  now: bigint

  private constructor(rpc: () => RpcClient, now: bigint) {
    this.#rpc = rpc
    this.now = now
  }

  /** `rpc`: of the node that runs now. */
  static async open(rpc: () => RpcClient): Promise<RemoteMarketChain> {
    return new RemoteMarketChain(rpc, (await readHead(rpc(), 'latest'))?.time ?? 0n)
  }

  actor(name: AccountName): Actor {
    const key = hexToBytes(keyOf(name))
    const sign = (digest: Uint8Array) => {
      const { rs, yParity } = signDigest(digest, key)
      const vs = uintBytes(BigInt(bytesToHex(rs.subarray(32))) | (BigInt(yParity) << 255n), 32)
      const r = rs.slice(0, 32)
      return { r: bytesToHex(r), vs: bytesToHex(vs), bytes: concatBytes(r, vs) }
    }
    return { address: bytesToHex(privateKeyAddress(key)), sign }
  }

  async send(
    from: Actor,
    contract: MoneyContract,
    functionName: string,
    args: readonly unknown[] = [],
    { value = 0n }: { readonly value?: bigint } = {},
  ): Promise<{ readonly result: unknown }> {
    const name = (Object.keys(keys) as (keyof typeof keys)[]).find(
      (known) => this.actor(known).address === from.address,
    )
    if (name === undefined) throw new Error(`nobody has the key of ${from.address}`)
    const rpc = this.#rpc()
    const call = { contract, functionName, args, value }
    const result = await callContract(rpc, call, from.address)
    const parts = { rpc, clock: systemClock, signal: new AbortController().signal }
    const { to, data } = encodeCall(call)
    await new Account({ privateKey: keyOf(name), chainId: 901n }, parts).send([{ to, data: hexToBytes(data), value }])
    this.now = (await readHead(rpc, 'latest'))?.time ?? this.now
    return { result }
  }
}

function keyOf(name: AccountName) {
  if (!(name in keys)) throw new Error(`nobody is ${name} here`)
  return devPrivateKeys[keys[name as keyof typeof keys]]
}
