import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { commonFlags } from '../../../cli/main.ts'
import { accessTable } from '../../../cli/money/access-table.ts'
import type { Action, Query } from '../../../cli/money/action.ts'
import { agentTable } from '../../../cli/money/agent-table.ts'
import { claimTable } from '../../../cli/money/claim-table.ts'
import { committeeTable } from '../../../cli/money/committee-table.ts'
import { credentialTable } from '../../../cli/money/credential-table.ts'
import { datanetTable } from '../../../cli/money/datanet-table.ts'
import { describeTable } from '../../../cli/money/describe-table.ts'
import { disputeTable } from '../../../cli/money/dispute-table.ts'
import { errorTexts } from '../../../cli/money/error-texts.ts'
import { eventTexts } from '../../../cli/money/event-texts.ts'
import { gateTable } from '../../../cli/money/gate-table.ts'
import { govTable } from '../../../cli/money/gov-table.ts'
import { grantTable } from '../../../cli/money/grant-table.ts'
import { indexTable } from '../../../cli/money/index-table.ts'
import { inferTable } from '../../../cli/money/infer-table.ts'
import { licenceTable } from '../../../cli/money/licence-table.ts'
import { modelTable } from '../../../cli/money/model-table.ts'
import { actionFlags, paperFlags, queryFlags } from '../../../cli/money/money-flags.ts'
import { reviewTable } from '../../../cli/money/review-table.ts'
import { signatureTable } from '../../../cli/money/signature-table.ts'
import { sketchTable } from '../../../cli/money/sketch-table.ts'
import { stakeTable } from '../../../cli/money/stake-table.ts'
import { unitsTable } from '../../../cli/money/units-table.ts'
import { workerTable } from '../../../cli/money/worker-table.ts'
import { interfaceOf } from '../../../contracts/interface-of.ts'

const tables = {
  agent: agentTable,
  grant: grantTable,
  datanet: datanetTable,
  describe: describeTable,
  units: unitsTable,
  access: accessTable,
  gate: gateTable,
  credential: credentialTable,
  review: reviewTable,
  dispute: disputeTable,
  model: modelTable,
  sketch: sketchTable,
  signature: signatureTable,
  index: indexTable,
  licence: licenceTable,
  worker: workerTable,
  infer: inferTable,
  claim: claimTable,
  gov: govTable,
  stake: stakeTable,
  committee: committeeTable,
}
const rows: readonly (readonly [string, Action | Query])[] = Object.entries(tables).flatMap(([group, table]) =>
  Object.entries(table).map(([name, row]) => [`${group} ${name}`, row] as const),
)
const actions = rows.flatMap(([name, row]) => ('functionName' in row ? [[name, row] as const] : []))

/** What no user calls, and who does. */
const notForUsers: Readonly<Record<string, readonly string[]>> = {
  // The timelock; the attributor's role.
  ModelRegistry: ['freeze', 'unfreeze'],
  // Genesis; disputes; the attributor's role.
  WorkerRegistry: ['initialize', 'slash', 'commitHeartbeats'],
  // Genesis; disputes; the attribution ledger; the worker registry.
  InferenceMarket: ['initialize', 'voidReceipt', 'voidBatch', 'hold', 'unhold', 'payEpoch', 'setStake'],
  // Genesis; the attribution ledger; the market; StakePool, DatanetReview and the money timelock.
  RoyaltyVault: ['initialize', 'publishRoot', 'creditEpoch', 'setUnits'],
  // DatanetReview and DatanetJudge; DatanetRelay; the timelock; DatanetAccess.
  DatanetRegistry: ['decideBy', 'redirectPayout', 'hold', 'unhold', 'slashBond', 'submitVia', 'setLimits', 'setGated'],
  DatanetRelay: [],
  // SignatureProofs.
  DatanetJudge: ['awardSlashed', 'awardShown'],
  // The registry's publish; the vault.
  DatanetUnits: ['issue', 'credit', 'take'],
  DatanetVotes: ['initialize'],
  // The registry.
  DatanetAccess: ['countOutcome'],
  // Genesis; the timelock; SignatureProofs.
  DatanetReview: ['initialize', 'rule', 'refute'],
  SignatureProofs: [],
  SignatureRegistry: [],
  // Genesis; the watcher's challenges and rewards.
  SketchRegistry: [
    ...['initialize', 'commitEvidence', 'payReward', 'takeOverReward'],
    ...['badTableLeaf', 'absentTableLeaf', 'badTableOrder', 'foreignTableRow'],
  ],
  CodeRegistry: [],
  // Genesis; disputes; what every wallet does with a token.
  AgentRegistry: ['initialize', 'slash', 'lock', 'unlock', 'safeTransferFrom', 'setApprovalForAll'],
  AgentReviews: [],
  AgentSpending: [],
  AgentTrails: ['initialize'],
  Grants: ['initialize'],
  EAS: [],
  SchemaRegistry: [],
  // Genesis; the timelock; the model registry.
  LicencePolicy: ['initialize', 'listLicence', 'licenseModel', 'licenseVersion'],
  // What every wallet does with a token.
  GOPEN: ['approve', 'transfer', 'transferFrom', 'permit', 'delegateBySig'],
  // A vote, through the timelock; signatures and bytes of other tools; tokens that were sent here.
  OpenLedgerGovernor: [
    ...[
      'relay',
      'setProposalThreshold',
      'setVotingDelay',
      'setVotingPeriod',
      'updateQuorumNumerator',
      'updateTimelock',
    ],
    ...['castVote', 'castVoteBySig', 'castVoteWithReasonAndParams', 'castVoteWithReasonAndParamsBySig'],
    ...['onERC721Received', 'onERC1155Received', 'onERC1155BatchReceived'],
  ],
  // Genesis; the timelock.
  StakePool: ['initialize', 'setConfig'],
  // Genesis; the owner of the ProxyAdmin.
  FeeSplitter: ['initialize', 'setSharesCalculator'],
  // Genesis; the role checker; the judge of sketches.
  CheckerCommittee: ['initialize', 'open', 'openFor', 'drawProven', 'sendVote', 'showVote'],
  // Genesis; the watcher's challenges and rewards.
  IndexRegistry: [
    ...['initialize', 'commitEvidence', 'payReward', 'takeOverReward'],
    ...['badOrder', 'badSuffix', 'equalSuffixes', 'badSeparators', 'badDocument', 'badItem', 'otherItems', 'noItem'],
    ...['badToken', 'badUnigram', 'badOffset', 'badStart', 'badBytes', 'badLength', 'badVocab'],
  ],
}

