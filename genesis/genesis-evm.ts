import { createCustomCommon, Hardfork, Mainnet } from '@ethereumjs/common'
import { createEVM, type EVM, type EVMResult } from '@ethereumjs/evm'
import { Address } from '@ethereumjs/util'
import { type Abi, decodeErrorResult, decodeFunctionResult, encodeDeployData, encodeFunctionData } from 'viem'
import { predeploys } from '../contracts/addresses.ts'
import { bytesToHex, concatBytes, type Hex, hexToBytes } from '../protocol/bytes.ts'
import { keccak256 } from '../protocol/keccak.ts'
import { GenesisError } from './genesis-error.ts'
import { MemoryState } from './memory-state.ts'

/** A contract to call: its interface and where it stands. */
export type Target = { readonly abi: readonly unknown[]; readonly address: Hex }

/** A call's options; the caller is the zero address and no value is sent unless said. `gas` is for execution alone. */
export type CallOptions = {
  readonly from?: Hex
  readonly value?: bigint
  readonly origin?: Hex
  readonly gas?: bigint
}

/** A call that reverted. */
export class RevertError extends Error {
  override name = 'RevertError'
  readonly data: Uint8Array

  constructor(message: string, data: Uint8Array) {
    super(message)
    this.data = data
  }
}

/** Runs constructors and functions on a {@link MemoryState} with the rules of the L2's first block. */
export class GenesisEvm {
  readonly state: MemoryState
  /** Seconds; what contracts see as block.timestamp. */
  timestamp: bigint
  blockNumber = 0n
  baseFee = 1_000_000_000n
  /** 32 bytes. */
  prevRandao: Uint8Array = new Uint8Array(32)
  readonly #evm: EVM

  static async create(chainId: bigint, timestamp: bigint): Promise<GenesisEvm> {
    const state = new MemoryState()
    const common = createCustomCommon({ chainId: Number(chainId) }, Mainnet, {
      hardfork: Hardfork.Prague,
      customCrypto: { keccak256 },
    })
    return new GenesisEvm(state, await createEVM({ common, stateManager: state }), timestamp)
  }

  constructor(state: MemoryState, evm: EVM, timestamp: bigint) {
    this.state = state
    this.#evm = evm
    this.timestamp = timestamp
  }

  /** Executes creation code as if at `address` and returns the runtime code it makes; its storage stays there. */
  async construct(
    address: Hex,
    abi: readonly unknown[],
    creationCode: Uint8Array,
    args: readonly unknown[] = [],
    from: Hex = zero,
  ): Promise<Uint8Array> {
    const code = hexToBytes(encodeDeployData({ abi: abi as Abi, bytecode: bytesToHex(creationCode), args }))
    const { execResult } = await this.#run(address, { from }, { code })
    if (execResult.exceptionError !== undefined) {
      throw new GenesisError('bytecode', `constructor at ${address} failed: ${execResult.exceptionError.error}`)
    }
    return execResult.returnValue
  }

  /** Puts the contract that `creationCode` makes at `address`. */
  async place(
    address: Hex,
    abi: readonly unknown[],
    creationCode: Uint8Array,
    args: readonly unknown[] = [],
    from: Hex = zero,
  ): Promise<void> {
    const code = await this.construct(address, abi, creationCode, args, from)
    this.state.account(address).code = code
  }

  /** Calls a function, keeps what it changes and returns what it returns; throws {@link RevertError} where it fails. */
  async call(
    target: Target,
    functionName: string,
    args: readonly unknown[] = [],
    options: CallOptions = {},
  ): Promise<unknown> {
    const abi = target.abi as Abi
    const data = hexToBytes(encodeFunctionData({ abi, functionName, args }))
    const result = await this.send(target.address, data, options)
    if (result.execResult.exceptionError !== undefined) {
      throw new RevertError(reason(abi, functionName, result), result.execResult.returnValue)
    }
    return decodeFunctionResult({ abi, functionName, data: bytesToHex(result.execResult.returnValue) })
  }

  /** A raw call as the first of a transaction: access lists and transient state start empty. */
  async send(to: Hex, data: Uint8Array, options: CallOptions): Promise<EVMResult> {
    return await this.#run(to, options, { data })
  }

  /** Runs the code at `to`, or the one given in its place. */
  async #run(
    to: Hex,
    { from = zero, value = 0n, origin = from, gas = gasLimit }: CallOptions,
    input: { readonly data: Uint8Array } | { readonly code: Uint8Array },
  ): Promise<EVMResult> {
    const { journal, transientStorage } = this.#evm
    await journal.checkpoint()
    for (const address of [to, from, coinbase, ...standardPrecompiles]) journal.addAlwaysWarmAddress(address.slice(2))
    const result = await this.#evm.runCall({
      caller: addressOf(from),
      origin: addressOf(origin),
      to: addressOf(to),
      value,
      ...input,
      gasLimit: gas,
      // A genesis step is no transaction of its caller.
      skipNonceIncrement: true,
      block: this.#block(),
    })
    const { selfdestruct, createdAddresses } = result.execResult
    for (const address of selfdestruct?.keys() ?? []) {
      // EIP-6780: only what this transaction created goes.
      if (createdAddresses?.has(address) === true) this.state.accounts.delete(address)
    }
    await journal.commit()
    journal.cleanJournal()
    transientStorage.clear()
    this.state.originalStorageCache.clear()
    return result
  }

  #block() {
    return {
      header: {
        number: this.blockNumber,
        coinbase: addressOf(coinbase),
        timestamp: this.timestamp,
        difficulty: 0n,
        prevRandao: this.prevRandao,
        gasLimit,
        baseFeePerGas: this.baseFee,
        getBlobGasPrice: () => 1n,
      },
    }
  }
}

const zero: Hex = `0x${'00'.repeat(20)}`
const coinbase = predeploys.sequencerFeeVault
/** Warm from the start, like sender, recipient and coinbase (EIP-2929, EIP-3651): up to Prague's 0x11. */
const standardPrecompiles = Array.from({ length: 0x11 }, (_, i): Hex => `0x${(i + 1).toString(16).padStart(40, '0')}`)
/** No genesis step comes near it; it only has to end. */
const gasLimit = 100_000_000n

function addressOf(hex: Hex): Address {
  return new Address(hexToBytes(hex))
}

function reason(abi: Abi, functionName: string, { execResult }: EVMResult): string {
  const data = execResult.returnValue
  const what = `${functionName} failed: ${execResult.exceptionError?.error ?? ''}`
  if (data.length < 4) return what
  try {
    const { errorName, args } = decodeErrorResult({ abi, data: bytesToHex(data) })
    return `${what}: ${errorName}(${(args ?? []).join(', ')})`
  } catch {
    return `${what}: ${bytesToHex(concatBytes(data.subarray(0, 100)))}`
  }
}
