import type { Hex } from '../../protocol/bytes.ts'
import { compound, flexiWindowSeconds, stakeTerms } from '../../protocol/stake-interest.ts'
import { type Action, action, type ChainAccess, optional, type Query, query } from './action.ts'
import { addressArg, openArg } from './arg-kinds.ts'
import { asUint64, asUint256 } from './parsers.ts'
import { Amount, Time } from './values.ts'

const stakeArg = { help: 'the stake', value: 'ID', parse: asUint256 }
const names = stakeTerms.map(({ name }) => name) as readonly string[]
const flexi = 0

const asTerm = (text: string): number => {
  const config = names.indexOf(text)
  if (config < 0) throw new Error(`must be one of ${names.join(', ')}`)
  return config
}

const asLock = (text: string): number => {
  const config = asTerm(text)
  if (config === flexi) throw new Error(`must be one of ${names.slice(1).join(', ')}`)
  return config
}

const forArg = { for: optional(addressArg('whose stake it is; absent: yours')) }

type Config = {
  readonly interestRate: bigint
  readonly minStake: bigint
  readonly maxStake: bigint
  readonly isActive: boolean
}

/** `openledger stake`: StakePool, and the stakers' part of the fees. */
export const stakeTable: Readonly<Record<string, Action | Query>> = {
  lock: action(
    'StakePool',
    'stake',
    'Locks OPEN for a term. Its interest is set aside at once, or the stake is refused; it cannot be had earlier.',
    {
      amount: openArg('how much'),
      term: { help: 'for how long', value: names.slice(1).join('|'), parse: asLock },
      ...forArg,
    },
    ({ amount, term, for: owner }, chain) => ({ args: [term, owner ?? chain.sender()], value: amount }),
  ),
  flexi: action(
    'StakePool',
    'stake',
    'Stakes OPEN that can be asked back at any time and is paid seven days later. It earns while the reserve has interest for it.',
    { amount: openArg('how much'), ...forArg },
    ({ amount, for: owner }, chain) => ({ args: [flexi, owner ?? chain.sender()], value: amount }),
  ),
  'top-up': action(
    'StakePool',
    'topUpStake',
    'Adds to a stake of yours and begins it anew: a lock waits its whole term again.',
    { stake: stakeArg, amount: openArg('how much') },
    ({ stake, amount }) => ({ args: [stake], value: amount }),
  ),
  renew: action(
    'StakePool',
    'renew',
    "Sets the next 30 days' interest of a flexible stake aside, at the rate of now.",
    { stake: stakeArg },
    ({ stake }) => ({ args: [stake] }),
  ),
  exit: action(
    'StakePool',
    'requestUnstake',
    'Asks for a stake and its interest: paid at once where its term is over, after seven days where it is flexible.',
    { stake: stakeArg },
    ({ stake }) => ({ args: [stake] }),
  ),
  withdraw: action(
    'StakePool',
    'unstake',
    'Pays a flexible stake that was asked for seven days ago.',
    { stake: stakeArg },
    ({ stake }) => ({ args: [stake] }),
  ),
  claim: action(
    'RoyaltyVault',
    'claimPool',
    "Pays a staker's part of the fees to its recipient.",
    { staker: optional(addressArg('the staker; absent: you')) },
    ({ staker }, chain) => ({ args: [0, 0n, staker ?? chain.sender()] }),
  ),
  'fund-reserve': action(
    'StakePool',
    'fundReserve',
    'Gives OPEN to the reserve that interest is paid from. It goes to stakers and does not come back.',
    { amount: openArg('how much') },
    ({ amount }) => ({ args: [], value: amount }),
  ),
  rates: query('Shows what each term earns now, and what the reserve has left.', {}, async (_, chain) => {
    const wei = async (name: string) => new Amount((await chain.read('StakePool', name)) as bigint)
    const terms = await Promise.all(
      names.map(async (term, config) => {
        const { interestRate, minStake, maxStake, isActive } = await configOf(chain, config)
        return {
          term,
          ratePerYear: percent(interestRate),
          least: new Amount(minStake),
          most: new Amount(maxStake),
          isActive,
        }
      }),
    )
    return {
      freeReserve: await wei('freeReserve'),
      reserved: await wei('reserved'),
      staked: await wei('staked'),
      terms,
    }
  }),
  estimate: query(
    'Says what a stake would earn, and whether the reserve has it.',
    {
      amount: openArg('how much'),
      term: { help: 'for how long', value: names.join('|'), parse: asTerm },
      days: optional({ help: 'of a flexible stake: how many days; absent: 30', value: 'N', parse: asUint64 }),
    },
    async ({ amount, term, days }, chain) => {
      const { interestRate } = await configOf(chain, term)
      const free = (await chain.read('StakePool', 'freeReserve')) as bigint
      const span = stakeTerms[term]?.durationSeconds || flexiWindowSeconds
      const reserved = compound(amount, interestRate, span) - amount
      const seconds = term === flexi && days !== undefined ? days * 86_400n : span
      const earned = compound(amount, interestRate, seconds) - amount
      return {
        term: names[term],
        ratePerYear: percent(interestRate),
        days: seconds / 86_400n,
        earns: new Amount(earned),
        setsAside: new Amount(reserved),
        freeReserve: new Amount(free),
        isCovered: reserved <= free,
      }
    },
  ),
  positions: query(
    'Lists the stakes of an account with their interest up to now, what it asked back, and its part of the fees.',
    { account: optional(addressArg('the account; absent: you')) },
    async ({ account }, chain) => {
      const of: Hex = account ?? chain.sender()
      const { allEvents, topicOf } = await import('../../chain/ledger/all-events.ts')
      const events = await allEvents(chain, 'StakePool', 'Staked', [null, topicOf(of)])
      const stakes = []
      for (const { args } of events) stakes.push(...(await positionOf(BigInt(args['stakingId'] as bigint), chain)))
      const fees = (await chain.read('RoyaltyVault', 'claimable', [0, 0n, of])) as bigint
      return { account: of, fees: new Amount(fees), stakes }
    },
  ),
}