type AbiItem = {
  readonly type: string
  readonly name: string
  readonly stateMutability?: string
  readonly inputs: readonly { readonly name: string }[]
}
const abi = (contract: string) => interfaceOf(contract) as unknown as readonly AbiItem[]
const contracts = Object.keys(notForUsers)

describe('the table of actions', () => {
  test('every row of every table of commands is looked at here', async () => {
    const folder = new URL('../../../cli/money/', import.meta.url)
    const looked = new Set<unknown>(rows.map(([, row]) => row))
    const files = readdirSync(folder).filter((file) => file.endsWith('-table.ts'))
    expect(files.length).toBeGreaterThanOrEqual(Object.keys(tables).length)
    for (const file of files) {
      const module = (await import(new URL(file, folder).href)) as Record<string, object>
      const exported = Object.entries(module).filter(([name]) => name.endsWith('Table'))
      expect(exported.length, file).toBeGreaterThan(0)
      const found = exported.flatMap(([, table]) =>
        Object.entries(table).flatMap(([name, row]) => (looked.has(row) ? [] : [`${file}: ${name}`])),
      )
      expect(found).toEqual([])
    }
  })

  test.each(contracts)('every function of %s that a user may call has an action', (contract) => {
    const changing = abi(contract).filter(
      ({ type, stateMutability }) => type === 'function' && !['view', 'pure'].includes(stateMutability ?? ''),
    )
    const reached = actions
      .filter(([, action]) => action.contract === contract)
      .map(([, action]) => action.functionName)
    const missing = changing.map(({ name }) => name).filter((name) => !reached.includes(name))
    expect(missing.filter((name) => !notForUsers[contract]?.includes(name))).toEqual([])
    expect(reached.filter((name) => !changing.some((each) => each.name === name))).toEqual([])
  })

  test('what is kept from users is still a function that nobody reaches', () => {
    for (const [contract, names] of Object.entries(notForUsers)) {
      const reached = actions.filter(([, action]) => action.contract === contract).map(([, each]) => each.functionName)
      expect(names.filter((name) => reached.includes(name))).toEqual([])
    }
  })

  test.each(rows)('%s: no argument has the name of a flag that is there anyway', (_, row) => {
    const shared = 'functionName' in row ? actionFlags : row.makesFile ? paperFlags : queryFlags
    const taken = [...Object.keys(shared), ...Object.keys(commonFlags)]
    expect(Object.keys(row.args).filter((name) => taken.includes(name))).toEqual([])
  })

  test.each(rows)('%s: the defaults of its arguments parse', (_, { args }) => {
    for (const { default: text, parse } of Object.values(args)) {
      if (text !== undefined) expect(() => parse(text)).not.toThrow()
    }
  })
})

/** Errors that only other contracts of the protocol, genesis or a bug meet. */
const neverMet = [
  'InvalidInitialization',
  'InsufficientBalance',
  'NotInitializing',
  'ReentrancyGuardReentrantCall',
  'OversizedField',
]

