import { openLedgerPredeploys, predeploys } from '../../contracts/addresses.ts'
import { GenesisEvm } from '../../genesis/genesis-evm.ts'
import type { MemoryState } from '../../genesis/memory-state.ts'
import { placePredeploys } from '../../genesis/predeploys.ts'
import { devPreset } from '../../genesis/presets.ts'
import { genesisLiquidity } from '../../genesis/supply.ts'
import { floorDataGas, intrinsicGas } from '../../node/engine/embedded/intrinsic-gas.ts'
import { bytesToHex, concatBytes, type Hex, hexToBytes, uintBytes } from '../../protocol/bytes.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { privateKeyAddress, signDigest } from '../../protocol/secp256k1.ts'
import { AbiCodec } from './abi-codec.ts'
import { fastEvm } from './fast-evm.ts'
import { RememberingState } from './remembering-state.ts'

/** Where each contract stands. */
const contracts = {
  InferenceMarket: openLedgerPredeploys.inferenceMarket,
  RoyaltyVault: openLedgerPredeploys.royaltyVault,
  AttributionLedger: openLedgerPredeploys.attributionLedger,
  ReceiptJudge: openLedgerPredeploys.receiptJudge,
  EntryJudge: openLedgerPredeploys.entryJudge,
  EpochJudge: openLedgerPredeploys.epochJudge,
  AnswerJudge: openLedgerPredeploys.answerJudge,
  IndexRegistry: openLedgerPredeploys.indexRegistry,
  SpanJudge: openLedgerPredeploys.spanJudge,
  ShareJudge: openLedgerPredeploys.shareJudge,
  SketchJudge: openLedgerPredeploys.sketchJudge,
  SignatureRegistry: openLedgerPredeploys.signatureRegistry,
  SketchRegistry: openLedgerPredeploys.sketchRegistry,
  EvidenceDemands: openLedgerPredeploys.evidenceDemands,
  TraceDemands: openLedgerPredeploys.traceDemands,
  CheckerCommittee: openLedgerPredeploys.checkerCommittee,
  FingerprintJudge: openLedgerPredeploys.fingerprintJudge,
  LinearStep: openLedgerPredeploys.linearStep,
  QuantiseStep: openLedgerPredeploys.quantiseStep,
  ElementStep: openLedgerPredeploys.elementStep,
  AttentionStep: openLedgerPredeploys.attentionStep,
  ChoiceStep: openLedgerPredeploys.choiceStep,
  TraceJudge: openLedgerPredeploys.traceJudge,
  StopJudge: openLedgerPredeploys.stopJudge,
  DisputeGame: openLedgerPredeploys.disputeGame,
  WorkerRegistry: openLedgerPredeploys.workerRegistry,
  ModelRegistry: openLedgerPredeploys.modelRegistry,
  RevenueSplitter: openLedgerPredeploys.revenueSplitter,
  AttributionCaller: openLedgerPredeploys.attributionCaller,
  OpenBurner: openLedgerPredeploys.openBurner,
  DatanetReview: openLedgerPredeploys.datanetReview,
  SignatureProofs: openLedgerPredeploys.signatureProofs,
  DatanetRegistry: openLedgerPredeploys.datanetRegistry,
  DatanetRelay: openLedgerPredeploys.datanetRelay,
  DatanetJudge: openLedgerPredeploys.datanetJudge,
  DatanetUnits: openLedgerPredeploys.datanetUnits,
  DatanetVotes: openLedgerPredeploys.datanetVotes,
  DatanetAccess: openLedgerPredeploys.datanetAccess,
  CodeRegistry: openLedgerPredeploys.codeRegistry,
  AgentRegistry: openLedgerPredeploys.agentRegistry,
  AgentReviews: openLedgerPredeploys.agentReviews,
  AgentSpending: openLedgerPredeploys.agentSpending,
  AgentTrails: openLedgerPredeploys.agentTrails,
  Grants: openLedgerPredeploys.grants,
  LicencePolicy: openLedgerPredeploys.licencePolicy,
  Timelock: openLedgerPredeploys.timelock,
  MoneyTimelock: openLedgerPredeploys.moneyTimelock,
  GOPEN: openLedgerPredeploys.gopen,
  OpenLedgerGovernor: openLedgerPredeploys.governor,
  StakePool: openLedgerPredeploys.stakePool,
  FeeShares: openLedgerPredeploys.feeShares,
  FeeSplitter: predeploys.feeSplitter,
  SequencerFeeVault: predeploys.sequencerFeeVault,
  LiquidityController: predeploys.liquidityController,
  L1Block: predeploys.l1Block,
  WOPEN: predeploys.wopen,
  EAS: predeploys.eas,
  SchemaRegistry: predeploys.schemaRegistry,
} as const satisfies Record<string, Hex>

/** A contract of the chain, by its source's name. */
export type MoneyContract = keyof typeof contracts
export const contractNames = Object.keys(contracts) as readonly MoneyContract[]

