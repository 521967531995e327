import { RpcServer } from '../../common/json-rpc-server.ts'
import { silentLog } from '../../common/log.ts'
import type { DeployConfig } from '../../genesis/deploy-config.ts'
import { LedgerChain } from './ledger-chain.ts'

/** Methods that a user of the chain calls. */
const served = [
  'eth_blockNumber',
  'eth_call',
  'eth_chainId',
  'eth_estimateGas',
  'eth_getBalance',
  'eth_getBlockByNumber',
  'eth_getBlockReceipts',
  'eth_getCode',
  'eth_getLogs',
  'eth_getTransactionByHash',
  'eth_getTransactionCount',
  'eth_getTransactionReceipt',
  'eth_maxPriorityFeePerGas',
  'eth_simulateV1',
] as const

/** A chain behind JSON-RPC over HTTP; whatever is sent is mined at once, in a block of its own. */
export class ServedChain {
  readonly chain: LedgerChain
  readonly url: string
  readonly #server: RpcServer

  private constructor(chain: LedgerChain, server: RpcServer, port: number) {
    this.chain = chain
    this.#server = server
    this.url = `http://127.0.0.1:${port}`
  }

  static async open(change?: Partial<DeployConfig>): Promise<ServedChain> {
    const chain = await LedgerChain.open(change)
    const methods = {
      ...Object.fromEntries(
        served.map((name) => [name, (params: readonly unknown[]) => chain.rpc.request(name, params)]),
      ),
      eth_sendRawTransaction: async (params: readonly unknown[]) => {
        const hash = await chain.rpc.request('eth_sendRawTransaction', params)
        await chain.mine()
        return hash
      },
    }
    const server = new RpcServer({ host: '127.0.0.1', port: 0 }, { methods, log: silentLog })
    return new ServedChain(chain, server, await server.start())
  }

  async close(): Promise<void> {
    await this.#server.stop()
    await this.chain.close()
  }
}
