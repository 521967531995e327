import { nextBaseFee } from '../../../../protocol/base-fee.ts'
import { logsBloom, orBloom } from '../../../../protocol/bloom.ts'
import { hexToBytes } from '../../../../protocol/bytes.ts'
import { encodeTransaction, type SignedTx } from '../../../../protocol/transaction.ts'
import { BlockExecution } from '../block/block-execution.ts'
import type { BlockParts } from '../block/build.ts'
import { sealBlock } from '../block/seal.ts'
import type {
  CallFees,
  SimulatedBlock,
  SimulatedCall,
  SimulatedCallResult,
  SimulationOptions,
  StoredHeader,
  StoredReceipt,
} from '../chain-view.ts'
import { SimulationError } from '../errors.ts'
import type { FlatState } from '../state/flat-state.ts'
import type { BlockEnv } from '../transition/block-env.ts'
import { BlockDataFees } from '../transition/data-fees.ts'
import type { BlockHashes } from '../transition/evm.ts'
import type { Executor } from '../transition/executor.ts'
import { overrideState } from './overrides.ts'
import type { PlannedBlock } from './simulation-plan.ts'
import { limitTime } from './time-limit.ts'
import { attachTracer } from './tracing.ts'
import { TransferLog } from './transfer-log.ts'
import { runUnsigned } from './unsigned.ts'

const zeroSender = new Uint8Array(20)

type Chain = {
  readonly parts: BlockParts
  readonly blockHashes: BlockHashes
  /** Milliseconds since any moment. */
  readonly deadlineMs: number
}

/**
 * Executes blocks of unsigned calls one on the other, over one state that nobody else sees. Fees leave the sender's account
 * and reach nobody's; there are no L1 and operator fees. Source: execution-apis, eth_simulateV1; op-geth's `simulate.go`.
 */
export class Simulation {
  readonly #chain: Chain
  readonly #executor: Executor
  readonly #state: FlatState
  readonly #options: SimulationOptions
  readonly #blocks: SimulatedBlock[] = []
  #gasLeft: bigint

  constructor(chain: Chain, executor: Executor, state: FlatState, options: SimulationOptions) {
    this.#chain = chain
    this.#executor = executor
    this.#state = state
    this.#options = options
    this.#gasLeft = options.gasMax
  }

  async run(base: StoredHeader, blocks: readonly PlannedBlock[]): Promise<readonly SimulatedBlock[]> {
    for (const block of blocks) this.#blocks.push(await this.#block(this.#blocks.at(-1) ?? base, block))
    return this.#blocks
  }

