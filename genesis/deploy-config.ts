import { predeploys } from '../contracts/addresses.ts'
import { bytesToHex, fixedHex, type Hex, uintBytes, zeroAddress } from '../protocol/bytes.ts'
import { documentedGovernance } from '../protocol/governance-parameters.ts'
import { keccak256 } from '../protocol/keccak.ts'
import { GenesisError } from './genesis-error.ts'

/** Everything a new chain's genesis depends on besides its L1 start block and L1 addresses. */
export type DeployConfig = {
  readonly l1ChainId: bigint
  readonly l2ChainId: bigint
  /** Seconds. */
  readonly l2BlockTime: bigint
  /** Seconds; Fjord fixes it at 1800 whatever this says. */
  readonly maxSequencerDrift: bigint
  /** L1 blocks. */
  readonly sequencerWindowSize: bigint
  /** L1 blocks; Granite fixes it at 50 whatever this says. */
  readonly channelTimeout: bigint
  readonly batchInboxAddress: Hex
  readonly batchSenderAddress: Hex
  /** Signs unsafe blocks on the p2p network. */
  readonly unsafeBlockSigner: Hex
  /** Posts output roots. */
  readonly proposer: Hex
  /** May delete output roots that are not final. */
  readonly challenger: Hex
  /** L2 blocks between two output roots. */
  readonly outputSubmissionInterval: bigint
  /** Seconds until an output root and a proven withdrawal are final. */
  readonly finalizationPeriodSeconds: bigint
  /** Owns the L1 SystemConfig and may pause the portal. */
  readonly l1Owner: Hex
  /** Owns the L2 ProxyAdmin, and through it every predeploy. */
  readonly proxyAdminOwner: Hex
  /** Receives the fee vaults' withdrawals: the FeeSplitter, which divides them between stakers and treasury, or an account. */
  readonly feeRecipient: Hex
  /** Wei below which a fee vault does not pay out. */
  readonly feeVaultMinimumWithdrawal: bigint
  readonly l2GasLimit: bigint
  readonly eip1559Elasticity: bigint
  readonly eip1559Denominator: bigint
  readonly baseFeeScalar: bigint
  readonly blobBaseFeeScalar: bigint
  /** The chain's own gas token; null: ETH pays for gas. */
  readonly customGasToken: { readonly name: string; readonly symbol: string } | null
  /** The ERC-20 behind the gas token on the L1; null: the deployment makes a development token. */
  readonly l1OpenToken: Hex | null
  /** Has the first 1/48 of a window to propose an epoch. */
  readonly attributor: Hex
  /** W: seconds in which a receipt, and later an epoch, can be challenged. MONEY §7. */
  readonly challengeWindowSeconds: bigint
  /** Seconds between asking for a channel's deposit and taking it out. */
  readonly channelWithdrawalDelaySeconds: bigint
  /** Seconds a worker's stake still answers for what the worker did. */
  readonly unbondingSeconds: bigint
  /** Proposes to the Timelock and cancels beside the Governor; zero: nobody does. */
  readonly timelockProposer: Hex
  /** Seconds between queueing and executing what the Governor decided. */
  readonly timelockDelaySeconds: bigint
  /** Seconds in which what is due can be executed. */
  readonly timelockGraceSeconds: bigint
  /** Seconds between a proposal and its vote. */
  readonly votingDelaySeconds: bigint
  /** Seconds of a vote. */
  readonly votingPeriodSeconds: bigint
  /** Accounts with a balance at genesis. */
  readonly fundedAccounts: readonly FundedAccount[]
}

/** An account of the genesis block and its wei. */
export type FundedAccount = { readonly address: Hex; readonly balance: bigint }

/** Parses a deploy config; keys it lacks come from `preset`. Unknown and missing keys are refused by name. */
export function parseDeployConfig(json: unknown, preset: Partial<DeployConfig> = {}): DeployConfig {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw wrong('a deploy config is a JSON object')
  const given = json as Readonly<Record<string, unknown>>
  const unknownKeys = Object.keys(given).filter((key) => !(key in fields))
  if (unknownKeys.length > 0) throw wrong(`unknown key ${unknownKeys.join(', ')}`)
  const missing = Object.keys(fields).filter((key) => given[key] === undefined && !(key in preset))
  if (missing.length > 0) throw wrong(`missing ${missing.join(', ')}`)
  const parsed = Object.entries(fields)
    .filter(([key]) => given[key] !== undefined)
    .map(([key, parse]) => [key, parse(given[key], key)])
  return checkDeployConfig({ ...preset, ...Object.fromEntries(parsed) } as DeployConfig)
}

