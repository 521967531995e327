import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { bytesToHex, type Hex, zeroHash } from '../../protocol/bytes.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { publicKeyOf } from '../../protocol/secp256k1.ts'
import { Eas } from '../fakes/eas.ts'
import { FiledWorld } from '../fakes/filed-world.ts'
import { licence } from '../fakes/licences.ts'
import type { MoneyChain, MoneyContract } from '../fakes/money-chain.ts'
import { PayoutTree } from '../fakes/payout-tree.ts'
import { Random } from '../fakes/random.ts'
import { IndexWorld, type TestIndex } from '../fakes/test-index.ts'

const registry = openLedgerPredeploys.datanetRegistry
const publicKey = bytesToHex(publicKeyOf(keccak256(Uint8Array.of(1))))
const day = 86_400

let world: IndexWorld
let index: TestIndex
let money: FiledWorld
let chain: MoneyChain
let owner: Hex
let holders: readonly Hex[]
let datanet: bigint
let gated: bigint
let schema: Hex
const credentials: { readonly who: Hex; readonly uid: Hex }[] = []
let middle: number
let middleClaimable: readonly bigint[]

const send = (from: Hex, contract: MoneyContract, name: string, args: readonly unknown[], value = 0n) =>
  chain.send(from, contract, name, args, { value })
const claimable = async (): Promise<bigint[]> =>
  await Promise.all(
    holders.map(async (holder) => (await chain.read('RoyaltyVault', 'claimable', [1, datanet, holder])) as bigint),
  )

beforeAll(async () => {
  world = await IndexWorld.start()
  money = await FiledWorld.watchedBy(world)
  chain = money.chain
  owner = chain.actor('owner').address
  holders = ['first', 'second', 'third', 'fourth'].map((name) => chain.actor(name).address)
  await send(owner, 'DatanetRegistry', 'create', [0, 1, licence('MIT'), zeroHash, 0n, zeroHash])
  datanet = (await chain.read('DatanetRegistry', 'datanetCount')) as bigint
  await shares()
  await licences()
  await votes()
  await gates()
  money.show()
  index = world.open()
  await index.follow()
}, 120_000)

afterAll(() => world.stop())

/** A Datanet of its own that asks for both from the start: its contributors' credentials, and what was decided of their items. */
async function gates() {
  const eas = Eas.on(chain)
  const attester = chain.actor('attester')
  schema = await eas.registerSchema('string profession', attester)
  await send(owner, 'DatanetRegistry', 'create', [0, 0, licence('MIT'), zeroHash, 0n, zeroHash])
  gated = (await chain.read('DatanetRegistry', 'datanetCount')) as bigint
  await send(owner, 'DatanetRegistry', 'setStatus', [gated, 2])
  const asks = [BigInt(schema), BigInt(attester.address), 7n]
  for (const [i, value] of asks.entries()) await send(owner, 'DatanetAccess', 'setParameter', [gated, 0x58 + i, value])
  const random = new Random(5)
  for (const who of holders.slice(0, 2)) {
    const uid = await eas.attest({ schema, recipient: who, by: attester })
    await send(who, 'DatanetAccess', 'showCredential', [gated, who, uid])
    credentials.push({ who, uid })
    const items = [gated, uid, 5, 10, zeroHash]
    const first = (await chain.send(who, 'DatanetRegistry', 'submitBatch', items)).result as bigint
    // One of the batch is decided apart from the rest.
    await send(owner, 'DatanetRegistry', 'decide', [first + 1n, false, zeroHash])
    await send(owner, 'DatanetRegistry', 'decideBatch', [first, true, zeroHash])
    for (let i = 0; i < 4; i++) {
      const item = [gated, keccakHex(`${who} ${i}`), zeroHash, 0, 1, zeroHash]
      const id = (await chain.send(who, 'DatanetRegistry', 'submit', item)).result as bigint
      await send(owner, 'DatanetRegistry', 'decide', [id, random.chance(0.5), zeroHash])
    }
  }
}

const keccakHex = (text: string): Hex => bytesToHex(keccak256(new TextEncoder().encode(text)))