  async #block(parent: StoredHeader, block: PlannedBlock): Promise<SimulatedBlock> {
    const env = await this.#env(parent, block)
    overrideState(this.#state, block.stateOverrides)
    const seed = {
      parentHash: hexToBytes(parent.hash),
      // The next base fee is computed from it.
      extraData: parent.header.extraData,
      parentBeaconBlockRoot: env.rules.ecotone ? new Uint8Array(32) : undefined,
    }
    const release = limitTime(env.evm, Math.max(0, this.#chain.deadlineMs - performance.now()))
    try {
      await new BlockExecution(env).open({ ...seed, create2Deployer: undefined })
      const executed = new Executed(env)
      for (const call of block.calls) await this.#call(env, call, executed)
      return { ...sealBlock(executed, seed), calls: executed.calls }
    } finally {
      release()
    }
  }

  #env(parent: StoredHeader, { overrides }: PlannedBlock): Promise<BlockEnv> {
    const { header } = parent
    const { parts, blockHashes } = this.#chain
    const baseFee = this.#options.validation ? nextBaseFee(parts.chain, header, overrides.time) : 0n
    const simulated = new Map(this.#blocks.map((block) => [block.header.number, block.hash]))
    const hashes: BlockHashes = (number) => {
      const hash = simulated.get(number)
      return hash === undefined ? blockHashes(number) : hexToBytes(hash)
    }
    return this.#executor.env(
      {
        number: overrides.number,
        timestamp: overrides.time,
        coinbase: overrides.feeRecipient ?? header.coinbase,
        prevRandao: overrides.prevRandao ?? new Uint8Array(32),
        gasLimit: overrides.gasLimit ?? header.gasLimit,
        baseFee: overrides.baseFeePerGas ?? baseFee,
      },
      this.#state,
      hashes,
    )
  }

  async #call(env: BlockEnv, { message, nonce, fees }: SimulatedCall, executed: Executed): Promise<void> {
    const from = message.from ?? zeroSender
    const known = this.#state.nonce(from)
    if (this.#options.validation) checkNonce(nonce, known)
    const left = env.gasLimit - executed.gasUsed
    const wanted = message.gas ?? left
    if (wanted > left) {
      throw new SimulationError('block-gas', `block gas limit reached: remaining: ${left}, required: ${wanted}`)
    }
    if (this.#gasLeft === 0n) {
      throw new SimulationError('too-much', `all calls together may use ${this.#options.gasMax} gas`)
    }
    const gas = wanted < this.#gasLeft ? wanted : this.#gasLeft
    const gasPrice = priceAt(fees, env.baseFee, this.#options.validation)
    const transfers = this.#options.traceTransfers ? new TransferLog() : undefined
    const detach = transfers === undefined ? undefined : attachTracer(env.evm, transfers.tracer)
    try {
      const result = await runUnsigned(env, { ...message, gas, gasPrice }, gas)
      this.#gasLeft -= result.gasUsed
      const logs = transfers?.logs ?? result.logs
      const tx = unsignedTx(env.chainId, { message, nonce: nonce ?? known, fees }, gas)
      executed.add(tx, { ...result, logs: result.status === 1 ? logs : [] }, { from, gasPrice })
    } finally {
      detach?.()
    }
  }
}

/** What `sealBlock` reads of an execution. */
class Executed {
  readonly env: BlockEnv
  readonly transactions: Uint8Array[] = []
  readonly receipts: StoredReceipt[] = []
  readonly calls: SimulatedCallResult[] = []
  readonly bloom = new Uint8Array(256)
  gasUsed = 0n
  footprint = 0n
  readonly #fees: BlockDataFees
  #logs = 0

  constructor(env: BlockEnv) {
    this.env = env
    const { times, timestamp, state } = env
    this.#fees = new BlockDataFees(times, timestamp, (address, slot) => state.storage(address, slot))
  }

  add(tx: SignedTx, call: SimulatedCallResult, paid: { readonly from: Uint8Array; readonly gasPrice: bigint }): void {
    const raw = encodeTransaction(tx)
    const bloom = logsBloom(call.logs)
    orBloom(this.bloom, bloom)
    this.gasUsed += call.gasUsed
    this.footprint += this.#fees.footprint(raw)
    this.transactions.push(raw)
    this.calls.push(call)
    this.receipts.push({
      receipt: { type: tx.type, status: call.status, cumulativeGasUsed: this.gasUsed, bloom, logs: call.logs },
      from: paid.from,
      gasUsed: call.gasUsed,
      effectiveGasPrice: paid.gasPrice,
      contractAddress: call.contractAddress,
      logIndex: this.#logs,
    })
    this.#logs += call.logs.length
  }
}

function checkNonce(nonce: bigint | undefined, known: bigint): void {
  if (nonce === undefined || nonce === known) return
  const [code, word] = nonce < known ? (['nonce-too-low', 'low'] as const) : (['nonce-too-high', 'high'] as const)
  throw new SimulationError(code, `nonce too ${word}: the account's is ${known}, the call has ${nonce}`)
}

/** What a unit of gas costs; only validation insists that it is the base fee at least. */
function priceAt(
  { gasPrice, maxFeePerGas, maxPriorityFeePerGas }: CallFees,
  baseFee: bigint,
  validation: boolean,
): bigint {
  const cap = gasPrice ?? maxFeePerGas ?? 0n
  if (validation && cap < baseFee) {
    throw new SimulationError('fee-too-low', `max fee per gas less than block base fee: ${cap} < ${baseFee}`)
  }
  if (gasPrice !== undefined) return gasPrice
  const price = baseFee + (maxPriorityFeePerGas ?? 0n)
  return price < cap ? price : cap
}

/** The call as a transaction, to give it a hash; its signature is zero. */
function unsignedTx(chainId: bigint, { message, nonce, fees }: Required<SimulatedCall>, gasLimit: bigint): SignedTx {
  const { to, value = 0n, data = new Uint8Array(0), accessList = [], authorizationList } = message
  const signature = { yParity: 0 as const, r: 0n, s: 0n }
  const common = { nonce: nonce ?? 0n, gasLimit, value, data, ...(to === undefined ? {} : { to }), ...signature }
  if (fees.gasPrice !== undefined) return { type: 0, ...common, gasPrice: fees.gasPrice }
  const { maxFeePerGas = 0n, maxPriorityFeePerGas = 0n } = fees
  const typed = { ...common, chainId, accessList, maxFeePerGas, maxPriorityFeePerGas }
  if (authorizationList === undefined) return { type: 2, ...typed }
  return { type: 4, ...typed, authorizationList: [...authorizationList] }
}
