import { devPrivateKeys } from '../common/dev-keys.ts'
import { predeploys } from '../contracts/addresses.ts'
import { bytesToHex, type Hex, hexToBytes, zeroAddress } from '../protocol/bytes.ts'
import { documentedGovernance } from '../protocol/governance-parameters.ts'
import { privateKeyAddress } from '../protocol/secp256k1.ts'
import { batchInboxOf, challengeWindowOf, type DeployConfig } from './deploy-config.ts'

/** Names of the presets. 1612 and 161201 are proposals for new chains with OpenLedger's ids, not the live networks. */
export type PresetName = 'dev' | '161201' | '1612'

/** What a deploy config falls back to. `dev` is complete; the others leave every address to their deploy config. */
export function preset(name: PresetName): Partial<DeployConfig> {
  return name === 'dev' ? devPreset() : publicPreset(name)
}

/** The accounts of the public development keys, in their order: who does what on a dev network. */
export const devRoles = {
  owner: 0,
  batcher: 1,
  proposer: 2,
  challenger: 3,
  unsafeBlockSigner: 4,
  attributor: 5,
} as const

/** A complete deploy config for one machine: known keys, short windows, labelled insecure wherever it is printed. */
export function devPreset(): DeployConfig {
  const addresses = devPrivateKeys.map((key): Hex => bytesToHex(privateKeyAddress(hexToBytes(key))))
  const account = (role: keyof typeof devRoles) => addresses[devRoles[role]] as Hex
  const l2ChainId = 901n
  return {
    ...common,
    l1ChainId: 31_337n,
    l2ChainId,
    batchInboxAddress: batchInboxOf(l2ChainId),
    batchSenderAddress: account('batcher'),
    unsafeBlockSigner: account('unsafeBlockSigner'),
    proposer: account('proposer'),
    challenger: account('challenger'),
    outputSubmissionInterval: 10n,
    finalizationPeriodSeconds: 4n,
    l1Owner: account('owner'),
    proxyAdminOwner: account('owner'),
    feeVaultMinimumWithdrawal: 10n ** 15n,
    l2GasLimit: 30_000_000n,
    l1OpenToken: null,
    attributor: account('attributor'),
    // Insecure: no challenger is sure to get a transaction in within 30 s. An epoch pays a minute after its batches.
    challengeWindowSeconds: 30n,
    channelWithdrawalDelaySeconds: 60n,
    unbondingSeconds: 120n,
    // Insecure: one key proposes to the Timelock beside the Governor, so that a dev chain can be changed without a vote.
    timelockProposer: account('owner'),
    fundedAccounts: addresses.map((address) => ({ address, balance: 10_000n * 10n ** 18n })),
  }
}

/**
 * Clocks of votes that are over in a quarter of a minute, in place of the documented ones of {@link devPreset}. What holds money
 * still waits the MoneyTimelock's fortnight.
 */
export const quickGovernance = {
  votingDelaySeconds: 2n,
  votingPeriodSeconds: 12n,
  timelockDelaySeconds: 2n,
  timelockGraceSeconds: 20n,
} as const satisfies Partial<DeployConfig>

/** Forks, fees and windows of a public network; keys and owners must come from whoever deploys it. */
function publicPreset(name: '161201' | '1612'): Partial<DeployConfig> {
  const l2ChainId = BigInt(name)
  return {
    ...common,
    l1ChainId: name === '1612' ? 1n : 11_155_111n,
    l2ChainId,
    batchInboxAddress: batchInboxOf(l2ChainId),
    // An hour of L2 blocks; seven days, the OP Stack's challenge window.
    outputSubmissionInterval: 1_800n,
    finalizationPeriodSeconds: 604_800n,
    feeVaultMinimumWithdrawal: 10n * 10n ** 18n,
    l2GasLimit: 60_000_000n,
    // OPEN on Ethereum is given by its deploy config, like every address; a test network deploys its own.
    ...(name === '161201' ? { l1OpenToken: null } : {}),
    challengeWindowSeconds: publicWindow,
    channelWithdrawalDelaySeconds: publicWindow + day,
    unbondingSeconds: 2n * publicWindow + 7n * day,
    timelockProposer: zeroAddress,
    fundedAccounts: [],
  }
}

const sequencerWindowSize = 3_600n
const publicWindow = challengeWindowOf(sequencerWindowSize)
const day = 86_400n

const common = {
  l2BlockTime: 2n,
  maxSequencerDrift: 600n,
  sequencerWindowSize,
  channelTimeout: 300n,
  eip1559Elasticity: 6n,
  eip1559Denominator: 250n,
  baseFeeScalar: 1_368n,
  blobBaseFeeScalar: 810_949n,
  feeRecipient: predeploys.feeSplitter,
  customGasToken: { name: 'OpenLedger', symbol: 'OPEN' },
  timelockDelaySeconds: documentedGovernance.timelockDelaySeconds,
  timelockGraceSeconds: documentedGovernance.timelockGraceSeconds,
  votingDelaySeconds: documentedGovernance.votingDelaySeconds,
  votingPeriodSeconds: documentedGovernance.votingPeriodSeconds,
} as const
