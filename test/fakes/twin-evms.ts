import { createCustomCommon, Hardfork, Mainnet } from '@ethereumjs/common'
import { type CustomPrecompile, createEVM, type EVM } from '@ethereumjs/evm'
import { Address } from '@ethereumjs/util'
import { loadArtifact } from '../../contracts/artifact.ts'
import { MemoryState } from '../../genesis/memory-state.ts'
import { followMessages, nativePrecompiles } from '../../precompiles-sim/evm-adapter.ts'
import { precompiles } from '../../precompiles-sim/table.ts'
import { emptyBytes, type Hex, hexToBytes, zeroAddress } from '../../protocol/bytes.ts'
import { keccak256 } from '../../protocol/keccak.ts'

/** A call to compare. */
export type TwinCall = {
  readonly to: Hex
  readonly data: Uint8Array
  readonly caller?: Hex
  readonly value?: bigint
  readonly isStatic?: boolean
  readonly gasLimit?: bigint
}

/** How a call ended: its data, what went wrong if anything, gas before refunds, refund. */
export type TwinResult = {
  readonly output: Uint8Array
  readonly error: string | undefined
  readonly gas: bigint
  readonly refund: bigint
}

/** Two EVMs with the precompiles' bytecode in their state; one runs it, the other has them native. */
export class TwinEvms {
  readonly #bytecode: EVM
  readonly #native: EVM

  static async create(): Promise<TwinEvms> {
    return new TwinEvms(await evmWith([]), await evmWith(nativePrecompiles))
  }

  constructor(bytecode: EVM, native: EVM) {
    this.#bytecode = bytecode
    this.#native = native
    followMessages(native)
  }

  /** Runs calls as one transaction on both. */
  async transaction(calls: readonly TwinCall[]): Promise<{ bytecode: TwinResult; native: TwinResult }[]> {
    const bytecode = await runAll(this.#bytecode, calls)
    const native = await runAll(this.#native, calls)
    return bytecode.flatMap((result, i) => {
      const twin = native[i]
      return twin === undefined ? [] : [{ bytecode: result, native: twin }]
    })
  }

  async call(call: TwinCall): Promise<{ bytecode: TwinResult; native: TwinResult }> {
    const [result] = await this.transaction([call])
    if (result === undefined) throw new Error('one call has one result')
    return result
  }
}

async function evmWith(customPrecompiles: readonly CustomPrecompile[]): Promise<EVM> {
  const state = new MemoryState()
  for (const { name, address } of precompiles) {
    state.account(address).code = hexToBytes(loadArtifact(name).deployedBytecode)
  }
  const common = createCustomCommon({ chainId: 901 }, Mainnet, {
    hardfork: Hardfork.Prague,
    customCrypto: { keccak256 },
  })
  return await createEVM({ common, stateManager: state, customPrecompiles: [...customPrecompiles] })
}

async function runAll(evm: EVM, calls: readonly TwinCall[]): Promise<TwinResult[]> {
  const results: TwinResult[] = []
  for (const { to, data, caller = zeroAddress, value = 0n, isStatic = false, gasLimit } of calls) {
    const { execResult } = await evm.runCall({
      to: addressOf(to),
      caller: addressOf(caller),
      data,
      value,
      isStatic,
      gasLimit: gasLimit ?? 50_000_000n,
      // Neither the caller's nonce nor its balance is the matter here; depth 1 keeps the transaction open.
      skipBalance: true,
      depth: 1,
    })
    results.push({
      output: execResult.returnValue ?? emptyBytes,
      error: execResult.exceptionError?.error,
      gas: execResult.executionGasUsed,
      refund: execResult.gasRefund ?? 0n,
    })
  }
  await evm.journal.cleanup()
  evm.transientStorage.clear()
  evm.stateManager.originalStorageCache.clear()
  return results
}

function addressOf(hex: Hex): Address {
  return new Address(hexToBytes(hex))
}