async function configOf(chain: Pick<ChainAccess, 'read'>, config: number): Promise<Config> {
  const [interestRate, , , isActive, minStake, maxStake] = (await chain.read('StakePool', 'configs', [
    config,
  ])) as readonly [bigint, number, number, boolean, bigint, bigint]
  return { interestRate, isActive, minStake, maxStake }
}

/** A stake, or what is asked back of it; none for one that was paid. */
async function positionOf(id: bigint, chain: ChainAccess) {
  const [, config, rate, start, until, , principal] = (await chain.read('StakePool', 'stakes', [id])) as readonly [
    Hex,
    number,
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
  ]
  if (principal !== 0n) {
    const worth = (await chain.read('StakePool', 'calculateAmount', [id])) as bigint
    const term = stakeTerms[config]
    const endsAt = start + (term?.durationSeconds ?? 0n)
    return [
      {
        stake: id,
        term: term?.name,
        putIn: new Amount(principal),
        worth: new Amount(worth),
        ratePerYear: percent(rate),
        earnsUntil: new Time(until),
        ...(config === flexi ? {} : { exitFrom: new Time(endsAt) }),
      },
    ]
  }
  const [, availableAt, amount] = (await chain.read('StakePool', 'unstakeRequests', [id])) as readonly [
    Hex,
    bigint,
    bigint,
  ]
  return amount === 0n ? [] : [{ stake: id, askedBack: new Amount(amount), paidFrom: new Time(availableAt) }]
}

/** Of 1e-18, exact. */
function percent(rate: bigint): string {
  const digits = rate.toString().padStart(17, '0')
  const fraction = digits.slice(-16).replace(/0+$/, '')
  return `${digits.slice(0, -16)}${fraction === '' ? '' : `.${fraction}`} %`
}
