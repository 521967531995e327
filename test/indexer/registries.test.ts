import { afterAll, beforeAll, expect, test } from 'vitest'
import { interfaceOf } from '../../contracts/interface-of.ts'
import { type MemberBody, memberBodies } from '../../indexer/handlers/staked-members.ts'
import { type Escrow, escrows } from '../../indexer/store/escrows.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import { modelVersionHash } from '../../protocol/inference-request.ts'
import { FiledWorld } from '../fakes/filed-world.ts'
import { HeldWei } from '../fakes/held-wei.ts'
import { type Actor, addressOf, contractNames, type MoneyContract, open, Reverted } from '../fakes/money-chain.ts'
import { Random } from '../fakes/random.ts'
import { type Made, ReviewWorld } from '../fakes/review-world.ts'
import { IndexWorld, type TestIndex } from '../fakes/test-index.ts'

const steps = 200
const heldSteps = 250
const day = 86_400
const random = new Random(7)
const word = (n: number): Hex => `0x${n.toString(16).padStart(64, '0')}`
const memberContracts: Record<MemberBody, MoneyContract> = {
  committee: 'CheckerCommittee',
  reviews: 'DatanetReview',
}

let world: IndexWorld
let index: TestIndex
let review: ReviewWorld
let made: readonly Made[]
let held: HeldWei
/** How often each function went through. */
const done = new Map<string, number>()
/** What stood in the contracts halfway. */
let halfway: { readonly block: number; readonly disputes: bigint }

/** Random calls of people who may and who may not, on every contract whose holdings are told by events alone. */
beforeAll(async () => {
  world = await IndexWorld.start()
  const money = await FiledWorld.watchedBy(world)
  const { chain } = money
  review = await ReviewWorld.create(undefined, chain)
  made = [await review.submit('one text'), await review.submit('another text'), await review.submit('a third text')]
  const modelOwner = chain.actor('model owner')
  const people = [modelOwner, chain.actor('checker'), ...review.validators.slice(0, 2)]
  for (let i = 0; i < steps; i++) {
    const from = random.chance(0.7) ? modelOwner : random.pick(people)
    await attempt(chain.send.bind(chain), from)
    chain.advance(random.chance(0.08) ? 2 * day : 2)
    if (i === steps / 2) halfway = { block: Number(chain.blockNumber) - 1, disputes: inDisputes(chain) }
  }
  held = await HeldWei.open(chain, new Random(9))
  for (let i = 0; i < heldSteps; i++) await held.step()
  money.show()
  index = await world.followed()
}, 120_000)

afterAll(() => world.stop())

/** Bonds of tables, and rewards. */
function inDisputes(chain: FiledWorld['chain']): bigint {
  return escrows.disputes.reduce((sum, address) => sum + chain.balance(address), 0n)
}

async function attempt(send: FiledWorld['chain']['send'], from: Actor): Promise<void> {
  const table = [modelVersionHash(random.chance(0.9) ? 1n : 2n, 1 + random.int(2)), word(random.int(2))]
  const sketches = { root: word(1 + random.int(3)), size: random.chance(0.9) ? 8 : 0, rows: 4 }
  const bond = (random.chance(0.9) ? 100n : 99n) * open
  const contract = memberContracts[random.pick(['committee', 'reviews'] as const)]
  const amount = BigInt(random.int(400)) * open
  const item = random.pick(made)
  const { id, record, siblings, signature } = review.signed(item)
  const calls: readonly (readonly [MoneyContract, string, readonly unknown[], bigint?])[] = [
    ['SketchRegistry', 'register', [...table, sketches, []], bond],
    ['SketchRegistry', 'retire', table],
    ['SketchRegistry', 'returnBond', [...table, from.address]],
    ['SignatureRegistry', 'show', [id, random.chance(0.5) ? signature : word(1), record, siblings]],
    [contract, 'addStake', [], amount],
    [contract, 'requestUnbond', [amount]],
    [contract, 'withdrawStake', [from.address]],
  ]
  const [name, call, args, value = 0n] = random.pick(calls)
  try {
    await send(from, name, call, args, { value })
    done.set(`${name}.${call}`, (done.get(`${name}.${call}`) ?? 0) + 1)
  } catch (error) {
    if (!(error instanceof Reverted)) throw error
  }
}

test('whatever people do, the index says that a contract holds what it holds, now and in the past', async () => {
  const { chain } = review
  for (const name of ['register', 'retire', 'returnBond']) expect(done.get(`SketchRegistry.${name}`)).toBeGreaterThan(0)
  for (const [body, contract] of Object.entries(memberContracts)) {
    for (const name of ['addStake', 'requestUnbond', 'withdrawStake']) {
      expect([name, done.get(`${contract}.${name}`) ?? 0], contract).not.toEqual([name, 0])
    }
    expect(index.owed(body as MemberBody)).toBe(chain.balance(contract))
  }
  expect(index.owed('disputes')).toBe(inDisputes(chain))
  const then = index.store.get(
    "select owed from escrow_h where key = 'disputes' and at <= ? order by at desc limit 1",
    halfway.block,
  )
  expect(BigInt(String(then?.['owed'] ?? 0))).toBe(halfway.disputes)
  world.chain.methods['eth_getBalance'] = ([address]) => `0x${chain.balance(String(address) as Hex).toString(16)}`
  await index.escrowWatch.look()
  const { _meta } = await index.data('{ _meta { escrows { name held owed isCovered } } }')
  const held = String(inDisputes(chain))
  expect(_meta.escrows).toContainEqual({ name: 'disputes', held, owed: held, isCovered: true })
})