/** Somebody with a key and 10,000 OPEN. */
export type Actor = {
  readonly address: Hex
  /** EIP-2098 form of a signature over a 32-byte digest. */
  readonly sign: (digest: Uint8Array) => { readonly r: Hex; readonly vs: Hex; readonly bytes: Uint8Array }
}

export type MoneyEvent = {
  readonly contract: Hex
  readonly name: string
  readonly args: Readonly<Record<string, unknown>>
}

/** What a transaction did. */
export type Sent = {
  /** As a block would count it: 21,000, calldata (EIP-2028) and execution less refunds, at least EIP-7623's floor. */
  readonly gas: bigint
  readonly events: readonly MoneyEvent[]
  readonly result: unknown
}

/** A transaction that reverted, with the custom error of whichever contract named the cause. */
export class Reverted extends Error {
  override readonly name = 'Reverted'
  readonly error: string
  readonly args: readonly unknown[]
  readonly gas: bigint

  constructor(what: string, error: string, args: readonly unknown[], gas: bigint) {
    super(`${what}: ${error}(${args.join(', ')})`)
    this.error = error
    this.args = args
    this.gas = gas
  }
}

export type SendOptions = { readonly value?: bigint; readonly gas?: bigint }

/** Of the dev preset. */
export const chainId = 901n

export const open = 10n ** 18n

const preset = devPreset()

/** Clocks of the dev preset, in seconds. MONEY §7. */
export const clocks = {
  window: preset.challengeWindowSeconds,
  withdrawalDelay: preset.channelWithdrawalDelaySeconds,
  unbonding: preset.unbondingSeconds,
} as const

/**
 * An in-process chain with the whole dev genesis: real transactions' gas, a clock, actors with keys. Fees are not taken, so balances change by what contracts move alone.
 */
export class MoneyChain {
  readonly evm: GenesisEvm
  readonly state: RememberingState

  /** A fresh chain at block 1. Cheap after the first. */
  static async create(): Promise<MoneyChain> {
    start ??= genesis()
    return await copyOf((await start).state, await start)
  }

  constructor(evm: GenesisEvm, state: RememberingState) {
    this.evm = evm
    this.state = state
  }

  /** Another chain in the same state; neither sees what the other does from here on. */
  async fork(): Promise<MoneyChain> {
    return await copyOf(this.state, this.evm)
  }

  /** Runs `act` and takes the chain back to where it was. */
  async trial<T>(act: () => Promise<T>): Promise<T> {
    const { timestamp, blockNumber } = this.evm
    try {
      return await this.state.trial(act)
    } finally {
      this.evm.timestamp = timestamp
      this.evm.blockNumber = blockNumber
    }
  }

  /** Unix time in seconds of the block about to run. */
  get now(): bigint {
    return this.evm.timestamp
  }

  get blockNumber(): bigint {
    return this.evm.blockNumber
  }

  /** Moves the clock on; a block every 2 s. */
  advance(seconds: bigint | number): void {
    const blocks = BigInt(seconds) / 2n
    this.evm.timestamp += BigInt(seconds)
    this.evm.blockNumber += blocks > 0n ? blocks : 1n
  }

  /** Somebody new, or the one of that name again: 10,000 OPEN out of the liquidity, so that the supply stays. */
  actor(name: string): Actor {
    const actor = actorOf(name)
    const account = this.evm.state.account(actor.address)
    if (account.balance === 0n && account.nonce === 0n) {
      account.balance = 10_000n * open
      account.nonce = 1n
      this.evm.state.account(predeploys.nativeAssetLiquidity).balance -= account.balance
    }
    return actor
  }

  /** One transaction. Throws {@link Reverted}. */
  async send(
    from: Actor | Hex,
    contract: MoneyContract,
    functionName: string,
    args: readonly unknown[] = [],
    options: SendOptions = {},
  ): Promise<Sent> {
    const data = codec.encode(contract, functionName, args)
    const { result, gas } = await this.sendRaw(from, contracts[contract], data, options)
    const { exceptionError, returnValue, logs } = result.execResult
    if (exceptionError !== undefined) {
      const { error, args: why } = codec.error(returnValue, exceptionError.error)
      throw new Reverted(`${contract}.${functionName}`, error, why, gas)
    }
    return {
      gas,
      events: (logs ?? []).flatMap(decodeEvent),
      result: codec.result(contract, functionName, returnValue, args.length),
    }
  }

  /** Sends raw calldata; the EVM's result, reverted or not, and the gas of the transaction. */
  async sendRaw(from: Actor | Hex, to: Hex, data: Uint8Array, { value = 0n, gas }: SendOptions = {}) {
    const sender = typeof from === 'string' ? from : from.address
    const result = await this.evm.send(to, data, { from: sender, value, ...(gas === undefined ? {} : { gas }) })
    const { executionGasUsed, gasRefund = 0n } = result.execResult
    const used = intrinsicGas({ to: hexToBytes(to), data }, forks, this.now) + executionGasUsed
    const net = used - (gasRefund < used / 5n ? gasRefund : used / 5n)
    const floor = floorDataGas(data, forks, this.now)
    return { result, gas: net > floor ? net : floor }
  }