/** Versions, sales and income in random order; half of them are shown before the rest. */
async function shares() {
  const random = new Random(3)
  const tree = new PayoutTree(holders.map((payee, i) => ({ payee, cumulative: BigInt(10 * i + 5) })))
  await send(registry, 'DatanetUnits', 'issue', [datanet, 1, owner, 80n, tree.root])
  await send(registry, 'DatanetUnits', 'issue', [datanet, 2, holders[0], 100n, zeroHash])
  const claim = async (who: Hex) => {
    const { index: place, count, cumulative, siblings } = tree.claim(0n, who)
    const args = [(datanet << 32n) | 1n, who, cumulative, place, count, siblings]
    await send(who, 'DatanetUnits', 'claimAllotment', args)
  }
  const id = (datanet << 32n) | 2n
  for (let i = 0; i < 60; i++) {
    if (random.chance(0.7)) chain.advance(1 + random.int(30))
    const who = random.pick(holders)
    if (i % 15 === 7) await claim(holders[Math.floor(i / 15)] as Hex)
    else if (random.chance(0.4)) {
      const has = (await chain.read('DatanetUnits', 'balanceOf', [who, id])) as bigint
      const units = BigInt(random.int(Number(has) + 1))
      await send(who, 'DatanetUnits', 'transfer', [random.pick(holders), id, units])
    } else if (random.chance(0.7)) await send(owner, 'RoyaltyVault', 'fund', [1, datanet], BigInt(random.int(10_000)))
    else await send(who, 'RoyaltyVault', 'claimPool', [1, datanet, who])
    if (i === 30) {
      chain.advance(2)
      middle = Number(chain.blockNumber - 1n)
      middleClaimable = await claimable()
    }
  }
}

/** Access that is offered, bought, asked for, granted, denied and taken back, with a key. */
async function licences() {
  const [first = '0x', second = '0x'] = holders
  const word = 500n | (BigInt(day) << 128n) | (1n << 160n)
  await send(owner, 'DatanetAccess', 'setParameter', [datanet, 0x52, word])
  await send(first, 'DatanetAccess', 'buy', [datanet, 2, 1, 9, publicKey], 500n)
  for (const price of [3n, 0n, 7n, 9n]) {
    await send(second, 'DatanetAccess', 'request', [datanet, 0, 1, 2 ** 32 - 1, day, publicKey, zeroHash], price)
  }
  for (const id of [1n, 2n]) await send(owner, 'DatanetAccess', 'grant', [id])
  await send(owner, 'DatanetAccess', 'deny', [3n, zeroHash])
  await send(second, 'DatanetAccess', 'withdrawRequest', [4n])
  await send(owner, 'DatanetAccess', 'revoke', [3n, zeroHash])
  await send(owner, 'DatanetAccess', 'deliverKey', [1n, 2, `0x${'ab'.repeat(81)}`])
}

async function votes() {
  await send(owner, 'DatanetVotes', 'setParameter', [datanet, 0x40, 60n])
  await send(owner, 'DatanetRegistry', 'govern', [datanet])
  chain.advance(2)
  for (const value of [9n, 11n]) await send(await largest(), 'DatanetVotes', 'propose', [datanet, 1, value, zeroHash])
  for (const holder of holders) await send(holder, 'DatanetVotes', 'castVote', [1n, 1]).catch(() => undefined)
  await send(await largest(), 'DatanetVotes', 'castVote', [2n, 0])
  chain.advance(60)
  await send(owner, 'DatanetVotes', 'execute', [1n])
}

async function largest(): Promise<Hex> {
  const units = await Promise.all(
    holders.map(async (holder) => (await chain.read('DatanetUnits', 'unitsOf', [datanet, holder])) as bigint),
  )
  return holders[units.indexOf(units.reduce((a, b) => (a > b ? a : b)))] as Hex
}

