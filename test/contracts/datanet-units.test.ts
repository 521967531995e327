import { beforeEach, describe, expect, test } from 'vitest'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { poolPayee } from '../../protocol/attribution-entry.ts'
import { type Hex, hexToBytes, zeroHash } from '../../protocol/bytes.ts'
import { claimOf } from '../fakes/money-batch.ts'
import { type Actor, addressOf, MoneyChain, open } from '../fakes/money-chain.ts'
import { type CommittedBatch, MoneyWorld } from '../fakes/money-world.ts'
import { type Claim, PayoutTree } from '../fakes/payout-tree.ts'
import { Random } from '../fakes/random.ts'
import { stake } from '../fakes/standing-model.ts'
import { setMapped } from '../fakes/storage-slots.ts'
import { UnitBook } from '../fakes/unit-book.ts'

const { datanetRegistry: registry, attributionLedger: ledger, inferenceMarket: market } = openLedgerPredeploys
const vault = addressOf('RoyaltyVault')
const unitsContract = addressOf('DatanetUnits')
const datanet = 7n
const pool = poolPayee(1, datanet)
const holders = Array.from({ length: 6 }, (_, i): Hex => `0x${(i + 1).toString(16).padStart(40, 'b')}`)
const [alice = '0x', bob = '0x', carol = '0x'] = holders
const operations = Number(process.env['OPENLEDGER_FUZZ'] ?? 400)
const idOf = (version: number) => (datanet << 32n) | BigInt(version)

let chain: MoneyChain
let epoch: bigint
let cumulative: bigint
beforeEach(async () => {
  chain = await MoneyChain.create()
  chain.evm.state.account(market).balance = 1_000_000n * open
  chain.evm.state.account(alice).balance = 1_000_000n * open
  ;[epoch, cumulative] = [0n, 0n]
})

const send = (from: Hex, name: string, ...args: readonly unknown[]) => chain.send(from, 'DatanetUnits', name, args)
const issue = (version: number, owner: Hex, units: bigint, allotment: Hex = zeroHash) =>
  send(registry, 'issue', datanet, version, owner, units, allotment)
const transfer = (from: Hex, to: Hex, units: bigint, version = 1) => send(from, 'transfer', to, idOf(version), units)
const claimable = (holder: Hex) => chain.read('RoyaltyVault', 'claimable', [1, datanet, holder])
const claimPool = async (holder: Hex) =>
  (await chain.send(holder, 'RoyaltyVault', 'claimPool', [1, datanet, holder])).result

/** A final epoch that owes the pool so much more, and whose last batch was committed at a time. */
async function finalEpoch(amount: bigint, time: bigint): Promise<Claim> {
  epoch += 1n
  cumulative += amount
  const tree = new PayoutTree([
    { payee: pool, cumulative },
    { payee: `0x${'01'.repeat(20)}`, cumulative: 0n },
  ])
  await chain.send(market, 'RoyaltyVault', 'creditEpoch', [amount, 0n, 0n], { value: amount })
  await chain.send(ledger, 'RoyaltyVault', 'publishRoot', [epoch, tree.root, 0n])
  setMapped(chain, 'RoyaltyVault', 'snapshotOf', epoch, time)
  return tree.claim(epoch, pool)
}

const fund = (amount: bigint) => chain.send(alice, 'RoyaltyVault', 'fund', [1, datanet], { value: amount })
const toPool = (claim: Claim) => chain.send(carol, 'RoyaltyVault', 'claimToPool', [1, datanet, claim])

