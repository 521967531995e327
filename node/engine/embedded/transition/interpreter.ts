import { Common, Hardfork, Mainnet } from '@ethereumjs/common'
import { createEVM, type EVM, EVMError } from '@ethereumjs/evm'
import { checkTime, stepsPerLook } from '../call/time-limit.ts'
import type { OpcodeEntry, RunState } from './evm-internals.ts'

/**
 * A faster main loop for the library's interpreter. The library awaits a promise at every opcode and searches each code
 * for jump destinations anew; this loop awaits only what is a promise and remembers the destinations by code. The
 * library has no hook for either, so its loop is replaced on the class; written against exactly version 10.1.3. Steps are
 * told to {@link listenToSteps}; an EVM with the library's own listener on steps, which reads memory before it is paid
 * for, runs the library's loop.
 */
export async function installFastInterpreter(): Promise<void> {
  installed ??= install()
  await installed
}

/** An opcode about to run. */
export type Step = { readonly entry: OpcodeEntry; readonly state: RunState; readonly gasCost: bigint }

const stepListeners = new WeakMap<EVM, (step: Step) => void>()

/** Tells of every opcode that an EVM runs. Returns what ends it. */
export function listenToSteps(evm: EVM, listener: (step: Step) => void): () => void {
  stepListeners.set(evm, listener)
  return () => stepListeners.delete(evm)
}

type RunResult = {
  /** Of the final state, what the library reads. */
  readonly runState: Pick<RunState, 'gasLeft' | 'gasRefund' | 'stateGasSpilled'>
  readonly exceptionError?: EVMError | undefined
}

/** What of the library's interpreter the loop touches. */
type Interpreter = {
  readonly _evm: EVM
  readonly _runState: RunState
  _env: object
  readonly common: Common
  run(code: Uint8Array, options?: { readonly pc?: number }): Promise<RunResult>
  _getValidJumpDestinations(code: Uint8Array): Analysis
}

type Analysis = {
  readonly jumps: Uint8Array
  readonly pushes: Readonly<Record<number, bigint>>
  readonly opcodesCached: readonly (OpcodeEntry | undefined)[]
}

let installed: Promise<void> | undefined

async function install(): Promise<void> {
  const prototype = await interpreterPrototype()
  const { run, _getValidJumpDestinations: analyse } = prototype
  prototype._getValidJumpDestinations = function (this: Interpreter, code) {
    return remembered(this, code, () => analyse.call(this, code))
  }
  prototype.run = function (this: Interpreter, code, options) {
    if (this._evm.events.listenerCount('step') > 0) return run.call(this, code, options)
    return runFast(this, code)
  }
}

async function runFast(interpreter: Interpreter, code: Uint8Array): Promise<RunResult> {
  const { _runState: state, common, _evm: evm } = interpreter
  const { jumps, pushes, opcodesCached } = interpreter._getValidJumpDestinations(code)
  state.code = code
  state.validJumps = jumps
  state.cachedPushes = pushes
  state.shouldDoJumpAnalysis = false
  const listener = stepListeners.get(evm)
  let steps = 0
  try {
    while (state.programCounter < code.length) {
      if (++steps % stepsPerLook === 0) {
        const turn = checkTime(evm)
        if (turn !== undefined) await turn
      }
      const entry = opcodesCached[state.programCounter]
      if (entry === undefined) throw new Error('the program counter is inside of push data')
      const { opcodeInfo } = entry
      state.opCode = opcodeInfo.code
      let gas = opcodeInfo.feeBigInt
      if (opcodeInfo.dynamicGas) {
        const dynamic = entry.gasHandler(state, gas, common)
        gas = typeof dynamic === 'bigint' ? dynamic : await dynamic
      }
      listener?.({ entry, state, gasCost: gas })
      if (opcodeInfo.isInvalid) throw new EVMError(EVMError.errorMessages.INVALID_OPCODE)
      const left = state.gasLeft - gas
      if (left < 0n) {
        state.gasLeft = 0n
        throw new EVMError(EVMError.errorMessages.OUT_OF_GAS)
      }
      state.gasLeft = left
      state.programCounter++
      const done = entry.opHandler(state, common)
      if (done !== undefined) await done
    }
  } catch (error) {
    if (!(error instanceof EVMError)) throw error
    // STOP is how a frame ends, not why it fails.
    const runState = finish(interpreter)
    return error.error === EVMError.errorMessages.STOP ? { runState } : { runState, exceptionError: error }
  }
  return { runState: finish(interpreter) }
}

const noEnvironment = {}

/** The library copies the whole state and environment of a finished frame into a result where no one reads them. */
function finish(interpreter: Interpreter): RunResult['runState'] {
  const { gasLeft, gasRefund, stateGasSpilled } = interpreter._runState
  interpreter._env = noEnvironment
  return { gasLeft, gasRefund, stateGasSpilled }
}

/** Destinations by opcode table (one for each EVM) and code; state hands out the same array for the same code. */
const analyses = new WeakMap<object, WeakMap<Uint8Array, Analysis>>()

function remembered(interpreter: Interpreter, code: Uint8Array, analyse: () => Analysis): Analysis {
  const evm: object = interpreter._evm
  let ofEvm = analyses.get(evm)
  if (ofEvm === undefined) {
    ofEvm = new WeakMap()
    analyses.set(evm, ofEvm)
  }
  let analysis = ofEvm.get(code)
  if (analysis === undefined) {
    analysis = analyse()
    ofEvm.set(code, analysis)
  }
  return analysis
}

/** The class is not exported: an opcode of our own shows it to us. */
async function interpreterPrototype(): Promise<Interpreter> {
  const unusedOpcode = 0x0c
  let prototype: Interpreter | undefined
  const evm = await createEVM({
    common: new Common({ chain: Mainnet, hardfork: Hardfork.Prague }),
    customOpcodes: [
      {
        opcode: unusedOpcode,
        opcodeName: 'REVEAL',
        baseFee: 0,
        logicFunction: (state) => {
          prototype = Object.getPrototypeOf(state.interpreter) as Interpreter
        },
      },
    ],
  })
  await evm.runCode({ code: Uint8Array.of(unusedOpcode), gasLimit: 1_000n })
  if (prototype === undefined) throw new Error('@ethereumjs/evm did not run the opcode that shows its interpreter')
  return prototype
}
