import { beforeEach, describe, expect, test } from 'vitest'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { devPreset } from '../../genesis/presets.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import { documentedGovernance } from '../../protocol/governance-parameters.ts'
import { callOf, day, descriptionHash, GovernedChain } from '../fakes/governed-chain.ts'
import { type Actor, MoneyChain, open } from '../fakes/money-chain.ts'

const { timelock, moneyTimelock } = openLedgerPredeploys
const owner = devPreset().proxyAdminOwner

let chain: MoneyChain
let gov: GovernedChain
let proposer: Actor
let voter1: Actor
let voter2: Actor
let anyone: Actor
beforeEach(async () => {
  chain = await MoneyChain.create()
  gov = new GovernedChain(chain)
  proposer = await gov.voter('proposer', 100n)
  voter1 = await gov.voter('voter1', 500n)
  voter2 = await gov.voter('voter2', 400n)
  anyone = chain.actor('anyone')
})

const governor = (functionName: string, args: readonly unknown[] = []) =>
  chain.read('OpenLedgerGovernor', functionName, args)
const refused = async (from: Actor | Hex, functionName: string, args: readonly unknown[]) =>
  (await chain.fails(from, 'OpenLedgerGovernor', functionName, args)).error
const shares = callOf('FeeShares', 'setStakersBps', [6_000])

/** Proposes and votes until the vote is over; `support` of voter1 with 500 votes, `against` of voter2 with 400. */
async function voted(calls: Parameters<GovernedChain['propose']>[1], for1: 0 | 1 | 2 = 1): Promise<bigint> {
  const id = await gov.propose(proposer, calls)
  gov.toVote()
  await gov.vote(id, voter1, for1)
  gov.toEndOfVote()
  return id
}

describe('OpenLedgerGovernor: deployment', () => {
  test('the right name, voting delay, period, threshold, quorum and clock, as documented', async () => {
    const { votingDelaySeconds, votingPeriodSeconds, proposalThreshold, quorumPercent } = documentedGovernance
    expect(await governor('name')).toBe('OpenLedger')
    expect(await governor('votingDelay')).toBe(votingDelaySeconds)
    expect(await governor('votingPeriod')).toBe(votingPeriodSeconds)
    expect(await governor('proposalThreshold')).toBe(proposalThreshold)
    expect(await governor('quorumNumerator()')).toBe(quorumPercent)
    expect(await governor('quorumDenominator')).toBe(100n)
    expect(await governor('CLOCK_MODE')).toBe('mode=timestamp')
    expect(await chain.read('Timelock', 'getMinDelay')).toBe(documentedGovernance.timelockDelaySeconds)
    expect(await chain.read('Timelock', 'gracePeriod')).toBe(documentedGovernance.timelockGraceSeconds)
  })

  test('voting power: getVotes of the Governor is the token’s of that time', async () => {
    expect(await governor('getVotes', [voter1.address, chain.now - 1n])).toBe(500n * open)
    expect(await governor('quorum', [chain.now - 1n])).toBe(250n * open)
  })
})