test('bonds of contributions, prices of access, wrapped OPEN, rewards: every contract holds what it owes by the index', () => {
  const names = ['submit', 'submitBatch', 'decide', 'decideBatch', 'withdrawConsent', 'releaseBond', 'claimRefund']
  const access = ['buy', 'request', 'grant', 'deny', 'withdrawRequest', 'claimRefund']
  const all = [
    ...names.map((name) => `DatanetRegistry.${name}`),
    ...access.map((name) => `DatanetAccess.${name}`),
    ...['DatanetJudge.wrongType', 'WOPEN.deposit', 'WOPEN.withdraw', 'WOPEN.transfer'],
  ]
  expect(all.filter((name) => !held.done.has(name))).toEqual([])
  for (const [escrow, addresses] of Object.entries(escrows)) {
    const balance = addresses.reduce((sum, address) => sum + review.chain.balance(address), 0n)
    expect([escrow, index.owed(escrow as Escrow)]).toEqual([escrow, balance])
  }
  for (const escrow of ['datanets', 'access', 'disputes', 'wopen'] as const) {
    expect([escrow, index.owed(escrow) > 0n]).toEqual([escrow, true])
  }
})

test('every contract that takes wei is counted, or holds nobody’s', () => {
  const counted: readonly Hex[] = Object.values(escrows).flat()
  const takes = contractNames.filter((name) => {
    const abi = interfaceOf(name) as readonly { readonly type: string; readonly stateMutability?: string }[]
    return abi.some(({ type, stateMutability }) => type !== 'constructor' && stateMutability === 'payable')
  })
  expect(takes.filter((name) => !counted.includes(addressOf(name))).sort()).toEqual(holdsNobodys.toSorted())
})

/** What they take goes on in the same transaction, is burned, or is the chain's own: fees, and what governance rules over. */
const holdsNobodys: readonly MoneyContract[] = [
  ...(['AgentSpending', 'AttributionCaller', 'DatanetRelay', 'SketchJudge', 'EAS'] as const),
  ...(['LiquidityController', 'OpenBurner', 'FeeSplitter', 'SequencerFeeVault'] as const),
  ...(['MoneyTimelock', 'OpenLedgerGovernor', 'Timelock'] as const),
]

test('tables of influences are told as their contract has them, by model and by owner', async () => {
  const { sketchTables, model } = await index.data(`{
    sketchTables { nodes { model { id } version adapterRoot owner root size rows from until bond } }
    model(id: 1) { versions { nodes { version sketches { totalCount } } } }
  }`)
  expect(sketchTables.nodes.length).toBeGreaterThan(2)
  for (const { model, version, adapterRoot, ...told } of sketchTables.nodes) {
    const place = [modelVersionHash(BigInt(model.id), version), adapterRoot]
    const { table, owner, from, until, bond } = (await review.chain.read('SketchRegistry', 'registered', place)) as {
      table: object
      owner: Hex
      from: bigint
      until: bigint
      bond: bigint
    }
    const { owner: by, bond: wei, from: since, until: through, ...shape } = told
    expect(shape).toEqual(table)
    expect([by, wei, BigInt(since), BigInt(through ?? 0)]).toEqual([owner.toLowerCase(), String(bond), from, until])
  }
  const ofFirst = sketchTables.nodes.filter(({ version }: { version: number }) => version === 1)
  expect(model.versions.nodes).toEqual([{ version: 1, sketches: { totalCount: ofFirst.length } }])
  const none = await index.data(`{ sketchTables(where: { owner: "${zeroHash.slice(0, 42)}" }) { totalCount } }`)
  expect(none.sketchTables.totalCount).toBe(0)
})

test('a signature that stands to be compared with is told with its contribution, once', async () => {
  expect(done.get('SignatureRegistry.show')).toBeGreaterThan(0)
  const { shownSignatures } = await index.data(
    '{ shownSignatures { nodes { contribution { id } shownAt signature } } }',
  )
  expect(shownSignatures.nodes).toHaveLength(done.get('SignatureRegistry.show') ?? 0)
  for (const { contribution, shownAt, signature } of shownSignatures.nodes) {
    const item = made.find(({ id }) => String(id) === contribution.id) as Made
    const { signature: right, record } = review.signed(item)
    expect(signature).toBe(right)
    const before = (time: number) => review.chain.read('SignatureRegistry', 'shownBefore', [item.id, BigInt(time)])
    expect([await before(shownAt), await before(shownAt + 1)]).toEqual([zeroHash, record.simHash])
    const query = `{ contribution(id: ${item.id}) { shownSignature { shownAt } } shownSignature(contribution: ${item.id}) { shownAt } }`
    const told = await index.data(query)
    expect(told).toEqual({ contribution: { shownSignature: { shownAt } }, shownSignature: { shownAt } })
  }
})

test('members of both contracts are told from one table as each contract has them, and neither’s as the other’s', async () => {
  const { committeeMembers, validators } = await index.data(
    '{ committeeMembers { nodes { address stake unbonding weight } } validators { nodes { address stake unbonding weight } } }',
  )
  const lists = { committee: committeeMembers.nodes, reviews: validators.nodes }
  for (const body of Object.keys(memberBodies) as MemberBody[]) {
    expect(lists[body].length).toBeGreaterThan(0)
    for (const { address, ...told } of lists[body]) {
      const { stake, unbonding } = (await review.chain.read(memberContracts[body], 'memberOf', [address])) as {
        stake: bigint
        unbonding: bigint
      }
      expect(told).toEqual({ stake: String(stake), unbonding: String(unbonding), weight: Number(stake / open) })
    }
  }
})
