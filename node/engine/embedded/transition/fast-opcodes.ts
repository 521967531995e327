import { type EVM, EVMError } from '@ethereumjs/evm'
import { bigintToBytes, bytesToBigint, emptyBytes, equalBytes, padLeft } from '../../../../protocol/bytes.ts'
import type { EvmState } from '../state/evm-state.ts'
import type { OpcodeEntry, RunState } from './evm-internals.ts'

/**
 * Replaces the asynchronous handlers of an EVM's most frequent opcodes by synchronous ones with the same rules: the
 * library's are async functions although nothing in them waits. All forks of the OP Stack have Berlin and London, so
 * one set of prices serves them all.
 */
export function installFastOpcodes(evm: EVM, state: EvmState): void {
  installFastMemory(evm)
  replace(evm, 0x54, {
    gasHandler: (run, gas) => gas + sloadGas(evm, run),
    opHandler: (run) => sload(state, run),
  })
  replace(evm, 0x55, {
    gasHandler: (run, gas) => gas + sstoreGas(evm, state, run),
    opHandler: (run) => sstore(state, run),
  })
}

/** Those of them that touch no state, for an EVM over any. */
export function installFastMemory(evm: EVM): void {
  const set = (opcode: number, handlers: Handlers) => replace(evm, opcode, handlers)
  set(0x20, { gasHandler: keccakGas })
  set(0x37, { gasHandler: copyGas })
  set(0x39, { gasHandler: copyGas })
  set(0x3e, { gasHandler: returnDataCopyGas })
  set(0x51, { gasHandler: wordGas })
  set(0x52, { gasHandler: wordGas, opHandler: mstore })
  set(0x53, { gasHandler: byteGas })
  for (let topics = 0; topics <= 4; topics++) set(0xa0 + topics, { gasHandler: logGas(BigInt(topics)) })
  set(0xf3, { gasHandler: rangeGas })
  set(0xfd, { gasHandler: rangeGas })
}

type Handlers = Partial<Pick<OpcodeEntry, 'gasHandler' | 'opHandler'>>

function replace(evm: EVM, opcode: number, handlers: Handlers): void {
  // The table is protected, but it is this EVM's own and its rows are meant to be looked up at every step.
  const entry = (evm['_opcodeMap'] as unknown as OpcodeEntry[])[opcode]
  if (entry === undefined || entry.opcodeInfo.isInvalid) return
  Object.assign(entry, handlers)
}

/** Prices. Sources: EIP-2929, EIP-2200, EIP-3529. */
const coldSloadGas = 2_100n
const warmReadGas = 100n
const sstoreSetGas = 20_000n
const sstoreResetGas = 5_000n - coldSloadGas
const sstoreSentryGas = 2_300n
const sstoreClearRefund = 4_800n

function keccakGas(run: RunState, gas: bigint): bigint {
  const [offset = 0n, length = 0n] = run.stack.peek(2)
  return gas + memoryGas(run, offset, length) + 6n * words(length)
}

function copyGas(run: RunState, gas: bigint): bigint {
  const [target = 0n, , length = 0n] = run.stack.peek(3)
  return gas + memoryGas(run, target, length) + 3n * words(length)
}

/** Reading past the return data fails (EIP-211). */
function returnDataCopyGas(run: RunState, gas: bigint): bigint {
  const [, offset = 0n, length = 0n] = run.stack.peek(3)
  if (offset + length > run.interpreter.getReturnDataSize()) throw new EVMError(EVMError.errorMessages.OUT_OF_GAS)
  return copyGas(run, gas)
}

function wordGas(run: RunState, gas: bigint): bigint {
  const [offset = 0n] = run.stack.peek(1)
  return gas + memoryGas(run, offset, 32n)
}

/** The library's handler pads the word by way of arrays of numbers. */
function mstore(run: RunState): void {
  const offset = run.stack.pop()
  run.memory.write(Number(offset), 32, wordBytes(run.stack.pop()))
}

