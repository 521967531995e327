import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { documentedGovernance } from '../../../protocol/governance-parameters.ts'
import { compound } from '../../../protocol/stake-interest.ts'
import { addressOf, CommandLine } from '../../fakes/command-line.ts'
import { openledger } from '../../fakes/money-cli.ts'

/** OPEN holders on a running chain with the documented clocks, by the command line alone; only time is moved. */
const [proposer, voter, opponent, staker] = [1, 2, 3, 4] as const
const day = 86_400n
const { votingDelaySeconds, votingPeriodSeconds, timelockDelaySeconds, timelockGraceSeconds } = documentedGovernance
const open = 10n ** 18n

let people: CommandLine
let { does, isRefused, later, run, shows } = {} as CommandLine
beforeAll(async () => {
  people = await CommandLine.open()
  ;({ does, isRefused, later, run, shows } = people)
})
afterAll(() => people.close())

async function propose(description: string, list: readonly object[]): Promise<string> {
  const calls = people.file('calls.json', JSON.stringify(list))
  const { ProposalCreated } = await does(proposer, `gov propose --calls ${calls} --description "${description}"`)
  return ProposalCreated?.['proposalId'] ?? ''
}

const stateOf = async (id: string) => (await shows(0, `gov state --proposal ${id}`))['state']

describe('a vote on a running chain', () => {
  test('wrap, delegate, propose, vote, queue, execute: a rate of the StakePool changes', async () => {
    for (const [who, amount] of [
      [proposer, 100],
      [voter, 600],
      [opponent, 500],
    ] as const) {
      await does(who, `gov wrap --amount ${amount}`)
      await does(who, 'gov delegate')
    }
    await later(2n)
    expect(await shows(voter, 'gov votes')).toMatchObject({ balance: String(600n * open), votes: String(600n * open) })

    const id = await propose('A better rate for a year', [
      {
        contract: 'StakePool',
        function: 'setConfig',
        args: [4, '150000000000000000', String(open), String(10n ** 27n), true],
      },
    ])
    expect(await stateOf(id)).toBe('Pending')
    await isRefused(voter, `gov vote --proposal ${id} --support for`, 'not in the state')
    await later(votingDelaySeconds)
    expect(await stateOf(id)).toBe('Active')
    await does(voter, `gov vote --proposal ${id} --support for --reason "a longer lock is worth more"`, openledger)
    await does(opponent, `gov vote --proposal ${id} --support against`)
    await isRefused(voter, `gov vote --proposal ${id} --support for`, 'voted already')
    await later(votingPeriodSeconds)
    expect(await shows(0, `gov state --proposal ${id}`)).toMatchObject({
      state: 'Succeeded',
      for: String(600n * open),
      against: String(500n * open),
      quorum: String(300n * open),
    })
    await isRefused(voter, `gov execute --proposal ${id}`, 'not in the state')
    const { ProposalQueued } = await does(staker, `gov queue --proposal ${id}`)
    expect(ProposalQueued?.['proposalId']).toBe(id)
    await isRefused(voter, `gov execute --proposal ${id}`, 'not due yet')
    await later(timelockDelaySeconds)
    await does(staker, `gov execute --proposal ${id}`)
    expect(await stateOf(id)).toBe('Executed')
    const { terms } = (await shows(0, 'stake rates')) as { terms: { term: string; ratePerYear: string }[] }
    expect(terms.find(({ term }) => term === '365d')?.ratePerYear).toBe('15 %')
  })

  test('Canceled, Defeated and Expired are reached by the same commands', async () => {
    const canceled = await propose('Taken back', [{ to: addressOf(9), value: '1' }])
    await isRefused(voter, `gov cancel --proposal ${canceled}`, 'only its proposer')
    await does(proposer, `gov cancel --proposal ${canceled}`)
    const defeated = await propose('Nobody wants it', [{ to: addressOf(9), value: '2' }])
    const expired = await propose('Nobody does it', [{ to: addressOf(9), value: '3' }])
    await later(votingDelaySeconds)
    await does(opponent, `gov vote --proposal ${defeated} --support against`)
    await does(voter, `gov vote --proposal ${expired} --support for`)
    await later(votingPeriodSeconds)
    await does(voter, `gov queue --proposal ${expired}`)
    await later(timelockDelaySeconds + timelockGraceSeconds + 2n)
    expect([await stateOf(canceled), await stateOf(defeated), await stateOf(expired)]).toEqual([
      'Canceled',
      'Defeated',
      'Expired',
    ])
    await isRefused(voter, `gov execute --proposal ${expired}`, 'not in the state')
    const status = (await shows(0, 'gov status')) as {
      drift: string
      proposesBesideGovernor: string[]
      newest: { state: string }[]
    }
    expect(status.drift).toBe('none')
    expect(status.proposesBesideGovernor).toEqual([`${addressOf(0)}: a key, which needs no vote`])
    expect(status.newest.map(({ state }) => state)).toEqual(['Expired', 'Defeated', 'Canceled', 'Executed'])
  })

  test('what holds money changes by a slow call: through the Timelock, then the MoneyTimelock', async () => {
    const fortnight = 14n * day
    const id = await propose('A slower money timelock', [
      { contract: 'MoneyTimelock', function: 'updateDelay', args: [String(fortnight + day)], slow: true },
    ])
    await later(votingDelaySeconds)
    await does(voter, `gov vote --proposal ${id} --support for`)
    await later(votingPeriodSeconds)
    await does(voter, `gov queue --proposal ${id}`)
    await later(timelockDelaySeconds)
    await does(voter, `gov execute --proposal ${id}`)
    await isRefused(voter, `gov execute-slow --proposal ${id}`, 'not due yet')
    await later(fortnight)
    const { MinDelayChange } = await does(voter, `gov execute-slow --proposal ${id}`)
    expect(MinDelayChange?.['newDuration']).toBe(String(fortnight + day))
  })

  test('a file of calls that says nothing a contract has is refused by its call', async () => {
    for (const [list, why] of [
      [[], 'a list of 1 to 50 calls'],
      [[{ contract: 'Bank' }], 'call 1: unknown contract Bank'],
      [[{ contract: 'GOPEN', function: 'mint' }], 'call 1'],
      [[{ to: '0x12' }], 'call 1: needs to, an address'],
      [[{ to: addressOf(1), value: 'x' }], 'call 1: value must be OPEN'],
      [[{ to: addressOf(1), gas: 1 }], 'call 1: unknown key gas'],
    ] as const) {
      const calls = people.file('calls.json', JSON.stringify(list))
      const { code, stderr } = await run(proposer, `gov propose --calls ${calls} --description x --yes`)
      expect([code, stderr.includes(why)], stderr).toEqual([2, true])
    }
  })

  test('unwrapping gives the OPEN back', async () => {
    await isRefused(proposer, 'gov unwrap --amount 101', 'are needed')
    await does(proposer, 'gov unwrap --amount 100')
    expect(await shows(proposer, 'gov votes')).toMatchObject({ balance: '0', votes: '0' })
  })
})

