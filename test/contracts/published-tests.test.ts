import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

/**
 * What the tests of OpenLedger's published contracts (github.com/openledger-dev/openledger and openledger-staking) look at, by the names
 * of their groups or functions, and the files of ours that have a scenario of that name. Two have none, as ours has nothing of the kind:
 * TopupStakeWithTopupDisabled (stakes can always be topped up) and CommitmentTest (no manager signs for an early end).
 */
const scenarios: Readonly<Record<string, readonly string[]>> = {
  'gopen.test.ts': [
    ...['Deployment', 'Deposits', 'Withdrawals', 'Governance and voting', 'Permit', 'Receive function'],
    ...['Custom errors', 'Overrides', 'Reentrancy', 'State consistency', 'Checkpoints'],
  ],
  'governor.test.ts': [
    ...['deployment', 'voting power', 'action proposal', 'Canceled: the proposer', 'signaling', 'ProposalNeedsQueuing'],
    ...['settings: voting delay, period, threshold', 'threshold: whoever', 'all eight states'],
  ],
  'wopen.test.ts': [
    ...['Deployment', 'Deposits', 'Withdrawals', 'Transfers', 'Allowances', 'total supply', 'Receive function'],
    ...['ERC20Bank exploit', 'permit attack', 'reentrancy prevention', 'infinite approval', 'exact balance', 'of zero'],
  ],
  'open-token.test.ts': ['Deployment', 'Transactions', 'TransferFrom'],
  'open-burner.test.ts': ['burn'],
  'stake-pool.test.ts': [
    ...[
      'CalculateAmountFuzz',
      'CalculateAmountExceedsStakeDuration',
      'CalculateAmount: basic, zero time, large amount',
    ],
  ],
  'stake-pool-published.test.ts': [
    ...['CalculateAmountHighRate', 'CalculateAmountZeroRate', 'CalculateAmountInfiniteDuration', 'AccureInterest,'],
    ...[
      'AccureInterestNoChange',
      'AccureInterestMultipleTimes',
      'CalculateAmountPrecision',
      'CalculateAmountEdgeCases',
    ],
    ...['CalculateAmountConsistency', 'AccureInterestWithExistingInterest', 'IntegrationStakeAndCalculateAmount'],
    ...['IntegrationTopUpAndCalculateAmount', 'StakeZeroAmount', 'TopupZeroAmount', 'UnauthorizedBankUpdatesConfig'],
    ...['NonBankUpdatesConfig', 'StakeOnInactiveConfig', 'StakeOnNonPublicConfig', 'StakeOnPlanToggledInactive'],
    ...[
      'TopupOnInactivePlan',
      'StakeAmountTooSmall',
      'StakeAmountExceedsMax',
      'StakeMinimumAmount',
      'StakeMaximumAmount',
    ],
    ...[
      'StakeExceedsMaxAfterTopup',
      'TopupWithNonOwnAccount',
      'TopupNonExistentStake',
      'TopupEndedStake',
      'TopupStake,',
    ],
    ...['RequestUnstakeNonExistentStake', 'RequestUnstakeWithWrongRecipient', 'UnstakeBeforeCooldown'],
    ...['UnstakeWithWrongRecipient', 'UnstakeNonExistentRequest', 'RequestUnstakeBeforeStakeEnded'],
    ...[
      'UnstakeWithCooldown',
      'UnstakeWithoutCooldown,',
      'UnstakeWithoutCooldownWithInterest',
      'Stake,',
      'StakeOnBehalfOf',
    ],
    ...['ConfigCreation'],
  ],
}

describe.each(Object.entries(scenarios))('%s', (file, names) => {
  const text = readFileSync(join(import.meta.dirname, file), 'utf8')
  const titles = [...text.matchAll(/\b(?:test|describe)\(\s*'([^']+)'/g)].map(([, title]) => title).join('\n')

  test.each(names)('has a scenario of %s', (name) => {
    expect(titles).toContain(name)
  })
})