describe('all eight states', () => {
  test('Pending, Active, Succeeded, Queued, Executed: an action proposal does what it says, through the Timelock', async () => {
    const id = await gov.propose(proposer, [shares])
    expect(await gov.state(id)).toBe('Pending')
    expect(await refused(voter1, 'castVote', [id, 1])).toBe('GovernorUnexpectedProposalState')
    gov.toVote()
    expect(await gov.state(id)).toBe('Active')
    await gov.vote(id, voter1, 1)
    await gov.vote(id, voter2, 0)
    expect(await refused(voter1, 'castVote', [id, 1])).toBe('GovernorAlreadyCastVote')
    expect(await refused(proposer, 'castVote', [id, 3])).toBe('GovernorInvalidVoteType')
    expect(await refused(anyone, 'queue(uint256)', [id])).toBe('GovernorUnexpectedProposalState')
    gov.toEndOfVote()
    expect(await gov.state(id)).toBe('Succeeded')
    expect(await governor('proposalNeedsQueuing', [id])).toBe(true)
    expect(await refused(anyone, 'execute(uint256)', [id])).toBe('GovernorUnexpectedProposalState')
    await gov.governor(anyone, 'queue(uint256)', [id])
    expect(await gov.state(id)).toBe('Queued')
    expect(await chain.read('Timelock', 'getTimestamp', [await governor('operationOf', [id])])).toBe(chain.now + day)
    chain.advance(day - 1n)
    expect(await refused(anyone, 'execute(uint256)', [id])).toBe('TimelockUnexpectedOperationState')
    chain.advance(1n)
    const { events } = await gov.governor(anyone, 'execute(uint256)', [id])
    expect(events.map(({ name }) => name)).toEqual(['StakersShareSet', 'CallExecuted', 'ProposalExecuted'])
    expect(await gov.state(id)).toBe('Executed')
    expect(await chain.read('FeeShares', 'stakersBps')).toBe(6_000)
    expect(await refused(anyone, 'execute(uint256)', [id])).toBe('GovernorUnexpectedProposalState')
  })

  test('Expired: what nobody executes within the grace period is executed by nobody, here or at the Timelock', async () => {
    const id = await voted([shares])
    await gov.governor(anyone, 'queue(uint256)', [id])
    chain.advance(day + documentedGovernance.timelockGraceSeconds)
    expect(await gov.state(id)).toBe('Queued')
    await chain.trial(async () => void (await gov.governor(anyone, 'execute(uint256)', [id])))
    chain.advance(1n)
    expect(await gov.state(id)).toBe('Expired')
    expect(await refused(anyone, 'execute(uint256)', [id])).toBe('GovernorUnexpectedProposalState')
    const [targets, values, calls, hash] = (await governor('proposalDetails', [id])) as readonly [
      Hex[],
      bigint[],
      Hex[],
      Hex,
    ]
    const salt = `0x${(BigInt(hash) ^ (BigInt(openLedgerPredeploys.governor) << 96n)).toString(16).padStart(64, '0')}`
    const batch = [targets, values, calls, zeroHash, salt]
    expect((await chain.fails(anyone, 'Timelock', 'executeBatch', batch)).error).toBe(
      'TimelockUnexpectedOperationState',
    )
    expect(await chain.read('FeeShares', 'stakersBps')).toBe(5_000)
  })

  test('Defeated: too few votes, or as many against as for', async () => {
    const quiet = await gov.propose(proposer, [shares], 'too few')
    const split = await gov.propose(proposer, [shares], 'split')
    gov.toVote()
    await gov.vote(quiet, proposer, 1)
    await gov.vote(split, voter1, 0)
    await gov.vote(split, voter2, 1)
    await gov.vote(split, proposer, 1)
    gov.toEndOfVote()
    expect([await gov.state(quiet), await gov.state(split)]).toEqual(['Defeated', 'Defeated'])
    expect(await refused(anyone, 'queue(uint256)', [split])).toBe('GovernorUnexpectedProposalState')
  })

  test('abstaining counts for the quorum and for neither side', async () => {
    const id = await gov.propose(proposer, [shares])
    gov.toVote()
    await gov.vote(id, voter2, 2)
    await gov.vote(id, proposer, 1)
    gov.toEndOfVote()
    expect(await gov.state(id)).toBe('Succeeded')
  })

  test('Canceled: the proposer cancels its own while it is pending; nobody else, and not later', async () => {
    const id = await gov.propose(proposer, [shares])
    expect(await refused(voter1, 'cancel(uint256)', [id])).toBe('GovernorUnableToCancel')
    const { events } = await gov.governor(proposer, 'cancel(uint256)', [id])
    expect(events).toMatchObject([{ name: 'ProposalCanceled', args: { proposalId: id } }])
    expect(await gov.state(id)).toBe('Canceled')
    const other = await gov.propose(proposer, [shares])
    gov.toVote()
    expect(await refused(proposer, 'cancel(uint256)', [other])).toBe('GovernorUnableToCancel')
  })

  test('Canceled: an operation that a canceller of the Timelock takes back stays canceled for ever', async () => {
    const id = await voted([shares])
    await gov.governor(anyone, 'queue(uint256)', [id])
    const operation = await governor('operationOf', [id])
    expect((await chain.fails(anyone, 'Timelock', 'cancel', [operation])).error).toContain('Unauthorized')
    await chain.send(owner, 'Timelock', 'cancel', [operation])
    expect(await gov.state(id)).toBe('Canceled')
    chain.advance(100n * day)
    expect(await gov.state(id)).toBe('Canceled')
  })
})