  /** The revert of a transaction that must not succeed. */
  async fails(
    from: Actor | Hex,
    contract: MoneyContract,
    functionName: string,
    args: readonly unknown[] = [],
    options: SendOptions = {},
  ): Promise<Reverted> {
    try {
      await this.send(from, contract, functionName, args, options)
    } catch (error) {
      if (error instanceof Reverted) return error
      throw error
    }
    throw new Error(`${contract}.${functionName} succeeded`)
  }

  /** What a view returns; the state stays as it is. */
  async read(contract: MoneyContract, functionName: string, args: readonly unknown[] = []): Promise<unknown> {
    const { execResult } = await this.evm.send(contracts[contract], codec.encode(contract, functionName, args), {})
    const { exceptionError, returnValue } = execResult
    if (exceptionError === undefined) return codec.result(contract, functionName, returnValue, args.length)
    const { error, args: why } = codec.error(returnValue, exceptionError.error)
    throw new Reverted(`${contract}.${functionName}`, error, why, execResult.executionGasUsed)
  }

  /** {@link read} of a view that depends on storage alone: remembered until a slot that it looked at is written. */
  async stored(contract: MoneyContract, functionName: string, ...args: readonly unknown[]): Promise<unknown> {
    const { state } = this
    return await state.remembered(`${contract} ${functionName} ${args}`, () => this.read(contract, functionName, args))
  }

  balance(of: Actor | MoneyContract | Hex): bigint {
    const address =
      typeof of !== 'string' ? of.address : of.startsWith('0x') ? (of as Hex) : addressOf(of as MoneyContract)
    return this.evm.state.accounts.get(address)?.balance ?? 0n
  }

  /** Σ of all balances: always 1e27, since what is burned goes to the liquidity. */
  supply(): bigint {
    let sum = 0n
    for (const { balance } of this.evm.state.accounts.values()) sum += balance
    return sum
  }
}

export function addressOf(contract: MoneyContract): Hex {
  return contracts[contract]
}

const forks = { isthmus: 0n, canyon: 0n }
let start: Promise<GenesisEvm> | undefined

async function genesis(): Promise<GenesisEvm> {
  const config = devPreset()
  const openBridge: Hex = `0x${'0b'.repeat(20)}`
  const evm = await GenesisEvm.create(config.l2ChainId, 1_700_000_000n)
  await placePredeploys(evm, config, { openBridge })
  evm.state.account(predeploys.nativeAssetLiquidity).balance = genesisLiquidity(config)
  for (const { address, balance } of config.fundedAccounts) evm.state.account(address).balance = balance
  evm.blockNumber = 1n
  return evm
}

async function copyOf(from: MemoryState, { timestamp, blockNumber, baseFee }: GenesisEvm): Promise<MoneyChain> {
  const state = new RememberingState()
  const evm = await fastEvm(state, chainId, timestamp)
  for (const [address, { nonce, balance, code, storage }] of from.accounts) {
    state.accounts.set(address, { nonce, balance, code, storage: new Map(storage) })
  }
  evm.blockNumber = blockNumber
  evm.baseFee = baseFee
  return new MoneyChain(evm, state)
}

const actors = new Map<string, Actor>()

function actorOf(name: string): Actor {
  let actor = actors.get(name)
  if (actor === undefined) {
    const key = keccak256(new TextEncoder().encode(`actor ${name}`))
    actor = {
      address: bytesToHex(privateKeyAddress(key)),
      sign: (digest) => {
        const { rs, yParity } = signDigest(digest, key)
        const vs = uintBytes(BigInt(bytesToHex(rs.subarray(32))) | (BigInt(yParity) << 255n), 32)
        const r = rs.slice(0, 32)
        return { r: bytesToHex(r), vs: bytesToHex(vs), bytes: concatBytes(r, vs) }
      },
    }
    actors.set(name, actor)
  }
  return actor
}

/** Events and errors of all contracts: a call into one may speak through another. */
const codec = new AbiCodec([...Object.keys(contracts), 'Answers'])

/** Of each contract alone: some have events of one signature with other names of arguments. */
const ownCodecs = new Map<Hex, AbiCodec>()
for (const [name, address] of Object.entries(contracts)) ownCodecs.set(address, new AbiCodec([name]))

function decodeEvent([address, topics, data]: [Uint8Array, Uint8Array[], Uint8Array]): MoneyEvent[] {
  const contract = bytesToHex(address)
  const event = ownCodecs.get(contract)?.event(topics, data) ?? codec.event(topics, data)
  return event === undefined ? [] : [{ contract, ...event }]
}
