/**
 * Gas of what people pay for, as a block counts it: 21,000, calldata and execution less refunds, every contract behind its
 * proxy on the dev genesis. docs/GAS.md holds the figures; a test compares.
 */
import { type AttributionEntry, entryClasses } from '../../protocol/attribution-entry.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import { weightTotal } from '../../protocol/fee.ts'
import { permissive } from '../../test/fakes/licences.ts'
import { claimOf } from '../../test/fakes/money-batch.ts'
import { type Actor, clocks, MoneyChain, open } from '../../test/fakes/money-chain.ts'
import { MoneyWorld } from '../../test/fakes/money-world.ts'
import { stake } from '../../test/fakes/standing-model.ts'
import { type GasFigure, gasTable } from './gas-figure.ts'
import { agentActions, datanetActions } from './gas-people.ts'
import { shareChallenges } from './share-challenges.ts'
import { type SpanCost, spanChallenges } from './span-challenges.ts'
import { type StepCosts, stepCosts } from './step-costs.ts'
import { worstChallenges } from './worst-challenge.ts'

export async function benchGas(): Promise<object> {
  const figures = await gasFigures()
  process.stdout.write(gasTable(figures))
  const why = figures.filter(({ gas }) => gas === null).map(({ field, note }) => [field, note])
  return {
    ...Object.fromEntries(figures.map(({ field, gas }) => [field, gas])),
    ...(why.length === 0 ? {} : { why: Object.fromEntries(why) }),
  }
}

export async function gasFigures(): Promise<GasFigure[]> {
  return [
    ...(await batches()),
    ...(await epochs()),
    await challenges(),
    ...(await contributions()),
    ...(await spanDisputes()),
    await sketchDispute(),
    ...(await steps()),
    ...(await datanetActions()),
    ...(await agentActions()),
  ]
}

async function challenges(): Promise<GasFigure> {
  const worst = await worstChallenges()
  const gas = Math.max(...Object.values(worst))
  const which = Object.keys(worst).find((name) => worst[name] === gas)
  return { field: 'challengeMax', gas, limit: 1_000_000, note: `${which} of the largest batch, with the slash` }
}

async function spanDisputes(): Promise<GasFigure[]> {
  const costs = Object.entries(await spanChallenges())
  const dearest = (by: keyof SpanCost) => costs.reduce((most, each) => (each[1][by] > most[1][by] ? each : most))
  const [[name, { proof }], [voiding, { whole }]] = [dearest('proof'), dearest('whole')]
  return [
    {
      field: 'spanDispute',
      gas: proof,
      limit: 500_000,
      note: `${name}: a lie about 64-token spans shown to the judge, index of 2^27 tokens`,
    },
    {
      field: 'spanDisputeVoiding',
      gas: whole,
      limit: 1_000_000,
      note: `${voiding}, with the receipt void, the worker slashed and the reward kept`,
    },
  ]
}

/** The dearest challenge of class G under algoHash v2. */
async function sketchDispute(): Promise<GasFigure> {
  const costs = Object.entries(await shareChallenges())
  const [name, { whole }] = costs.reduce((most, each) => (each[1].whole > most[1].whole ? each : most))
  return {
    field: 'sketchDispute',
    gas: whole,
    limit: 3_000_000,
    note: `${name}: query and row of 16,384 numbers, the receipt void, the worker slashed`,
  }
}

/** One-step proofs; units whose step reads most where there are adapters. */
async function steps(): Promise<GasFigure[]> {
  const dearest = (costs: StepCosts) => Object.entries(costs).reduce((most, each) => (each[1] > most[1] ? each : most))
  const adapted = ['activation', 'cachedKey', 'downScale', 'loraUp'] as const
  const [[op, gas], [ofFour, four]] = [dearest(await stepCosts(0)), dearest(await stepCosts(4, adapted))]
  return [
    {
      field: 'oneStepMax',
      gas,
      limit: 3_000_000,
      note: `${op}: one wrong element of a model of 1.2 billion parameters at position 32,766, the receipt void, the worker slashed`,
    },
    { field: 'oneStepAdapters', gas: four, limit: 3_000_000, note: `${ofFour}, with four adapters of every target` },
  ]
}

const batchItems = 10_000