function byteGas(run: RunState, gas: bigint): bigint {
  const [offset = 0n] = run.stack.peek(1)
  return gas + memoryGas(run, offset, 1n)
}

function rangeGas(run: RunState, gas: bigint): bigint {
  const [offset = 0n, length = 0n] = run.stack.peek(2)
  return gas + memoryGas(run, offset, length)
}

function logGas(topics: bigint) {
  return (run: RunState, gas: bigint): bigint => {
    if (run.env.isStatic) throw new EVMError(EVMError.errorMessages.STATIC_STATE_CHANGE)
    const [offset = 0n, length = 0n] = run.stack.peek(2)
    return gas + memoryGas(run, offset, length) + 375n * topics + 8n * length
  }
}

/** Price of growing the memory to a range. Source: yellow paper, appendix H. */
function memoryGas(run: RunState, offset: bigint, length: bigint): bigint {
  if (length === 0n) return 0n
  const count = words(offset + length)
  if (count <= run.memoryWordCount) return 0n
  const total = 3n * count + (count * count) / 512n
  const cost = total - run.highestMemCost
  run.highestMemCost = total
  run.memoryWordCount = count
  return cost
}

function sloadGas(evm: EVM, run: RunState): bigint {
  const [slot = 0n] = run.stack.peek(1)
  return warm(evm, run, wordBytes(slot)) ? warmReadGas : coldSloadGas
}

function sload(state: EvmState, run: RunState): void {
  run.stack.push(bytesToBigint(state.state.storage(run.env.address.bytes, wordBytes(run.stack.pop()))))
}

function sstore(state: EvmState, run: RunState): void {
  const slot = wordBytes(run.stack.pop())
  state.state.setStorage(run.env.address.bytes, slot, bigintToBytes(run.stack.pop()))
}

/** Sources: EIP-2200 with the prices of EIP-2929 and the refunds of EIP-3529. */
function sstoreGas(evm: EVM, state: EvmState, run: RunState): bigint {
  if (run.env.isStatic) throw new EVMError(EVMError.errorMessages.STATIC_STATE_CHANGE)
  const [slotNumber = 0n, value = 0n] = run.stack.peek(2)
  if (run.gasLeft <= sstoreSentryGas) throw new EVMError(EVMError.errorMessages.OUT_OF_GAS)
  const slot = wordBytes(slotNumber)
  const address = run.env.address.bytes
  const current = state.state.storage(address, slot)
  const original = state.state.originalStorage(address, slot)
  const next = value === 0n ? emptyBytes : bigintToBytes(value)
  const access = warm(evm, run, slot) ? 0n : coldSloadGas
  if (equalBytes(current, next)) return access + warmReadGas
  if (equalBytes(original, current)) {
    if (original.length === 0) return access + sstoreSetGas
    if (next.length === 0) run.interpreter.refundGas(sstoreClearRefund)
    return access + sstoreResetGas
  }
  refundDirty(run, original, current, next)
  return access + warmReadGas
}

/** Refunds of a slot that was changed before in the same transaction. */
function refundDirty(run: RunState, original: Uint8Array, current: Uint8Array, next: Uint8Array): void {
  if (original.length > 0) {
    if (current.length === 0) run.interpreter.subRefund(sstoreClearRefund)
    else if (next.length === 0) run.interpreter.refundGas(sstoreClearRefund)
  }
  if (!equalBytes(original, next)) return
  run.interpreter.refundGas((original.length === 0 ? sstoreSetGas : sstoreResetGas) - warmReadGas)
}

/** Whether the slot was warm; it is from now on. */
function warm(evm: EVM, run: RunState, slot: Uint8Array): boolean {
  const address = run.env.address.bytes
  if (evm.journal.isWarmedStorage(address, slot)) return true
  evm.journal.addWarmedStorage(address, slot)
  return false
}

function wordBytes(word: bigint): Uint8Array {
  return padLeft(bigintToBytes(word), 32)
}

function words(bytes: bigint): bigint {
  return (bytes + 31n) / 32n
}
