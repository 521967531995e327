import { createWalletClient, defineChain, type Hex, http, type WalletClient } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { devPrivateKeys } from '../../common/dev-keys.ts'
import { loadArtifact } from '../../contracts/artifact.ts'
import type { InteropNet } from './net.ts'
import type { Peer } from './rollup-status.ts'

/** Dev accounts that no role of the chain uses. */
const senderKeys = devPrivateKeys.slice(5, 9)
/** Init code of a contract that returns its own 32 zero bytes: one storage write, one log, then `return(0, 32)`. */
const initCode: Hex = '0x6001600055602a60005260206000a060206000f3'
/** Init code that reverts. */
const revertCode: Hex = '0x60006000fd'

/** Sends transfers, contract creations and reverts to an L2, each account with nonces of its own. */
export class Traffic {
  readonly #wallets: readonly WalletClient[]
  readonly #chainId: number
  #sent = 0

  constructor(net: InteropNet, ethUrl: string) {
    this.#chainId = Number(net.rollupConfig.l2ChainId)
    this.#wallets = senderKeys.map((key) => wallet(key, this.#chainId, ethUrl))
  }

  /** One transaction an account. Resolves to their hashes once the pool has them. */
  async send(): Promise<readonly Hex[]> {
    const kind = this.#sent++ % 3
    return Promise.all(
      this.#wallets.map((sender, i) =>
        sender.sendTransaction({
          account: sender.account ?? null,
          chain: null,
          gas: 200_000n,
          maxFeePerGas: 10_000_000_000n,
          maxPriorityFeePerGas: BigInt(i + 1),
          ...(kind === 0
            ? { to: `0x${(i + 1).toString(16).padStart(40, '0')}` as Hex, value: 1n }
            : { data: kind === 1 ? initCode : revertCode }),
        }),
      ),
    )
  }
}

/** A deposit of no value through the portal on L1: a call of the L1 sender on L2. */
export async function deposit(net: InteropNet, to: Hex, data: Hex): Promise<void> {
  const key = devPrivateKeys[9]
  if (key === undefined) throw new Error('too few development keys')
  const sender = wallet(key, Number(net.rollupConfig.l1ChainId), net.anvil.url)
  await sender.writeContract({
    account: sender.account ?? null,
    chain: null,
    address: net.addresses.optimismPortal,
    abi: loadArtifact('OptimismPortal').abi as never,
    functionName: 'depositTransaction',
    args: [to, 0n, 100_000n, false, data],
  })
}

/** How many of these transactions the peer has in blocks. */
export async function included(peer: Peer, hashes: readonly Hex[]): Promise<number> {
  const receipts = await Promise.all(hashes.map((hash) => peer.eth.request('eth_getTransactionReceipt', [hash])))
  return receipts.filter((receipt) => receipt !== null).length
}

function wallet(key: Hex, chainId: number, url: string): WalletClient {
  const chain = defineChain({
    id: chainId,
    name: 'interop',
    nativeCurrency: { name: 'OPEN', symbol: 'OPEN', decimals: 18 },
    rpcUrls: { default: { http: [url] } },
  })
  return createWalletClient({ account: privateKeyToAccount(key), chain, transport: http(url) })
}
