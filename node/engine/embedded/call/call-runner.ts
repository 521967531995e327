import { bytesToHex, emptyBytes, type Hex } from '../../../../protocol/bytes.ts'
import { BlockExecution, decodeTx } from '../block/block-execution.ts'
import type { BlockParts } from '../block/build.ts'
import type {
  CallMessage,
  CallOptions,
  CallResult,
  SimulatedBlock,
  SimulatedBlockInput,
  SimulationOptions,
  StoredBlock,
  StoredHeader,
  Tracer,
  TransactionLocation,
} from '../chain-view.ts'
import { CallError, MissingNodeError } from '../errors.ts'
import { FlatState } from '../state/flat-state.ts'
import type { World } from '../state/world.ts'
import type { BlockHeaderEnv } from '../transition/block-env.ts'
import type { BlockHashes } from '../transition/evm.ts'
import type { Executor } from '../transition/executor.ts'
import { AccessRecorder } from './access-recorder.ts'
import { Gate } from './gate.ts'
import { overrideState } from './overrides.ts'
import { Simulation } from './simulation.ts'
import { planBlocks } from './simulation-plan.ts'
import { limitTime } from './time-limit.ts'
import { attachTracer } from './tracing.ts'
import { runUnsigned } from './unsigned.ts'

/** What calls need of the chain. */
export type CallChain = {
  readonly parts: BlockParts
  readonly latest: () => StoredBlock
  readonly headerByHash: (hash: Hex) => StoredHeader | undefined
  readonly blockByHash: (hash: Hex) => StoredBlock | undefined
  readonly transactionLocation: (hash: Hex) => TransactionLocation | undefined
  readonly worldAt: (hash: Hex) => World | undefined
  readonly blockHashes: (parent: StoredHeader) => BlockHashes
}

/** Calls that run at once. They share the thread with block production in turns, so that each one more slows it down. */
const runningMax = 4

/** Calls that wait for one of these to end. */
const waitingMax = 1_000

/** A call may run this long unless it is told otherwise, as geth's `--rpc.evmtimeout`. */
const defaultTimeoutMs = 5_000

/** Executes messages that leave no trace: eth_call, eth_estimateGas, eth_simulateV1, debug_trace*. */
export class CallRunner {
  readonly #chain: CallChain
  readonly #makeExecutor: () => Executor
  /** As many as ran at once so far; each is a few EVMs. */
  readonly #idle: Executor[] = []
  readonly #gate = new Gate({ runningMax, waitingMax })

  constructor(chain: CallChain, makeExecutor: () => Executor) {
    this.#chain = chain
    this.#makeExecutor = makeExecutor
  }

  async call(at: Hex | 'pending', message: CallMessage, options: CallOptions): Promise<CallResult> {
    const block = at === 'pending' ? this.#chain.latest() : this.#chain.headerByHash(at)
    const world = block === undefined ? undefined : this.#chain.worldAt(block.hash)
    if (block === undefined || world === undefined) throw new CallError('unavailable', `no state of block ${at}`)
    const header = callEnv(at === 'pending' ? this.#pendingEnv(block) : envOf(block), message, options)
    const parent = at === 'pending' ? block : this.#parent(block)
    return this.#execute(async (executor) => {
      const state = new FlatState(world)
      const env = await executor.env(header, state, this.#chain.blockHashes(parent))
      overrideState(state, options.stateOverrides)
      const { tracer, timeoutMs = defaultTimeoutMs } = options
      const recorder = tracer === undefined ? undefined : new AccessRecorder(state)
      const detach = tracer === undefined ? undefined : attachTracer(env.evm, tracer)
      const release = limitTime(env.evm, timeoutMs)
      try {
        const { gasUsedMax: _, ...result } = await runUnsigned(env, message, options.gasCap)
        return { ...result, touched: recorder?.touched() ?? [] }
      } finally {
        release()
        detach?.()
      }
    })
  }