/** The first contribution of an author, and one of an author who contributed before; the Datanet has some. */
async function contributions(): Promise<GasFigure[]> {
  const chain = await MoneyChain.create()
  const [owner, author, other] = [chain.actor('datanet owner'), chain.actor('author'), chain.actor('other author')]
  const word = (n: number) => `0x${n.toString(16).padStart(64, 'a')}`
  const bond = 10n ** 15n
  await chain.send(owner, 'DatanetRegistry', 'create', [0, 0, permissive, word(2), bond, word(3)])
  await chain.send(owner, 'DatanetRegistry', 'setStatus', [1n, 2])
  const submit = (by: Actor, n: number) =>
    chain.send(by, 'DatanetRegistry', 'submit', [1n, word(n), word(n + 1), 0xfff, 100_000, word(n + 2)], {
      value: bond,
    })
  await submit(author, 10)
  const [single, first] = [await submit(author, 20), await submit(other, 30)]
  const items = [1n, word(40), batchItems, 9_000_000, word(41)] as const
  const batch = await chain.send(author, 'DatanetRegistry', 'submitBatch', items, { value: bond * BigInt(batchItems) })
  return [
    { field: 'contribution', gas: Number(single.gas), limit: 120_000, note: 'one item with its bond' },
    { field: 'contributionFirst', gas: Number(first.gas), limit: 120_000, note: 'the first item of an author' },
    {
      field: 'contributionBatched',
      gas: Number(batch.gas) / batchItems,
      limit: 200,
      note: `an item of a batch of ${batchItems.toLocaleString('en')}`,
    },
  ]
}

const batchReceipts = 1000
const channels = 11

/** The second batch of each kind: what a worker commits day by day finds its words written. */
async function batches(): Promise<GasFigure[]> {
  const { world, worker, payers } = await fundedWorld()
  const commit = async (payersOf: readonly Actor[]) => {
    const plans = Array.from({ length: batchReceipts }, (_, i) => {
      const payer = payersOf[Math.floor((i * payersOf.length) / batchReceipts)] as Actor
      return world.plan(payer, worker, 1234, 567)
    })
    return (await world.commit(worker, world.build(worker, plans))).sent.gas
  }
  await commit(payers)
  const one = Number(await commit(payers.slice(0, 1)))
  const many = Number(await commit(payers))
  return [
    {
      field: 'batchPerReceipt',
      gas: one / batchReceipts,
      limit: 80,
      note: `a receipt of a batch of ${batchReceipts.toLocaleString('en')} of one channel`,
    },
    {
      field: 'perChannel',
      gas: (many - one) / (channels - 1),
      limit: 15_000,
      note: 'each further channel of such a batch',
    },
  ]
}

const payees = 100_000

/** A proposal on top of another that brings 100,000 payees, and a claim whose money goes to a new account. */
async function epochs(): Promise<GasFigure[]> {
  const { world, worker, payers } = await fundedWorld()
  const { chain } = world
  const [payer, payee] = [payers[0] as Actor, chain.actor('payee')]
  const settle = async (entries: readonly (readonly AttributionEntry[])[]) => {
    const plans = entries.map((each) => ({ ...world.plan(payer, worker, 1234, 567), entries: each }))
    const { batch } = await world.commit(worker, world.build(worker, plans))
    chain.advance(clocks.window)
    await world.mature([batch])
    const { epoch, sent } = await world.propose([batch])
    chain.advance(clocks.window)
    await world.finalize(epoch)
    return { epoch, sent }
  }
  await settle([world.entries(worker)])
  const { epoch, sent } = await settle(entriesOf(payee.address))
  const claim = await (await chain.fork()).send(payee, 'RoyaltyVault', 'claim', [
    claimOf(2n, epoch.built, payee.address),
  ])
  await chain.send(payee, 'RoyaltyVault', 'setRecipient', [`0x${'5e'.repeat(20)}`])
  const sentOn = await world.claim(payee, epoch)
  const count = epoch.built.payouts.length.toLocaleString('en')
  return [
    {
      field: 'epochRoot',
      gas: Number(sent.gas),
      limit: 80_000,
      note: `an epoch proposed, of ${count} payees or of one`,
    },
    {
      field: 'claim',
      gas: Number(claim.gas),
      limit: 110_000,
      note: `first claim of one of ${count} payees`,
    },
    {
      field: 'claimToNewAccount',
      gas: Number(sentOn.gas),
      note: 'the same, paid to a recipient that has no account yet',
    },
  ]
}

/** 100,000 entries of a batch's receipts, each for somebody else; one is `payee`. */
function entriesOf(payee: Hex): AttributionEntry[][] {
  const perReceipt = payees / batchReceipts
  const entry = (i: number, k: number): AttributionEntry => ({
    payee: i + k === 0 ? payee : `0x${'e0'.repeat(16)}${(i * perReceipt + k).toString(16).padStart(8, '0')}`,
    id: BigInt(k),
    class: entryClasses.S,
    evidenceHash: zeroHash,
    weight: weightTotal / perReceipt,
  })
  return Array.from({ length: batchReceipts }, (_, i) => Array.from({ length: perReceipt }, (_, k) => entry(i, k)))
}

async function fundedWorld() {
  const world = await MoneyWorld.create()
  const worker = world.chain.actor('worker')
  const payers = Array.from({ length: channels }, (_, i) => world.chain.actor(`payer ${i}`))
  await stake(world.chain, worker, 9_000n * open)
  for (const payer of payers) await world.deposit(payer, worker, 100n * open)
  return { world, worker, payers }
}