describe('proposals', () => {
  test('threshold: whoever has fewer than 100 votes proposes nothing, and a proposal is made once', async () => {
    const poor = await gov.voter('poor', 99n)
    const args = [[shares.to], [0n], [shares.data], 'x']
    expect(await refused(poor, 'propose', args)).toBe('GovernorInsufficientProposerVotes')
    await gov.governor(proposer, 'propose', args)
    expect(await refused(proposer, 'propose', args)).toBe('GovernorUnexpectedProposalState')
    expect(await refused(proposer, 'propose', [[], [], [], 'nothing'])).toBe('GovernorInvalidProposalLength')
  })

  test('only votes of the time when the vote began count', async () => {
    const id = await gov.propose(proposer, [shares])
    gov.toVote()
    const late = await gov.voter('late', 5_000n)
    await gov.vote(id, late, 1)
    gov.toEndOfVote()
    expect(await gov.state(id)).toBe('Defeated')
  })

  test('settings: voting delay, period, threshold and quorum change by a vote and in no other way', async () => {
    for (const [setter, value] of [
      ['setVotingDelay', 2n * day],
      ['setVotingPeriod', 7n * day],
      ['setProposalThreshold', 50n * open],
      ['updateQuorumNumerator', 30n],
    ] as const) {
      for (const who of [owner, proposer, anyone]) {
        expect(await refused(who, setter, [value])).toBe('GovernorOnlyExecutor')
      }
      await chain.trial(async () => {
        const id = await voted([callOf('OpenLedgerGovernor', setter, [value])])
        await gov.governor(anyone, 'queue(uint256)', [id])
        chain.advance(day)
        await gov.governor(anyone, 'execute(uint256)', [id])
        const getter = setter.replace(/^(set|update)(.)/, (_, __, first: string) => first.toLowerCase())
        expect(await governor(`${getter}()`)).toBe(value)
      })
    }
  })

  test('signaling, ProposalNeedsQueuing: a proposal that changes nothing is voted on, its results are kept, it is queued and executed all the same', async () => {
    const id = await voted([{ to: proposer.address, data: '0x' }])
    // The results stand on chain, against, for, abstaining; it is queued as one that does something.
    expect(await governor('proposalVotes', [id])).toEqual([0n, 500n * open, 0n])
    expect(await governor('proposalNeedsQueuing', [id])).toBe(true)
    await gov.governor(anyone, 'queue(uint256)', [id])
    chain.advance(day)
    await gov.governor(anyone, 'execute(uint256)', [id])
    expect(await gov.state(id)).toBe('Executed')
  })

  test('by their calls and the description’s hash proposals are queued and executed as by their id', async () => {
    const description = 'by parts'
    const id = await gov.propose(proposer, [shares], description)
    gov.toVote()
    await gov.vote(id, voter1, 1)
    gov.toEndOfVote()
    const parts = [[shares.to], [0n], [shares.data], descriptionHash(description)]
    await gov.governor(anyone, 'queue(address[],uint256[],bytes[],bytes32)', parts)
    chain.advance(day)
    await gov.governor(anyone, 'execute(address[],uint256[],bytes[],bytes32)', parts)
    expect(await gov.state(id)).toBe('Executed')
  })
})

test('the treasury pays what a vote decides, out of what its pool brought the Timelock', async () => {
  await chain.send(anyone, 'RoyaltyVault', 'fund', [2, 0n], { value: 30n * open })
  await chain.send(anyone, 'RoyaltyVault', 'claimPool', [2, 0n, timelock])
  const [to, before] = [voter2.address, chain.balance(voter2)]
  const id = await voted([{ to, value: 10n * open, data: '0x' }])
  await gov.governor(anyone, 'queue(uint256)', [id])
  chain.advance(day)
  await gov.governor(anyone, 'execute(uint256)', [id])
  expect(chain.balance(to) - before).toBe(10n * open)
  expect(chain.balance(timelock)).toBe(20n * open)
})

test('what holds money changes only after the Timelock’s day and the MoneyTimelock’s fortnight', async () => {
  const floor = 14n * day
  const change = callOf('MoneyTimelock', 'updateDelay', [floor + day])
  const id = await voted([callOf('MoneyTimelock', 'schedule', [change.to, 0n, change.data, zeroHash, zeroHash, floor])])
  await gov.governor(anyone, 'queue(uint256)', [id])
  chain.advance(day)
  await gov.governor(anyone, 'execute(uint256)', [id])
  const call = [moneyTimelock, 0n, change.data, zeroHash, zeroHash]
  chain.advance(floor - 1n)
  expect((await chain.fails(anyone, 'MoneyTimelock', 'execute', call)).error).toBe('TimelockUnexpectedOperationState')
  chain.advance(1n)
  await chain.send(anyone, 'MoneyTimelock', 'execute', call)
  expect(await chain.read('MoneyTimelock', 'getMinDelay')).toBe(floor + day)
})