describe('words', () => {
  const speaking = [...contracts, 'RoyaltyGraph', 'Timelock']
  const items = (type: string) =>
    speaking.flatMap((contract) =>
      abi(contract)
        .filter((item) => item.type === type)
        .map((item) => ({ contract, ...item })),
    )
  /** Names of `{name}` and `{name:unit}`. */
  const used = (text: string) => [...text.matchAll(/\{(\w+)(?::\w+)?\}/g)].map((match) => match[1] ?? '')

  test('every event of an action is told in words with arguments that it has', () => {
    const own = [
      'PayerDeposited',
      'BatchCommitted',
      'Claimed',
      'PriceSet',
      'StakeAdded',
      'PayoutRotated',
      'CodeRegistered',
    ]
    expect(own.filter((name) => eventTexts[name] === undefined)).toEqual([])
    for (const [key, text] of Object.entries(eventTexts)) {
      const [name = '', contract] = key.split('.').reverse()
      // A contract's own words are the ones that count.
      const isMeant = (each: string) =>
        contract === undefined ? eventTexts[`${each}.${name}`] === undefined : contract === each
      const found = items('event').filter((each) => each.name === name && isMeant(each.contract))
      expect(found.length, `no event ${name}`).toBeGreaterThan(0)
      for (const { contract, inputs } of found) {
        const unknown = used(text).filter((arg) => !inputs.some((input) => input.name === arg))
        expect(unknown, `${contract}.${name}`).toEqual([])
      }
    }
  })

  test('every error that a user can meet is told in words with arguments that it has', () => {
    const silent: string[] = []
    for (const { contract, name, inputs } of items('error')) {
      const text = errorTexts[`${contract}.${name}`] ?? errorTexts[name]
      const byOthers = notForUsers[contract]?.length !== 0 && onlyOthers.includes(name)
      if (text === undefined) {
        if (!neverMet.includes(name) && !byOthers) silent.push(`${contract}.${name}`)
        continue
      }
      const unknown = used(text).filter((arg) => !inputs.some((input) => input.name === arg))
      expect(unknown, `${contract}.${name}`).toEqual([])
    }
    expect(silent).toEqual([])
  })

  test('no words are kept for an error that no contract has', () => {
    const names = items('error').flatMap(({ contract, name }) => [name, `${contract}.${name}`])
    expect(Object.keys(errorTexts).filter((name) => !names.includes(name))).toEqual([])
  })
})

/** Errors of functions in `notForUsers`. */
const onlyOthers = [
  ...[
    'DelayTooShort',
    'NotHeld',
    'NoSuchReceipt',
    'ReceiptIsVoid',
    'AboveMatured',
    'NotDatanetRegistry',
    'NotLedger',
    'NotMarket',
    'RootExists',
    'BadList',
    'NotModelRegistry',
  ],
  // Signatures, allowances and settings of other tools; what OpenZeppelin's contracts cannot come to here.
  ...['ECDSAInvalidSignature', 'ECDSAInvalidSignatureLength', 'ECDSAInvalidSignatureS', 'ERC2612ExpiredSignature'],
  ...['ERC20ExceededSafeSupply', 'ERC20InsufficientAllowance', 'ERC20InvalidApprover', 'ERC20InvalidReceiver'],
  ...['ERC6909InvalidApprover', 'ERC6909InvalidSender', 'ERC6909InvalidSpender', 'NotVault'],
  ...['ERC20InvalidSender', 'ERC20InvalidSpender', 'ERC2612InvalidSigner', 'InvalidAccountNonce', 'InvalidShortString'],
  ...['SafeCastOverflowedUintDowncast', 'StringTooLong', 'VotesExpiredSignature', 'ERC6372InconsistentClock'],
  ...[
    'GovernorDisabledDeposit',
    'GovernorInvalidQuorumFraction',
    'GovernorInvalidSignature',
    'GovernorInvalidVoteParams',
  ],
  ...['GovernorInvalidVotingPeriod', 'GovernorProposalQueueingFailed', 'GovernorProposalQueueingNotRequired'],
  ...['MinStakeTooHigh', 'RateTooHigh', 'NotCurrentVault', 'NotProxyAdminOwner', 'AccessControlBadConfirmation'],
  ...['AccessControlUnauthorizedAccount', 'TimelockInvalidOperationLength', 'TimelockUnauthorizedCaller', 'FailedCall'],
  ...['BadMediaType', 'BadVisibility', 'BadCount', 'EmptyRoot'],
  ...[
    'HeartbeatsNotNext',
    'NotAttributor',
    'NotOwner',
    'WrongBond',
    'Duplicate',
    'NotRegistry',
    'BadRoyaltyCount',
    'BadRoyaltyRow',
    'BadRoyaltySum',
  ],
  ...[
    ...['AlreadyCommitted', 'AlreadyFalse', 'CountNotProven', 'EntryOutOfRange', 'NoBytes', 'NoEarlierCommitment'],
    ...[
      'AlreadyOpened',
      'NoSeat',
      'NotDecided',
      'NotNeighbours',
      'NotInTree',
      'NotOpener',
      'ProofInvalid',
      'RlpMalformed',
      'SnapshotTooOld',
    ],
    ...[
      'TimeNotPast',
      'UnknownBatch',
      'UnknownBlock',
      'UnknownKind',
      'WrongClass',
      'WrongOrigin',
      'WrongSources',
      'WrongVote',
    ],
    ...['NoFault', 'NoReward', 'NotAToken', 'NotHolder', 'NotInDocument', 'NotShown', 'RewardSettled', 'RewardWaits'],
    ...['TextRight', 'VocabRight', 'TextTooLong', 'UnknownFormat', 'WrongRun', 'WrongRunBytes', 'WrongRunSiblings'],
  ],
]