describe('units', () => {
  test('a version’s units are its owner’s, of the id that names it, and whole', async () => {
    await issue(1, alice, 1_000n)
    expect(await chain.read('DatanetUnits', 'balanceOf', [alice, idOf(1)])).toBe(1_000n)
    expect(await chain.read('DatanetUnits', 'totalSupply', [idOf(1)])).toBe(1_000n)
    expect(await chain.read('DatanetUnits', 'name', [idOf(1)])).toBe('Units of Datanet 7 version 1')
    expect(await chain.read('DatanetUnits', 'symbol', [idOf(1)])).toBe('DN7.1')
    expect(await chain.read('DatanetUnits', 'decimals', [idOf(1)])).toBe(0)
    // ERC-165, ERC-6909, its metadata and its token supply.
    for (const id of ['0x01ffc9a7', '0x0f632fb3']) {
      expect(await chain.read('DatanetUnits', 'supportsInterface', [id])).toBe(true)
    }
    expect((await chain.fails(alice, 'DatanetUnits', 'issue', [8n, 1, alice, 1n, zeroHash])).error).toBe('NotRegistry')
  })

  test('allowances and operators move units, and nobody else does', async () => {
    await issue(1, alice, 10n)
    const move = [alice, carol, idOf(1), 4n]
    const refused = (await chain.fails(bob, 'DatanetUnits', 'transferFrom', move)).error
    expect(refused).toBe('ERC6909InsufficientAllowance')
    await send(alice, 'approve', bob, idOf(1), 4n)
    await send(bob, 'transferFrom', ...move)
    expect((await chain.fails(bob, 'DatanetUnits', 'transferFrom', move)).error).toBe('ERC6909InsufficientAllowance')
    await send(alice, 'setOperator', bob, true)
    await send(bob, 'transferFrom', ...move)
    expect(await chain.read('DatanetUnits', 'unitsOf', [datanet, carol])).toBe(8n)
    expect((await chain.fails(alice, 'DatanetUnits', 'transfer', [bob, idOf(1), 3n])).error).toBe(
      'ERC6909InsufficientBalance',
    )
    // Units in the contract’s own name are those that were allotted and not claimed.
    expect((await chain.fails(alice, 'DatanetUnits', 'transfer', [unitsContract, idOf(1), 1n])).error).toBe(
      'ERC6909InvalidReceiver',
    )
  })

  test('an allotted unit is its contributor’s from the publication on, and movable once claimed', async () => {
    const tree = new PayoutTree([
      { payee: alice, cumulative: 30n },
      { payee: bob, cumulative: 70n },
    ])
    await issue(1, carol, 100n, tree.root)
    const published = chain.now
    chain.advance(10)
    await fund(1_000n)
    chain.advance(10)
    const leaf = (who: Hex) => {
      const { index, count, cumulative, siblings } = tree.claim(1n, who)
      return [idOf(1), who, cumulative, index, count, siblings] as const
    }
    await send(carol, 'claimAllotment', ...leaf(bob))
    expect(await claimable(bob)).toBe(700n)
    expect(await claimPool(bob)).toBe(700n)
    expect(await claimPool(bob)).toBe(0n)
    expect((await chain.fails(bob, 'DatanetUnits', 'claimAllotment', leaf(bob))).error).toBe('AllotmentTaken')
    const [id, , units, ...rest] = leaf(alice)
    const altered = [id, alice, units + 1n, ...rest]
    expect((await chain.fails(alice, 'DatanetUnits', 'claimAllotment', altered)).error).toBe('NotInTree')
    await transfer(bob, carol, 70n)
    chain.advance(5)
    await fund(1_000n)
    await send(alice, 'claimAllotment', ...leaf(alice))
    chain.advance(5)
    expect([await claimable(alice), await claimable(bob), await claimable(carol)]).toEqual([600n, 0n, 700n])
    // As of the publication both held theirs, whenever they claimed.
    expect(await chain.read('DatanetUnits', 'unitsAt', [datanet, bob, published])).toBe(70n)
    expect(await chain.read('DatanetUnits', 'unitsAt', [datanet, alice, published])).toBe(30n)
    expect(await chain.read('DatanetUnits', 'unitsAt', [datanet, alice, published - 1n])).toBe(0n)
  })

  test('an allotment that is not of as many units as the version has pays nobody', async () => {
    const tree = new PayoutTree([{ payee: alice, cumulative: 30n }])
    await issue(1, carol, 100n, tree.root)
    const { index, count, siblings } = tree.claim(1n, alice)
    const args = [idOf(1), alice, 30n, index, count, siblings]
    expect((await chain.fails(alice, 'DatanetUnits', 'claimAllotment', args)).error).toBe('WrongAllotmentSum')
    await issue(2, carol, 100n)
    const none = [idOf(2), ...args.slice(1)]
    expect((await chain.fails(alice, 'DatanetUnits', 'claimAllotment', none)).error).toBe('NotAllotted')
  })

  test('what is asked of the block being made is refused: it could still change', async () => {
    await issue(1, alice, 1n)
    const error = chain.read('DatanetUnits', 'unitsAt', [datanet, alice, chain.now])
    await expect(error).rejects.toThrow('TimeNotPast')
  })
})