describe('the index of units', () => {
  const pool = `pool { units funded claimed members(first: 50) { nodes { member units claimable claimed } } }`
  const membersAt = async (block?: number) => {
    const at = block === undefined ? '' : `, block: { number: ${block} }`
    const { data } = await index.ask(`{ datanet(id: "${datanet}"${at}) { ${pool} } }`)
    const members = data.datanet.pool.members.nodes as readonly { readonly member: Hex; readonly claimable: string }[]
    return new Map(members.map(({ member, claimable }) => [member, BigInt(claimable)]))
  }

  test('what each holder can claim is what the vault pays, now and at a block before', async () => {
    const now = await membersAt()
    expect(holders.map((holder) => now.get(holder) ?? 0n)).toEqual(await claimable())
    expect([...now.values()].some((wei) => wei > 0n)).toBe(true)
    const then = await membersAt(middle)
    expect(holders.map((holder) => then.get(holder) ?? 0n)).toEqual(middleClaimable)
    expect(middleClaimable).not.toEqual(await claimable())
  })

  test('balances by version are the contract’s', async () => {
    const query = `{ unitBalances(first: 50, where: { datanet: "${datanet}" }) { nodes { version holder units } } }`
    const { unitBalances } = (await index.ask(query)).data
    expect(unitBalances.nodes.length).toBeGreaterThan(4)
    for (const { version, holder, units } of unitBalances.nodes) {
      const id = (datanet << 32n) | BigInt(version)
      expect(BigInt(units)).toBe(await chain.read('DatanetUnits', 'balanceOf', [holder, id]))
    }
  })

  test('votes, offers, requests, grants and keys are told as they stand', async () => {
    const { data } = await index.ask(`{ datanet(id: "${datanet}") {
      proposals(first: 5) { nodes { id value state votesFor votesAgainst votes(first: 9) { totalCount } } }
      offers(first: 5) { nodes { purpose price duration stands } }
      accessRequests(first: 9) { nodes { id status price } }
      accessGrants(first: 9) { nodes { id purpose revoked price request { id } keys(first: 2) { nodes { version } } } }
      units(first: 9) { nodes { version units claimed } }
      unitIncome(first: 1) { totalCount }
    } }`)
    expect(data).toMatchObject({
      datanet: {
        proposals: {
          nodes: [
            { id: '1', value: '9', state: 'executed' },
            { id: '2', value: '11', state: 'defeated' },
          ],
        },
        offers: { nodes: [{ purpose: 'read', price: '500', duration: day, stands: true }] },
        accessRequests: {
          nodes: [
            { id: '1', status: 'granted', price: '3' },
            { id: '2', status: 'granted' },
            { id: '3', status: 'denied' },
            { id: '4', status: 'withdrawn' },
          ],
        },
        accessGrants: {
          nodes: [
            { id: '1', purpose: 'read', price: '500', request: null, keys: { nodes: [{ version: 2 }] } },
            { id: '2', purpose: 'train', revoked: false, request: { id: '1' } },
            { id: '3', purpose: 'train', revoked: true },
          ],
        },
        units: { nodes: [{ version: 1, units: '80', claimed: '80' }, { version: 2 }] },
      },
    })
  })

  test('gates, credentials and the reputations that the chain counts are the contract’s, and those of a replay', async () => {
    const { data } = await index.ask(`{ datanet(id: "${gated}") {
      gate { schema attester leastReputation }
      credentials(first: 9) { nodes { who uid } }
      countedReputations(first: 9) { nodes { who reputation } }
    } leaderboard(kind: CONTRIBUTORS, datanet: ${gated}, first: 9) { subject score } }`)
    const attester = chain.actor('attester').address
    expect(data.datanet.gate).toEqual({ schema, attester, leastReputation: 7 })
    expect(new Set(data.datanet.credentials.nodes)).toEqual(new Set(credentials))
    const { nodes } = data.datanet.countedReputations
    expect(nodes.length).toBe(2)
    for (const { who, reputation } of nodes) {
      expect(reputation).toBe(await chain.read('DatanetAccess', 'reputationOf', [gated, who]))
      expect(data.leaderboard).toContainEqual({ subject: who, score: String(reputation) })
    }
    const none = await index.ask(
      `{ datanet(id: "${datanet}") { gate { schema } credentials(first: 1) { totalCount } } }`,
    )
    expect(none.data.datanet).toEqual({ gate: null, credentials: { totalCount: 0 } })
  })
})
