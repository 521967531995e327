import type { EVM, EVMResult, Log as EvmLog } from '@ethereumjs/evm'
import { emptyBytes, uintBytes } from '../../../../protocol/bytes.ts'
import type { FrameEnter, FrameExit, Tracer } from '../chain-view.ts'
import type { RunState } from '../transition/evm-internals.ts'
import { listenToSteps, type Step } from '../transition/interpreter.ts'

/** The message an EVM announces before it runs it; the library does not export the type. */
type EvmMessage = {
  readonly to?: { readonly bytes: Uint8Array } | undefined
  readonly caller: { readonly bytes: Uint8Array }
  readonly value: bigint
  readonly gasLimit: bigint
  readonly data: Uint8Array
  readonly delegatecall: boolean
  readonly depth: number
  readonly salt?: Uint8Array | undefined
  readonly codeAddress: { readonly bytes: Uint8Array }
  readonly _codeAddress?: unknown
}

/** Lets a tracer listen to an EVM; `onTopExit` hears of the end of the outermost frame. Returns what ends it. */
export function attachTracer(evm: EVM, tracer: Tracer, onTopExit?: (frame: FrameExit) => void): () => void {
  // A frame's logs hold those of the frames inside of it, as the same objects.
  const inner: Set<EvmLog>[] = [new Set()]
  let opcode: number | undefined
  const before = (message: EvmMessage) => {
    inner.push(new Set())
    tracer.enter?.(enterOf(message, opcode))
  }
  const after = (result: EVMResult) => {
    const logs = result.execResult.logs ?? []
    const ofChildren = inner.pop()
    for (const log of logs) inner.at(-1)?.add(log)
    const frame = exitOf(
      result,
      logs.filter((log) => ofChildren?.has(log) !== true),
    )
    tracer.exit?.(frame)
    if (inner.length === 1) onTopExit?.(frame)
  }
  const step = ({ entry, state, gasCost }: Step) => {
    opcode = entry.opcodeInfo.code
    tracer.step?.({
      pc: state.programCounter,
      opcode: entry.opcodeInfo.fullName,
      depth: state.env.depth + 1,
      gasLeft: state.gasLeft,
      gasCost,
      address: state.env.address.bytes,
      stack: state.stack.getStack(),
    })
    if (entry.opcodeInfo.code === selfdestruct) reportSelfdestruct(state, tracer)
  }
  evm.events.on('beforeMessage', before as never)
  evm.events.on('afterMessage', after as never)
  const detachSteps = listenToSteps(evm, step)
  return () => {
    evm.events.off('beforeMessage', before as never)
    evm.events.off('afterMessage', after as never)
    detachSteps()
  }
}

/** `opcode`: the one that made the message; undefined for the outermost. */
function enterOf(message: EvmMessage, opcode: number | undefined): FrameEnter {
  return {
    type: typeOf(message, opcode),
    // In a delegatecall the caller is the caller's caller; the frame belongs to the contract that delegates.
    from: message.delegatecall && message.to !== undefined ? message.to.bytes : message.caller.bytes,
    to: message.to === undefined ? undefined : message.codeAddress.bytes,
    value: message.value,
    gas: message.gasLimit,
    input: message.data,
  }
}

function typeOf(message: EvmMessage, opcode: number | undefined): FrameEnter['type'] {
  if (message.to === undefined) return message.salt === undefined ? 'CREATE' : 'CREATE2'
  if (message.delegatecall) return 'DELEGATECALL'
  if (message._codeAddress !== undefined && message._codeAddress !== message.to) return 'CALLCODE'
  // A plain call from a static frame is static too.
  return opcode === staticcall ? 'STATICCALL' : 'CALL'
}

/** Where geth says it otherwise. */
const gethWords: Readonly<Record<string, string>> = {
  revert: 'execution reverted',
  'static state change': 'write protection',
}

function exitOf({ execResult, createdAddress }: EVMResult, logs: readonly EvmLog[]): FrameExit {
  const error = execResult.exceptionError?.error
  return {
    gasUsed: execResult.executionGasUsed,
    output: execResult.returnValue,
    error: error === undefined ? undefined : (gethWords[error] ?? error),
    logs: logs.map(([address, topics, data]) => ({ address, topics, data })),
    created: createdAddress?.bytes,
  }
}

const staticcall = 0xfa
const selfdestruct = 0xff

/** The library announces calls and creations as messages, but not this. */
function reportSelfdestruct(state: RunState, tracer: Tracer): void {
  const [beneficiary = 0n] = state.stack.length > 0 ? state.stack.peek(1) : []
  tracer.enter?.({
    type: 'SELFDESTRUCT',
    from: state.env.address.bytes,
    to: uintBytes(beneficiary & ((1n << 160n) - 1n), 20),
    value: state.env.contract.balance,
    gas: 0n,
    input: emptyBytes,
  })
  tracer.exit?.({ gasUsed: 0n, output: emptyBytes, logs: [] })
}