/** The JSON form that {@link parseDeployConfig} reads. */
export function deployConfigJson(config: DeployConfig): Record<string, unknown> {
  const plain = (value: unknown): unknown => {
    if (typeof value !== 'bigint') return value
    return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value.toString()
  }
  const entries = Object.keys(fields).map((key) => [key, plain(config[key as keyof DeployConfig])])
  return {
    ...Object.fromEntries(entries),
    feeVaultMinimumWithdrawal: config.feeVaultMinimumWithdrawal.toString(),
    fundedAccounts: config.fundedAccounts.map(({ address, balance }) => ({ address, balance: balance.toString() })),
  }
}

/** Rules over several fields; returns the config. */
export function checkDeployConfig(config: DeployConfig): DeployConfig {
  if (config.l1ChainId === config.l2ChainId) throw wrong(`l1ChainId and l2ChainId are both ${config.l1ChainId}`)
  for (const key of ['l2BlockTime', 'channelTimeout', 'outputSubmissionInterval'] as const) {
    if (config[key] === 0n) throw wrong(`${key} must be above 0`)
  }
  if (config.sequencerWindowSize < 2n) throw wrong('sequencerWindowSize must be at least 2')
  if (config.eip1559Denominator === 0n || config.eip1559Elasticity === 0n) {
    throw wrong('eip1559Denominator and eip1559Elasticity must be above 0')
  }
  if (config.l2GasLimit < gasLimitMin || config.l2GasLimit > gasLimitMax) {
    throw wrong(`l2GasLimit must be between ${gasLimitMin} and ${gasLimitMax}, as SystemConfig demands`)
  }
  for (const key of [
    'batchInboxAddress',
    'batchSenderAddress',
    'proxyAdminOwner',
    'l1Owner',
    'feeRecipient',
    'attributor',
  ] as const) {
    if (config[key] === zeroAddress) throw wrong(`${key} must not be the zero address`)
  }
  checkClocks(config)
  checkGovernance(config)
  const addresses = config.fundedAccounts.map(({ address }) => address)
  const repeated = addresses.find((address, index) => addresses.indexOf(address) !== index)
  if (repeated !== undefined) throw wrong(`fundedAccounts lists ${repeated} twice`)
  return config
}

/** Chain id of the L1 on one machine (anvil's); only there may the clocks of money be shorter than is safe. */
const devL1ChainId = 31_337n
const l1BlockSeconds = 12n
const day = 86_400n

/** Seconds of L2 time within which a transaction forced through L1 lands, whatever the sequencer does. Spec: fjord/derivation.md. */
const forcedInclusionSeconds = 1_800n
/** Part of a window in which an epoch's proposer answers. DataRequests.EPOCH_ANSWER_FRACTION. */
const answerFraction = 16n

/**
 * MONEY §7. A window must outlast twice the time for which the sequencer may keep its blocks back, and the shortest time for an
 * answer the time that a transaction takes through L1.
 */
function checkClocks(config: DeployConfig): void {
  const { challengeWindowSeconds: window } = config
  if (window < 3n)
    throw wrong('challengeWindowSeconds must be at least 3: requests, answers and challenges have a third')
  const isDev = config.l1ChainId === devL1ChainId
  const heard = [challengeWindowOf(config.sequencerWindowSize), answerFraction * forcedInclusionSeconds]
  const minima = {
    challengeWindowSeconds: isDev ? 0n : heard.reduce((a, b) => (a > b ? a : b)),
    channelWithdrawalDelaySeconds: isDev ? window : window + day,
    unbondingSeconds: isDev ? 2n * window : 2n * window + 7n * day,
  }
  for (const [key, least] of Object.entries(minima) as [keyof typeof minima, bigint][]) {
    if (config[key] < least)
      throw wrong(`${key} must be at least ${least}: with ${config[key]} money could leave before its judges`)
  }
}

/** On a public L1 the clocks of governance are the documented ones; on one machine they only have to be there. */
function checkGovernance(config: DeployConfig): void {
  for (const key of [
    'timelockDelaySeconds',
    'timelockGraceSeconds',
    'votingDelaySeconds',
    'votingPeriodSeconds',
  ] as const) {
    const documented = documentedGovernance[key]
    if (config[key] === 0n) throw wrong(`${key} must be above 0`)
    if (config.l1ChainId !== devL1ChainId && config[key] !== documented) throw wrong(`${key} must be ${documented}`)
  }
  if (config.customGasToken === null && config.timelockProposer === zeroAddress) {
    throw wrong('timelockProposer must not be the zero address where ETH pays for gas: there is no Governor')
  }
  if (config.customGasToken === null && config.feeRecipient === predeploys.feeSplitter) {
    throw wrong('feeRecipient must be an L1 account where ETH pays for gas: there is no FeeSplitter')
  }
}