describe('income', () => {
  test('a transfer within an epoch is paid by who held at its last batch, to the wei, however late it is claimed', async () => {
    await issue(1, alice, 3n)
    chain.advance(10)
    await transfer(alice, bob, 1n)
    const lastBatch = chain.now
    chain.advance(1)
    await transfer(alice, carol, 2n)
    chain.advance(100)
    await toPool(await finalEpoch(100n, lastBatch))
    expect([await claimable(alice), await claimable(bob), await claimable(carol)]).toEqual([66n, 33n, 0n])
    // 1 wei over three units: what is left of the last division is there for the next.
    await fund(2n)
    expect([await claimable(alice), await claimable(bob), await claimable(carol)]).toEqual([66n, 34n, 1n])
    expect([await claimPool(alice), await claimPool(bob), await claimPool(carol)]).toEqual([66n, 34n, 1n])
  })

  test('an epoch of real batches counts for the block of its last one', async () => {
    const world = await MoneyWorld.create()
    const on = world.chain
    const [payer, worker, seller, buyer] = ['payer', 'worker', 'seller', 'buyer'].map((name) => on.actor(name)) as [
      Actor,
      Actor,
      Actor,
      Actor,
    ]
    await stake(on, worker)
    await world.deposit(payer, worker, 5n * open)
    const unit = (1n << 32n) | 77n
    await on.send(registry, 'DatanetUnits', 'issue', [1n, 77, seller.address, 4n, zeroHash])
    const sell = () => on.send(seller, 'DatanetUnits', 'transfer', [buyer.address, unit, 1n])
    const batches: CommittedBatch[] = []
    for (let i = 0; i < 2; i++) {
      on.advance(5)
      if (i === 1) await sell()
      batches.push((await world.commit(worker, world.build(worker, [world.plan(payer, worker)]))).batch)
    }
    on.advance(1)
    await sell()
    const epoch = await world.settle(batches)
    expect(await on.read('RoyaltyVault', 'snapshotOf', [1n])).toBe(batches.at(-1)?.header.committedAt)
    const units = poolPayee(1, 1n)
    const claim = claimOf(1n, epoch.built, units)
    await on.send(payer, 'RoyaltyVault', 'claimToPool', [1, 1n, claim])
    const owed = async (who: Actor) => await on.read('RoyaltyVault', 'claimable', [1, 1n, who.address])
    const each = (claim.cumulative << 64n) / 4n
    expect([await owed(seller), await owed(buyer)]).toEqual([(3n * each) >> 64n, each >> 64n])
    expect(claim.cumulative).toBeGreaterThan(4n)
  })

  test('two epochs of which one is claimed late pay each by its own time', async () => {
    await issue(1, alice, 8n)
    const first = chain.now
    chain.advance(10)
    await transfer(alice, bob, 8n)
    const second = chain.now
    chain.advance(50)
    const claims = [await finalEpoch(80n, first), await finalEpoch(0n, first), await finalEpoch(40n, second)]
    const [one, two, three] = claims as [Claim, Claim, Claim]
    expect((await chain.fails(bob, 'RoyaltyVault', 'claimToPool', [1, datanet, three])).error).toBe('EpochsBetween')
    expect((await chain.fails(bob, 'RoyaltyVault', 'claimToPool', [1, datanet, two])).error).toBe('EpochsBetween')
    await toPool(one)
    expect((await chain.fails(bob, 'RoyaltyVault', 'claimToPool', [1, datanet, three])).error).toBe('EpochsBetween')
    const { events } = await toPool(two)
    expect(events).toMatchObject([{ name: 'EpochsPassed', args: { epoch: 2n } }])
    await toPool(three)
    expect([await claimable(alice), await claimable(bob)]).toEqual([80n, 40n])
    expect((await chain.fails(bob, 'RoyaltyVault', 'claimToPool', [1, datanet, one])).error).toBe('OlderThanLastClaim')
  })

  test('epochs in which the pool does not stand are passed by its neighbours, and by nothing else', async () => {
    await issue(1, alice, 1n)
    const payees = [1, 2, 3].map((n): Hex => `0x${String(n).repeat(40)}`)
    const [low = '0x', middle = '0x', high = '0x'] = payees
    const late: Hex = `0x${'9'.repeat(40)}`
    // The pool’s address begins with 4f4c: between them and the last.
    const without = new PayoutTree([...payees, late].map((payee) => ({ payee, cumulative: 1n })))
    await chain.send(market, 'RoyaltyVault', 'creditEpoch', [4n, 0n, 0n], { value: 4n })
    await chain.send(ledger, 'RoyaltyVault', 'publishRoot', [1n, without.root, 0n])
    const before = chain.now
    chain.advance(60)
    epoch = 1n
    const claim = await finalEpoch(9n, before)
    expect((await chain.fails(bob, 'RoyaltyVault', 'claimToPool', [1, datanet, claim])).error).toBe('EpochsBetween')
    const pass = (...around: readonly Hex[]) =>
      [datanet, 1n, around, around.map((payee) => without.claim(1n, payee))] as const
    for (const wrong of [[], [low], [late], [low, middle], [low, high], [middle, late], [high, late, low]]) {
      expect((await chain.fails(bob, 'RoyaltyVault', 'passEpochs', pass(...wrong))).error, wrong.join()).toBe(
        'NotAbsent',
      )
    }
    await chain.send(bob, 'RoyaltyVault', 'passEpochs', pass(high, late))
    await toPool(claim)
    expect(await claimable(alice)).toBe(9n)
    expect((await chain.fails(bob, 'RoyaltyVault', 'passEpochs', pass(high, late))).error).toBe('OlderThanLastClaim')
  })

  test('what comes while nobody holds units waits for who holds them first', async () => {
    await fund(5n)
    await issue(1, alice, 2n)
    chain.advance(2)
    expect(await claimable(alice)).toBe(0n)
    await fund(0n)
    expect(await claimable(alice)).toBe(5n)
  })

  test('units got in the block of a payment have no part in it, so none are lent for one', async () => {
    await issue(1, alice, 4n)
    chain.advance(2)
    await transfer(alice, bob, 4n)
    await fund(8n)
    await transfer(bob, alice, 4n)
    await fund(4n)
    expect([await claimable(alice), await claimable(bob)]).toEqual([12n, 0n])
  })

  test('a later version’s units rank with the first’s, and a transfer to oneself changes nothing', async () => {
    await issue(1, alice, 10n)
    await issue(2, bob, 30n)
    await transfer(alice, alice, 10n)
    chain.advance(1)
    await fund(80n)
    expect([await claimable(alice), await claimable(bob)]).toEqual([20n, 60n])
  })

  test('a contract that takes no money loses none: it names a recipient, or waits', async () => {
    chain.evm.state.account(carol).code = hexToBytes('0x5f5ffd')
    await issue(1, carol, 1n)
    chain.advance(1)
    await fund(10n)
    const claim = [1, datanet, carol]
    expect((await chain.fails(bob, 'RoyaltyVault', 'claimPool', claim)).error).toBe('TransferFailed')
    await chain.send(carol, 'RoyaltyVault', 'setRecipient', [bob])
    await chain.send(alice, 'RoyaltyVault', 'claimPool', claim)
    expect(chain.balance(bob)).toBe(10n)
  })

  test('neither many small payments nor many small gifts of units keep a holder from its money', async () => {
    await issue(1, alice, 1_000n)
    const gas: bigint[] = []
    for (let i = 0; i < 70; i++) {
      chain.advance(1)
      await fund(1n)
    }
    gas.push((await chain.send(alice, 'RoyaltyVault', 'claimPool', [1, datanet, alice])).gas)
    for (let i = 0; i < 70; i++) {
      chain.advance(1)
      await transfer(alice, bob, 1n)
    }
    await fund(1_000n)
    gas.push((await chain.send(bob, 'RoyaltyVault', 'claimPool', [1, datanet, bob])).gas)
    expect(Math.max(...gas.map(Number))).toBeLessThan(200_000)
    // Both at once: pages of a bounded size.
    for (let i = 0; i < 70; i++) {
      chain.advance(1)
      await transfer(alice, carol, 1n)
      await fund(1_000_000n)
    }
    chain.advance(1)
    const all = (await claimable(carol)) as bigint
    const first = (await claimPool(carol)) as bigint
    expect(first).toBeLessThan(all)
    expect(first + ((await claimPool(carol)) as bigint)).toBe(all)
  }, 60_000)

  test(`over ${operations} random mints, transfers, epochs and claims every wei is paid, owed or kept`, async () => {
    const random = new Random(41)
    const book = new UnitBook()
    const balances = new Map<string, bigint>()
    const moved = (holder: Hex, version: number, by: bigint) =>
      balances.set(`${holder} ${version}`, (balances.get(`${holder} ${version}`) ?? 0n) + by)
    const unclaimed: { readonly version: number; readonly who: Hex; readonly tree: PayoutTree }[] = []
    const held = chain.balance(vault)
    let [versions, lastSnapshot, outside] = [0, 0n, 0n]
    for (let i = 1; i <= operations; i++) {
      if (random.chance(0.6)) chain.advance(1 + random.int(20))
      const who = random.pick(holders)
      const choice = random.int(20)
      if (choice < 2 && versions < 12) {
        versions += 1
        const shares = random.list(1 + random.int(holders.length), (n) => ({
          payee: holders[n] as Hex,
          cumulative: BigInt(random.int(1_000)),
        }))
        const total = shares.reduce((sum, share) => sum + share.cumulative, 0n)
        const tree = new PayoutTree(shares)
        const toOwner = random.chance(0.4)
        await issue(versions, who, total, toOwner ? zeroHash : tree.root)
        if (toOwner) {
          book.add(who, total, chain.now)
          moved(who, versions, total)
        } else
          for (const { payee, cumulative } of shares) {
            book.add(payee, cumulative, chain.now)
            unclaimed.push({ version: versions, who: payee, tree })
          }
      } else if (choice < 4 && unclaimed.length > 0) {
        const [lot] = unclaimed.splice(random.int(unclaimed.length), 1)
        if (lot === undefined) continue
        const { index, count, cumulative, siblings } = lot.tree.claim(1n, lot.who)
        await send(who, 'claimAllotment', idOf(lot.version), lot.who, cumulative, index, count, siblings)
        moved(lot.who, lot.version, cumulative)
      } else if (choice < 11 && versions > 0) {
        const version = 1 + random.int(versions)
        const has = balances.get(`${who} ${version}`) ?? 0n
        const units = has === 0n || random.chance(0.2) ? has : BigInt(random.int(Number(has) + 1))
        const to = random.pick(holders)
        await transfer(who, to, units, version)
        moved(who, version, -units)
        moved(to, version, units)
        book.add(who, -units, chain.now)
        book.add(to, units, chain.now)
      } else if (choice < 14) {
        const time = chain.now - 1n - BigInt(random.int(30))
        lastSnapshot = time > lastSnapshot ? time : lastSnapshot
        const amount = random.chance(0.5) ? BigInt(random.int(5)) : random.big(70)
        if (lastSnapshot >= chain.now) continue
        await toPool(await finalEpoch(amount, lastSnapshot))
        if (amount > 0n) book.income(amount, lastSnapshot)
      } else if (choice < 16) {
        const amount = BigInt(random.int(100_000))
        await fund(amount)
        book.income(amount, chain.now - 1n)
      } else if (choice < 17) await send(who, 'settle', datanet, who, BigInt(random.int(3)), BigInt(random.int(3)))
      else {
        // Bookings of what came in this very block may still be merged; what is taken is right all the same.
        const allotted = unclaimed.some((lot) => lot.who === who)
        const expected = allotted ? undefined : book.claimable(who)
        const amount = (await claimPool(who)) as bigint
        if (expected !== undefined) expect(amount).toBe(expected)
        book.owedQ64.set(who, (book.owedQ64.get(who) ?? 0n) - (amount << 64n))
        book.paid += amount
        outside += amount
      }
      expect(chain.balance(vault)).toBe(held + book.funded - outside)
      if (i % 50 === 0) await check(book, unclaimed)
    }
    while (unclaimed.length > 0) {
      const lot = unclaimed.pop()
      if (lot === undefined) break
      const { index, count, cumulative, siblings } = lot.tree.claim(1n, lot.who)
      await send(alice, 'claimAllotment', idOf(lot.version), lot.who, cumulative, index, count, siblings)
    }
    chain.advance(1)
    await check(book, unclaimed)
    for (const holder of holders) expect(await claimPool(holder)).toBe(book.take(holder))
    expect(book.paid).toBeGreaterThan(0n)
    const [restQ64, funded, paid] = (await chain.read('DatanetUnits', 'books', [datanet])) as bigint[]
    expect([restQ64, funded, paid]).toEqual([book.restQ64, book.funded, book.paid])
    // Of every funded wei: paid, a fraction that is owed, or the rest of a division.
    const fractions = [...book.owedQ64.values()].reduce((sum, owed) => sum + owed, 0n)
    expect((book.paid << 64n) + fractions + book.restQ64).toBe(book.funded << 64n)
  }, 300_000)

  /** Those who claimed all of their allotments can claim what they are owed, to the wei. */
  async function check(book: UnitBook, unclaimed: readonly { readonly who: Hex }[]): Promise<void> {
    for (const holder of holders) {
      if (unclaimed.some(({ who }) => who === holder)) continue
      expect(await claimable(holder)).toBe(book.claimable(holder))
      const time = chain.now - 1n
      expect(await chain.read('DatanetUnits', 'unitsAt', [datanet, holder, time])).toBe(book.at(holder, time))
    }
  }
})