describe('stakers', () => {
  test('a lock is refused until the reserve has its interest, and pays to the wei after its term', async () => {
    await isRefused(staker, 'stake lock --term 90d --amount 1000', 'must be set aside')
    await does(0, 'stake fund-reserve --amount 100')
    const estimate = await shows(staker, 'stake estimate --term 90d --amount 1000')
    const worth = compound(1_000n * open, 5n * 10n ** 16n, 90n * day)
    expect(estimate).toMatchObject({ earns: String(worth - 1_000n * open), isCovered: true })
    const { Staked } = await does(staker, 'stake lock --term 90d --amount 1000')
    const id = Staked?.['stakingId']
    await isRefused(staker, `stake exit --stake ${id}`, 'is locked until')
    await later(90n * day)
    expect(await shows(staker, 'stake positions')).toMatchObject({ stakes: [{ stake: id, worth: String(worth) }] })
    const { Unstaked } = await does(staker, `stake exit --stake ${id}`)
    expect(Unstaked?.['amount']).toBe(String(worth))
    expect(await shows(staker, 'stake positions')).toMatchObject({ stakes: [] })
  })

  test('a flexible stake is topped up, renewed, asked back, and paid seven days later', async () => {
    const { Staked } = await does(staker, 'stake flexi --amount 10')
    const id = Staked?.['stakingId']
    await does(staker, `stake top-up --stake ${id} --amount 5`)
    await later(2n)
    await does(staker, `stake renew --stake ${id}`)
    await does(staker, `stake exit --stake ${id}`)
    expect(await shows(staker, 'stake positions')).toMatchObject({ stakes: [{ stake: id }] })
    await isRefused(staker, `stake withdraw --stake ${id}`, 'is paid from')
    await later(7n * day)
    await does(staker, `stake withdraw --stake ${id}`)
  })

  test('gas fees of the chain go to stakers and treasury, and a staker claims its part', async () => {
    await does(staker, 'stake flexi --amount 10')
    const { FeesDisbursed } = await does(0, 'gov disburse-fees')
    expect(BigInt(FeesDisbursed?.['grossRevenue'] ?? 0)).toBeGreaterThan(0n)
    const { PoolClaimed } = await does(staker, 'stake claim')
    expect(BigInt(PoolClaimed?.['amount'] ?? 0)).toBeGreaterThan(0n)
  })
})
