import { type CustomPrecompile, type EVM, EVMError, type ExecResult, type PrecompileInput } from '@ethereumjs/evm'
import type { Address } from '@ethereumjs/util'
import { bytesToBigint, bytesToHex, emptyBytes, trimLeft, uintBytes } from '../protocol/bytes.ts'
import { type GasMeter, Halt, OutOfGas, type Precompile, type PrecompileState, runPrecompile } from './precompile.ts'
import { precompiles } from './table.ts'

/**
 * The custom precompiles as native ones of an EVM: the same output and revert data as the bytecode at their addresses,
 * for less gas. An EVM that has them must {@link followMessages}.
 */
export const nativePrecompiles: readonly CustomPrecompile[] = precompiles.map((precompile) => ({
  address: precompile.address,
  function: (input) => runNative(precompile, input),
}))

/** What the EVM does not tell a precompile: who calls it, with what value, on whose storage. */
type Message = {
  readonly caller: Address
  readonly to?: Address
  readonly value: bigint
  readonly isStatic: boolean
  gasRefund: bigint
}

const messages = new WeakMap<object, Message>()

/** Remembers the message that an EVM is about to run, for {@link nativePrecompiles}. */
export function followMessages(evm: EVM): void {
  evm.events.on('beforeMessage', (message) => {
    messages.set(evm, message)
  })
}

async function runNative(precompile: Precompile, { data, gasLimit, _EVM }: PrecompileInput): Promise<ExecResult> {
  const evm = _EVM as EVM
  const message = messages.get(evm)
  if (message?.to === undefined) throw new Error('an EVM with native precompiles does not follow its messages')
  const call = {
    input: data,
    caller: bytesToHex(message.caller.bytes),
    value: message.value,
    isStatic: message.isStatic,
    state: new EvmAccountState(evm, message, message.to),
  }
  const result = await runPrecompile(precompile, call, gasLimit)
  switch (result.kind) {
    case 'return':
      return { returnValue: result.output, executionGasUsed: result.gasUsed }
    case 'revert':
      return failure('REVERT', result.gasUsed, result.output)
    case 'halt':
      return failure('STATIC_STATE_CHANGE', result.gasUsed)
    case 'out of gas':
      return failure('OUT_OF_GAS', result.gasUsed)
  }
}

function failure(
  error: keyof typeof EVMError.errorMessages,
  gasUsed: bigint,
  output: Uint8Array = emptyBytes,
): ExecResult {
  return {
    returnValue: output,
    executionGasUsed: gasUsed,
    exceptionError: new EVMError(EVMError.errorMessages[error]),
  }
}

/** EIP-2929, EIP-2200 with EIP-3529's refunds, EIP-1153. */
const gasOf = { cold: 2_100, warm: 100, sentry: 2_300n, create: 20_000, change: 2_900 } as const

/** Storage of the account that a message runs on, at the price of SLOAD, SSTORE, TLOAD and TSTORE. */
class EvmAccountState implements PrecompileState {
  readonly #evm: EVM
  readonly #message: Message
  readonly #address: Address

  constructor(evm: EVM, message: Message, address: Address) {
    this.#evm = evm
    this.#message = message
    this.#address = address
  }

  async load(slot: bigint, gas: GasMeter): Promise<bigint> {
    const key = uintBytes(slot, 32)
    gas.charge(this.#warm(key) ? gasOf.warm : gasOf.cold)
    return await this.#value(key)
  }

  async store(slot: bigint, value: bigint, gas: GasMeter): Promise<void> {
    if (this.#message.isStatic) throw new Halt('a write in a static call')
    if (gas.limit - gas.used <= gasOf.sentry) throw new OutOfGas('out of gas')
    const key = uintBytes(slot, 32)
    if (!this.#warm(key)) gas.charge(gasOf.cold)
    const current = await this.#value(key)
    const original = bytesToBigint(await this.#evm.stateManager.originalStorageCache.get(this.#address, key))
    gas.charge(changeGas(original, current, value))
    this.#message.gasRefund += restoreRefund(original, current, value)
    await this.#evm.stateManager.putStorage(this.#address, key, trimLeft(uintBytes(value, 32)))
  }

  transientLoad(slot: bigint, gas: GasMeter): bigint {
    gas.charge(gasOf.warm)
    return bytesToBigint(this.#evm.transientStorage.get(this.#address, uintBytes(slot, 32)))
  }

  transientStore(slot: bigint, value: bigint, gas: GasMeter): void {
    if (this.#message.isStatic) throw new Halt('a write in a static call')
    gas.charge(gasOf.warm)
    this.#evm.transientStorage.put(this.#address, uintBytes(slot, 32), uintBytes(value, 32))
  }

  async #value(key: Uint8Array): Promise<bigint> {
    return bytesToBigint(await this.#evm.stateManager.getStorage(this.#address, key))
  }

  /** Whether the slot was warm; it is from now on. */
  #warm(key: Uint8Array): boolean {
    const { journal } = this.#evm
    if (journal.isWarmedStorage(this.#address.bytes, key)) return true
    journal.addWarmedStorage(this.#address.bytes, key)
    return false
  }
}

function changeGas(original: bigint, current: bigint, value: bigint): number {
  if (value === current || current !== original) return gasOf.warm
  return original === 0n ? gasOf.create : gasOf.change
}

/** Nothing here is ever cleared; a slot set back to where the transaction found it gives back what its change cost. */
function restoreRefund(original: bigint, current: bigint, value: bigint): bigint {
  if (value === current || value !== original) return 0n
  return BigInt((original === 0n ? gasOf.create : gasOf.change) - gasOf.warm)
}