  async simulate(
    at: Hex,
    blocks: readonly SimulatedBlockInput[],
    options: SimulationOptions,
  ): Promise<readonly SimulatedBlock[]> {
    const base = this.#chain.headerByHash(at)
    const world = this.#chain.worldAt(at)
    if (base === undefined || world === undefined) throw new CallError('unavailable', `no state of block ${at}`)
    const planned = planBlocks(base, blocks)
    return this.#execute((executor) => {
      const { parts } = this.#chain
      const deadlineMs = performance.now() + options.timeoutMs
      const chain = { parts, blockHashes: this.#chain.blockHashes(base), deadlineMs }
      return new Simulation(chain, executor, new FlatState(world), options).run(base, planned)
    })
  }

  async traceTransaction(txHash: Hex, tracer: Tracer, timeoutMs = defaultTimeoutMs): Promise<CallResult> {
    const location = this.#chain.transactionLocation(txHash)
    const block = location === undefined ? undefined : this.#chain.blockByHash(location.blockHash)
    if (location === undefined || block === undefined) throw new CallError('unavailable', `no transaction ${txHash}`)
    const parent = this.#parent(block)
    const world = this.#chain.worldAt(parent.hash)
    if (world === undefined) throw new CallError('unavailable', `no state before transaction ${txHash}`)
    return this.#execute(async (executor) => {
      const state = new FlatState(world)
      const env = await executor.env(envOf(block), state, this.#chain.blockHashes(parent))
      const execution = new BlockExecution(env)
      const release = limitTime(env.evm, timeoutMs)
      try {
        await execution.open({
          parentHash: block.header.parentHash,
          parentBeaconBlockRoot: block.header.parentBeaconBlockRoot,
          create2Deployer: this.#chain.parts.create2Deployer,
        })
        const before = block.transactions.slice(0, location.index)
        for (const raw of before) await execution.execute(decodeTx(raw))
        return await traceLast(execution, block.transactions[location.index] ?? emptyBytes, tracer)
      } finally {
        release()
      }
    })
  }

  #execute<T>(run: (executor: Executor) => Promise<T>): Promise<T> {
    return this.#gate.run(() => this.#executeNow(run))
  }

  async #executeNow<T>(run: (executor: Executor) => Promise<T>): Promise<T> {
    const executor = this.#idle.pop() ?? this.#makeExecutor()
    try {
      return await run(executor)
    } catch (cause) {
      if (cause instanceof MissingNodeError) throw new CallError('unavailable', 'state was pruned', { cause })
      throw cause
    } finally {
      this.#idle.push(executor)
    }
  }

  #parent(block: StoredHeader): StoredHeader {
    return this.#chain.headerByHash(bytesToHex(block.header.parentHash)) ?? block
  }

  /** The next block, guessed: as long after the head as the head is after its parent. */
  #pendingEnv(head: StoredHeader): BlockHeaderEnv {
    const seconds = head.header.timestamp - this.#parent(head).header.timestamp
    const env = envOf(head)
    return { ...env, number: env.number + 1n, timestamp: env.timestamp + (seconds > 0n ? seconds : 1n) }
  }
}

async function traceLast(execution: BlockExecution, raw: Uint8Array, tracer: Tracer): Promise<CallResult> {
  const { state, evm } = execution.env
  const recorder = new AccessRecorder(state)
  const result: { output: Uint8Array; error?: string | undefined } = { output: emptyBytes }
  const detach = attachTracer(evm, tracer, (frame) =>
    Object.assign(result, { output: frame.output, error: frame.error }),
  )
  try {
    const { receipt, gasUsed, contractAddress } = await execution.execute(decodeTx(raw))
    return {
      status: receipt.status === 1 ? 1 : 0,
      output: result.output,
      gasUsed,
      logs: receipt.logs,
      error: result.error,
      contractAddress,
      touched: recorder.touched(),
    }
  } finally {
    detach()
  }
}

function envOf({ header }: StoredHeader): BlockHeaderEnv {
  return {
    number: header.number,
    timestamp: header.timestamp,
    coinbase: header.coinbase,
    prevRandao: header.prevRandao,
    gasLimit: header.gasLimit,
    baseFee: header.baseFeePerGas ?? 0n,
  }
}

/** A message that offers no price sees no base fee, as with geth's `NoBaseFee`. */
function callEnv(env: BlockHeaderEnv, message: CallMessage, options: CallOptions): BlockHeaderEnv {
  const { number, time, gasLimit, feeRecipient, prevRandao, baseFeePerGas } = options.blockOverrides ?? {}
  const isFree = (message.gasPrice ?? 0n) === 0n
  return {
    number: number ?? env.number,
    timestamp: time ?? env.timestamp,
    coinbase: feeRecipient ?? env.coinbase,
    prevRandao: prevRandao ?? env.prevRandao,
    gasLimit: gasLimit ?? env.gasLimit,
    baseFee: baseFeePerGas ?? (isFree ? 0n : env.baseFee),
  }
}