/** W in seconds for a sequencing window in L1 blocks. */
export function challengeWindowOf(sequencerWindowSize: bigint): bigint {
  return 2n * sequencerWindowSize * l1BlockSeconds
}

/** Batch inbox of a chain id as the superchain registry forms it: 0x00 and 19 bytes of keccak256(chain id). */
export function batchInboxOf(l2ChainId: bigint): Hex {
  return `0x00${bytesToHex(keccak256(uintBytes(l2ChainId, 32))).slice(2, 2 + 38)}`
}

/** SystemConfig.minimumGasLimit and maximumGasLimit. */
const gasLimitMin = 21_000_000n
const gasLimitMax = 500_000_000n

type Parse = (value: unknown, key: string) => unknown

/** Every key and how it is read; the order is that of the JSON form. */
const fields: { readonly [K in keyof DeployConfig]-?: Parse } = {
  l1ChainId: uint(64),
  l2ChainId: uint(64),
  l2BlockTime: uint(32),
  maxSequencerDrift: uint(32),
  sequencerWindowSize: uint(32),
  channelTimeout: uint(32),
  batchInboxAddress: address,
  batchSenderAddress: address,
  unsafeBlockSigner: address,
  proposer: address,
  challenger: address,
  outputSubmissionInterval: uint(32),
  finalizationPeriodSeconds: uint(32),
  l1Owner: address,
  proxyAdminOwner: address,
  feeRecipient: address,
  feeVaultMinimumWithdrawal: uint(256),
  l2GasLimit: uint(64),
  eip1559Elasticity: uint(32),
  eip1559Denominator: uint(32),
  baseFeeScalar: uint(32),
  blobBaseFeeScalar: uint(32),
  customGasToken: gasToken,
  l1OpenToken: (value, key) => (value === null ? null : address(value, key)),
  attributor: address,
  challengeWindowSeconds: uint(32),
  channelWithdrawalDelaySeconds: uint(32),
  unbondingSeconds: uint(32),
  timelockProposer: address,
  timelockDelaySeconds: uint(32),
  timelockGraceSeconds: uint(32),
  votingDelaySeconds: uint(32),
  votingPeriodSeconds: uint(32),
  fundedAccounts: accounts,
}

/** A whole number as JSON number, decimal string or 0x quantity. */
function uint(bits: number): Parse {
  return (value, key) => {
    const whole =
      (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) ||
      (typeof value === 'string' && /^(0x[0-9a-fA-F]{1,64}|[0-9]{1,78})$/.test(value))
    if (!whole) throw wrong(`${key} must be a whole number, got ${JSON.stringify(value)}`)
    const parsed = BigInt(value as number | string)
    if (parsed >= 1n << BigInt(bits)) throw wrong(`${key} does not fit ${bits} bits`)
    return parsed
  }
}

function address(value: unknown, key: string): Hex {
  try {
    return fixedHex(value, 20, key)
  } catch (cause) {
    throw new GenesisError('config', `deploy config: ${key} must be an address`, { cause })
  }
}

function gasToken(value: unknown, key: string): DeployConfig['customGasToken'] {
  if (value === null) return null
  const { name, symbol, ...rest } = record(value, key)
  // A Solidity short string; the names go into L1Block's reply.
  const short = (text: unknown): text is string => typeof text === 'string' && /^[\x20-\x7e]{1,31}$/.test(text)
  if (!short(name) || !short(symbol) || Object.keys(rest).length > 0) {
    throw wrong(`${key} must be null or { name, symbol } of 1 to 31 ASCII characters each`)
  }
  return { name, symbol }
}

function accounts(value: unknown, key: string): FundedAccount[] {
  if (!Array.isArray(value)) throw wrong(`${key} must be a list`)
  return value.map((entry, index) => {
    const { address: owner, balance, ...rest } = record(entry, `${key}[${index}]`)
    if (Object.keys(rest).length > 0) throw wrong(`${key}[${index}] has unknown keys`)
    return {
      address: address(owner, `${key}[${index}].address`),
      balance: uint(256)(balance, `${key}[${index}].balance`) as bigint,
    }
  })
}

function record(value: unknown, key: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(`${key} must be an object`)
  return value as Record<string, unknown>
}

function wrong(message: string): GenesisError {
  return new GenesisError('config', `deploy config: ${message}`)
}
