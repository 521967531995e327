import { decodeResult, encodeCall, type MoneyContract, moneyContracts } from '../../chain/ledger/money-contracts.ts'
import { devPrivateKeys } from '../../common/dev-keys.ts'
import { UsageError } from '../../common/errors.ts'
import { HttpRpcClient, RpcError, rpcCodes } from '../../common/json-rpc.ts'
import { loadSigningKey } from '../../common/signing-key.ts'
import { bytesToHex, type Hex, hexToBytes, parseQuantity } from '../../protocol/bytes.ts'
import { signCompact } from '../../protocol/compact-signature.ts'
import { privateKeyAddress } from '../../protocol/secp256k1.ts'
import type { CommandContext } from '../command.ts'
import { allowsDevKeys } from '../dev-chains.ts'
import type { ChainAccess } from './action.ts'
import { decodeError } from './contracts.ts'
import { RefusedError } from './refused.ts'
import { errorWords } from './words.ts'

const rpcTimeoutMs = 20_000

export type Call = { readonly from: Hex; readonly to: Hex; readonly data: Hex; readonly value: bigint }

/** The L2 behind `--rpc`, as one user sees it. */
export class Chain implements ChainAccess {
  readonly chainId: bigint
  readonly note: (text: string) => void
  readonly signal: AbortSignal
  readonly #rpc: HttpRpcClient
  readonly #from: Hex | undefined
  readonly #key: Uint8Array | undefined

  private constructor(parts: {
    readonly rpc: HttpRpcClient
    readonly chainId: bigint
    readonly from: Hex | undefined
    readonly key: Uint8Array | undefined
    readonly context: CommandContext
  }) {
    this.chainId = parts.chainId
    this.#rpc = parts.rpc
    this.#from = parts.from
    this.#key = parts.key
    this.signal = parts.context.signal
    this.note = parts.context.note ?? ((text) => void process.stderr.write(`${text}\n`))
  }

  /** Throws UsageError for a key that cannot be used here, TransportError where nobody answers. */
  static async open(context: CommandContext): Promise<Chain> {
    const { flags } = context
    const rpc = new HttpRpcClient({ url: String(flags['rpc']), timeoutMs: rpcTimeoutMs, signal: context.signal })
    const chainId = parseQuantity(await rpc.request('eth_chainId'))
    const key = await readKey(flags, chainId)
    const from = flags['from'] as Hex | undefined
    const own = key && bytesToHex(privateKeyAddress(key))
    if (own !== undefined && from !== undefined && own !== from) {
      throw new UsageError(`--from ${from} is not the account of the key, ${own}`)
    }
    return new Chain({ rpc, chainId, from: own ?? from, key, context })
  }

  readonly sender = (): Hex => {
    if (this.#from === undefined) {
      throw new UsageError('whose account? Set OPENLEDGER_PRIVATE_KEY, or give --keystore or --dev-account')
    }
    return this.#from
  }

  readonly sign = (digest: Uint8Array): Uint8Array => signCompact(digest, this.key())

  key(): Uint8Array {
    if (this.#key === undefined) {
      throw new UsageError(
        'nothing signs without a key: set OPENLEDGER_PRIVATE_KEY, or give --keystore or --dev-account',
      )
    }
    return this.#key
  }

  readonly request = (method: string, params: readonly unknown[] = []): Promise<unknown> =>
    this.#rpc.request(method, params)

  /** Throws UsageError where the chain has no such contract. */
  async requireContract(contract: MoneyContract): Promise<void> {
    const code = await this.request('eth_getCode', [moneyContracts[contract], 'latest'])
    if (code === '0x') throw this.#without(contract)
  }

  readonly read = async (
    contract: MoneyContract,
    functionName: string,
    args: readonly unknown[] = [],
  ): Promise<unknown> => {
    const data = (await this.call(encodeCall({ contract, functionName, args }), contract)) as Hex
    if (data === '0x') throw this.#without(contract)
    return decodeResult(contract, functionName, data)
  }

  readonly now = async (): Promise<bigint> => {
    const block = (await this.request('eth_getBlockByNumber', ['latest', false])) as { timestamp: Hex }
    return parseQuantity(block.timestamp)
  }

  #without(contract: MoneyContract): UsageError {
    return new UsageError(`the chain ${this.chainId} has no ${contract}: is --rpc an OpenLedger L2?`)
  }

  /** `eth_call`. Throws {@link RefusedError} where the contract does. */
  async call(call: object, contract: string, block: string = 'latest'): Promise<unknown> {
    try {
      return await this.request('eth_call', [call, block])
    } catch (error) {
      throw refused(error, contract)
    }
  }
}

/** A revert as a {@link RefusedError}; anything else as it is. */
export function refused(error: unknown, contract: string): unknown {
  if (!(error instanceof RpcError)) return error
  const data = error.data
  if (typeof data === 'string' && data.length >= 10) {
    const reason = decodeError(data as Hex, contract)
    return new RefusedError(reason === undefined ? `${contract} reverted with ${data}` : errorWords(reason), reason)
  }
  return error.code === rpcCodes.reverted ? new RefusedError(`${contract} reverted without a reason`) : error
}

/** Whose key signs, by `keyFlags`; undefined where none is given. Throws UsageError. */
export async function readKey(flags: CommandContext['flags'], chainId: bigint): Promise<Uint8Array | undefined> {
  const given = (name: string) => flags[name] as string | undefined
  const allowDevKeys = allowsDevKeys(chainId)
  const devAccount = flags['dev-account'] as number | undefined
  const [privateKey, keystorePath] = [given('private-key'), given('keystore')]
  if (devAccount !== undefined) {
    if (privateKey !== undefined || keystorePath !== undefined) throw new UsageError('--dev-account and another key')
    const key = devPrivateKeys[devAccount]
    if (key === undefined)
      throw new UsageError(`--dev-account ${devAccount}: there are 0 to ${devPrivateKeys.length - 1}`)
    if (!allowDevKeys)
      throw new UsageError(`--dev-account is refused on chain ${chainId}: anyone can spend what it holds`)
    return hexToBytes(key)
  }
  if (privateKey === undefined && keystorePath === undefined) return undefined
  const [password, passwordFile] = [given('keystore-password'), given('keystore-password-file')]
  const source = { purpose: 'signing', privateKey, keystorePath, password, passwordFile, allowDevKeys }
  return hexToBytes(await loadSigningKey(source))
}
