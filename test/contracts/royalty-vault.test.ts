import { type Abi, encodeFunctionData, toFunctionSelector } from 'viem'
import { beforeEach, describe, expect, test } from 'vitest'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { loadArtifact } from '../../contracts/artifact.ts'
import {
  bytesToBigint,
  bytesToHex,
  concatBytes,
  fixedHex,
  type Hex,
  hexToBytes,
  uintBytes,
  zeroHash,
} from '../../protocol/bytes.ts'
import { addressOf, MoneyChain, open } from '../fakes/money-chain.ts'
import { type Claim, lonePayout, PayoutTree } from '../fakes/payout-tree.ts'
import { Random } from '../fakes/random.ts'
import { setMapped } from '../fakes/storage-slots.ts'

const ledger = addressOf('AttributionLedger')
const market = addressOf('InferenceMarket')
const vault = addressOf('RoyaltyVault')

let chain: MoneyChain
beforeEach(async () => {
  chain = await MoneyChain.create()
  chain.evm.state.account(market).balance = 1_000_000n * open
})

/** Makes an epoch final as the ledger and the market do. */
async function publish(epoch: bigint, root: Hex, credits: bigint, platform = 0n, stakers = 0n): Promise<void> {
  const value = credits + platform + stakers
  await chain.send(market, 'RoyaltyVault', 'creditEpoch', [credits, platform, stakers], { value })
  await chain.send(ledger, 'RoyaltyVault', 'publishRoot', [epoch, root, 0n])
}

/** Puts code at an address: what a recipient does with its money. */
function place(address: Hex, code: Hex): Hex {
  chain.evm.state.account(address).code = hexToBytes(code)
  return address
}

const refusing: Hex = '0x5f5ffd'
/** JUMPDEST PUSH0 JUMP: burns whatever gas it gets. */
const endless: Hex = '0x5b5f56'

const payees = Array.from({ length: 9 }, (_, i): Hex => `0x${(i + 1).toString(16).padStart(40, 'a')}`)
const [first = '0x', second = '0x', third = '0x'] = payees
/** The full trial is 10,000. */
const poolOperations = Number(process.env['OPENLEDGER_FUZZ'] ?? 1_000)

describe('claims', () => {
  test('every payee of every small tree gets exactly its payout, and a second claim gets nothing', async () => {
    for (let n = 1; n <= 9; n++) {
      const world = await chain.fork()
      const payouts = payees.slice(0, n).map((payee, i) => ({ payee, cumulative: BigInt(i + 1) * open }))
      const tree = new PayoutTree(payouts)
      const credits = payouts.reduce((sum, { cumulative }) => sum + cumulative, 0n)
      await world.send(market, 'RoyaltyVault', 'creditEpoch', [credits, 0n, 0n], { value: credits })
      await world.send(ledger, 'RoyaltyVault', 'publishRoot', [1n, tree.root, 0n])
      for (const { payee, cumulative } of payouts) {
        const { result, events } = await world.send(payee, 'RoyaltyVault', 'claim', [tree.claim(1n, payee)])
        expect(result).toBe(cumulative)
        expect(world.balance(payee)).toBe(cumulative)
        expect(events).toMatchObject([{ name: 'Claimed', args: { epoch: 1n, amount: cumulative } }])
        const again = await world.send(payee, 'RoyaltyVault', 'claim', [tree.claim(1n, payee)])
        expect(again).toMatchObject({ result: 0n, events: [] })
      }
      expect(world.balance(vault)).toBe(0n)
    }
  })

  test('across epochs a claim pays what is new since the last, against any root not older than it', async () => {
    const at = (amounts: bigint[]) =>
      new PayoutTree(amounts.map((a, i) => ({ payee: payees[i] ?? '0x', cumulative: a })))
    const trees = [at([5n, 7n]), at([5n, 9n]), at([11n, 9n])]
    for (const [i, tree] of trees.entries()) await publish(BigInt(i + 1), tree.root, [12n, 2n, 6n][i] ?? 0n)
    const claim = (epoch: bigint, payee: Hex) =>
      chain.send(payee, 'RoyaltyVault', 'claim', [trees[Number(epoch) - 1]?.claim(epoch, payee)])

    expect((await claim(2n, first)).result).toBe(5n)
    expect((await claim(3n, first)).result).toBe(6n)
    const older = [trees[1]?.claim(2n, first)]
    expect((await chain.fails(first, 'RoyaltyVault', 'claim', older)).error).toBe('OlderThanLastClaim')
    expect((await claim(1n, second)).result).toBe(7n)
    expect((await claim(3n, second)).result).toBe(2n)
    expect(chain.balance(vault)).toBe(0n)
  })

  test('nothing but the very leaf under a final root is paid', async () => {
    const tree = new PayoutTree(payees.map((payee, i) => ({ payee, cumulative: BigInt(i + 1) })))
    await publish(1n, tree.root, 45n)
    const right = tree.claim(1n, third)
    const damage: readonly Partial<Claim>[] = [
      { cumulative: right.cumulative + 1n },
      { index: right.index + 1 },
      { index: right.index + 16 },
      { count: 10 },
      { count: 8 },
      { siblings: `${right.siblings.slice(0, -2)}ff` as Hex },
      { siblings: `0x${right.siblings.slice(2 + 96)}` },
      { siblings: `${right.siblings}${'00'.repeat(48)}` as Hex },
      { siblings: '0x' },
    ]
    for (const wrong of damage) {
      const { error } = await chain.fails(third, 'RoyaltyVault', 'claim', [{ ...right, ...wrong }])
      expect(error, Object.keys(wrong).join()).toBe('BadProof')
    }
    expect((await chain.fails(second, 'RoyaltyVault', 'claim', [right])).error).toBe('BadProof')
    expect((await chain.fails(third, 'RoyaltyVault', 'claim', [{ ...right, epoch: 2n }])).error).toBe('NotFinal')
    expect((await chain.send(third, 'RoyaltyVault', 'claim', [right])).result).toBe(3n)
  })

  test('an absent leaf of the padding cannot be opened', async () => {
    const tree = new PayoutTree(payees.slice(0, 3).map((payee) => ({ payee, cumulative: 0n })))
    await publish(1n, tree.root, 0n)
    const claim = { ...tree.claim(1n, third), index: 3 }
    expect((await chain.fails(third, 'RoyaltyVault', 'claim', [claim])).error).toBe('BadProof')
  })

  test('only ledger and market bring epochs, once each and with their money', async () => {
    const root: Hex = `0x${'11'.repeat(32)}`
    const fails = async (from: Hex, name: string, args: unknown[], value = 0n) =>
      (await chain.fails(from, 'RoyaltyVault', name, args, { value })).error
    expect(await fails(market, 'publishRoot', [1n, root, 0n])).toBe('NotLedger')
    expect(await fails(ledger, 'creditEpoch', [0n, 0n, 0n])).toBe('NotMarket')
    expect(await fails(market, 'creditEpoch', [3n, 2n, 1n], 5n)).toBe('WrongValue')
    await publish(1n, root, 0n)
    expect(await fails(ledger, 'publishRoot', [1n, root, 0n])).toBe('RootExists')
    expect(await fails(first, 'initialize', [])).toBe('InvalidInitialization')
  })

  test('a claim at 100,000 payees that pays a new account stays under 110,000 gas', async () => {
    const random = new Random(11)
    let most = 0n
    for (let i = 1; i <= 20; i++) {
      const payee = `0x${Buffer.from(random.bytes(20)).toString('hex')}` as Hex
      const amount = 5n * open + random.big(60)
      const { root, claim } = lonePayout(BigInt(i), 100_000, { payee, cumulative: amount }, random)
      await publish(BigInt(i), root, amount)
      const recipient = i % 2 === 0 ? payee : bytesToHex(random.bytes(20))
      if (recipient !== payee) await chain.send(payee, 'RoyaltyVault', 'setRecipient', [recipient])
      const { gas } = await chain.send(payee, 'RoyaltyVault', 'claim', [claim])
      expect(chain.balance(recipient)).toBe(amount)
      if (gas > most) most = gas
    }
    expect(most).toBeLessThanOrEqual(110_000n)
    expect(most).toBeGreaterThan(100_000n)
  })
})

describe('recipients and operators', () => {
  const tree = new PayoutTree(payees.map((payee, i) => ({ payee, cumulative: BigInt(i + 1) * open })))
  const claims = payees.map((payee) => tree.claim(1n, payee))
  beforeEach(() => publish(1n, tree.root, 45n * open))

  test('anybody claims for a payee, and the money goes to its recipient', async () => {
    const { address: stranger } = chain.actor('stranger')
    const { address: purse } = chain.actor('purse')
    const before = chain.balance(purse)
    await chain.send(first, 'RoyaltyVault', 'setRecipient', [purse])
    const { result } = await chain.send(stranger, 'RoyaltyVault', 'claimFor', [first, claims[0]])
    expect(result).toBe(open)
    expect(chain.balance(purse)).toBe(before + open)
    expect(chain.balance(first)).toBe(0n)
    await chain.send(second, 'RoyaltyVault', 'setRecipient', [purse])
    await chain.send(second, 'RoyaltyVault', 'setRecipient', [`0x${'0'.repeat(40)}`])
    await chain.send(stranger, 'RoyaltyVault', 'claimFor', [second, claims[1]])
    expect(chain.balance(second)).toBe(2n * open)
    expect((await chain.send(second, 'RoyaltyVault', 'claim', [claims[1]])).result).toBe(0n)
  })

  test('restricted claims are open to the payee and its operators alone, before and after the first', async () => {
    const { address: operator } = chain.actor('operator')
    const { address: stranger } = chain.actor('stranger')
    const { events } = await chain.send(first, 'RoyaltyVault', 'restrictClaims', [true])
    expect(events).toMatchObject([{ name: 'ClaimsRestricted', args: { restricted: true } }])
    const refused = async (from: Hex) => (await chain.fails(from, 'RoyaltyVault', 'claimFor', [first, claims[0]])).error
    expect(await refused(stranger)).toBe('NotOperator')
    expect(await refused(operator)).toBe('NotOperator')
    await chain.send(first, 'RoyaltyVault', 'setOperator', [operator, true])
    expect((await chain.send(operator, 'RoyaltyVault', 'claimFor', [first, claims[0]])).result).toBe(open)
    await chain.send(first, 'RoyaltyVault', 'setOperator', [operator, false])

    const next = new PayoutTree([{ payee: first, cumulative: 3n * open }])
    await publish(2n, next.root, 2n * open)
    const later = [first, next.claim(2n, first)]
    expect((await chain.fails(operator, 'RoyaltyVault', 'claimFor', later)).error).toBe('NotOperator')
    expect(await chain.read('RoyaltyVault', 'mayClaimFor', [first, first])).toBe(true)
    await chain.send(first, 'RoyaltyVault', 'restrictClaims', [false])
    expect((await chain.send(stranger, 'RoyaltyVault', 'claimFor', later)).result).toBe(2n * open)
  })

  test('neither restriction nor recipient changes what was paid', async () => {
    await chain.send(first, 'RoyaltyVault', 'claim', [claims[0]])
    await chain.send(first, 'RoyaltyVault', 'restrictClaims', [true])
    await chain.send(first, 'RoyaltyVault', 'setRecipient', [second])
    expect((await chain.send(first, 'RoyaltyVault', 'claim', [claims[0]])).result).toBe(0n)
    expect(chain.balance(vault)).toBe(44n * open)
  })

  test('nobody stops a claimMany by claiming before it, by an older root, or by a restriction', async () => {
    const { address: stranger } = chain.actor('stranger')
    const next = new PayoutTree(payees.map((payee, i) => ({ payee, cumulative: BigInt(i + 2) * open })))
    await publish(2n, next.root, 9n * open)
    await chain.send(stranger, 'RoyaltyVault', 'claimFor', [first, next.claim(2n, first)])
    await chain.send(second, 'RoyaltyVault', 'restrictClaims', [true])
    const { result, events } = await chain.send(stranger, 'RoyaltyVault', 'claimMany', [payees, claims])
    expect(result).toBe(42n * open)
    expect(events.filter(({ name }) => name === 'ClaimSkipped').map(({ args }) => args['amount'])).toEqual([2n * open])
    expect((await chain.send(second, 'RoyaltyVault', 'claim', [claims[1]])).result).toBe(2n * open)
  })

  test('a claimMany starved of gas takes nothing from a recipient that ran out of it', async () => {
    const { address: stranger } = chain.actor('stranger')
    // Spends about 80,000 gas on the money: four first writes to storage.
    place(third, '0x600160005560016001556001600255600160035500')
    for (let gas = 60_000n; gas <= 260_000n; gas += 20_000n) {
      const world = await chain.fork()
      const data = encodeFunctionData({
        abi: loadArtifact('RoyaltyVault').abi as unknown as Abi,
        functionName: 'claimMany',
        args: [[third], [claims[2]]],
      })
      await world.sendRaw(stranger, vault, hexToBytes(data), { gas })
      const unpaid = 3n * open - world.balance(third)
      expect((await world.send(third, 'RoyaltyVault', 'claim', [claims[2]])).result).toBe(unpaid)
    }
  })

  test('claimMany skips whoever cannot be paid, however it fails, and loses nobody a wei', async () => {
    const { address: operator } = chain.actor('operator')
    place(first, refusing)
    place(third, endless)
    const { result, events } = await chain.send(operator, 'RoyaltyVault', 'claimMany', [payees, claims], {
      gas: 2_000_000n,
    })
    expect(result).toBe(41n * open)
    expect(events.filter(({ name }) => name === 'ClaimSkipped').map(({ args }) => args['amount'])).toEqual([
      open,
      3n * open,
    ])
    expect(chain.balance(vault)).toBe(4n * open)
    expect(await chain.fails(first, 'RoyaltyVault', 'claim', [claims[0]])).toMatchObject({ error: 'TransferFailed' })
    for (const payee of [first, third]) {
      await chain.send(payee, 'RoyaltyVault', 'setRecipient', [chain.actor('purse').address])
    }
    const later = [
      [first, third],
      [claims[0], claims[2]],
    ]
    expect((await chain.send(operator, 'RoyaltyVault', 'claimMany', later)).result).toBe(4n * open)
    expect(chain.balance(vault)).toBe(0n)
  })

  test('claimMany asks for as many claims as payees, and for proofs of each', async () => {
    const fails = async (...args: unknown[]) => (await chain.fails(first, 'RoyaltyVault', 'claimMany', args)).error
    expect(await fails([first, second], [claims[0]])).toBe('LengthMismatch')
    expect(await fails([first, second], [claims[0], claims[0]])).toBe('BadProof')
    expect(await fails([first, first], [claims[0], claims[1]])).toBe('BadProof')
  })

  test('a recipient that claims again while it is paid finds nothing more', async () => {
    const { address: operator } = chain.actor('operator')
    const abi = loadArtifact('RoyaltyVault').abi as unknown as Abi
    const again = encodeFunctionData({ abi, functionName: 'claim', args: [claims[0]] })
    place(first, reentering(vault, again))
    const { events } = await chain.send(first, 'RoyaltyVault', 'claim', [claims[0]])
    expect(events.filter(({ name }) => name === 'Claimed')).toHaveLength(1)
    expect(chain.balance(first)).toBe(open)

    // Of a list, another payee: paid by the recipient's call, and not once more.
    const other = encodeFunctionData({ abi, functionName: 'claimFor', args: [second, claims[1]] })
    place(third, reentering(vault, other))
    const list = [
      [third, second],
      [claims[2], claims[1]],
    ]
    expect((await chain.send(operator, 'RoyaltyVault', 'claimMany', list)).result).toBe(3n * open)
    expect([second, third].map((payee) => chain.balance(payee))).toEqual([2n * open, 3n * open])
    expect(chain.balance(vault)).toBe(39n * open)
  })
})

describe('pools', () => {
  const timelock = openLedgerPredeploys.timelock
  const stakePool: Hex = '0x4f4c000000000000000000000000000000000008'
  const poolOf = async (kind: number, id: bigint): Promise<Hex> =>
    fixedHex(await chain.read('RoyaltyVault', 'poolPayee', [kind, id]), 20)

  test("platform and stakers of an epoch go to treasury and stakers; the treasury is the timelock's", async () => {
    await publish(1n, `0x${'11'.repeat(32)}`, 0n, 3n * open, 5n * open)
    expect((await chain.send(timelock, 'RoyaltyVault', 'claimPool', [2, 0n, timelock])).result).toBe(3n * open)
    expect(chain.balance(timelock)).toBe(3n * open)
    // Nobody stakes yet: what came waits for the first.
    await chain.send(stakePool, 'RoyaltyVault', 'setUnits', [0, 0n, first, 8n])
    expect(await chain.read('RoyaltyVault', 'claimable', [0, 0n, first])).toBe(5n * open)
    expect((await chain.send(first, 'RoyaltyVault', 'claimPool', [0, 0n, first])).result).toBe(5n * open)
    expect(await chain.send(first, 'RoyaltyVault', 'claimPool', [0, 0n, first])).toMatchObject({
      result: 0n,
      events: [],
    })
  })

  test('a pool that stands as a payee is funded by anyone with its proof, once', async () => {
    const pool = await poolOf(1, 1n)
    expect(pool).toBe('0x4f4c706f6f6c0000000000010000000000000001')
    await chain.send(openLedgerPredeploys.datanetRegistry, 'DatanetUnits', 'issue', [1n, 1, first, 2n, zeroHash])
    const held = chain.now
    chain.advance(60)
    const tree = new PayoutTree([
      { payee: pool, cumulative: 10n },
      { payee: first, cumulative: 1n },
    ])
    await publish(1n, tree.root, 11n)
    setMapped(chain, 'RoyaltyVault', 'snapshotOf', 1n, held)
    const claim = tree.claim(1n, pool)
    const { result, events } = await chain.send(third, 'RoyaltyVault', 'claimToPool', [1, 1n, claim])
    expect(result).toBe(10n)
    expect(events.map(({ name }) => name)).toEqual(['Claimed', 'IncomeCredited', 'PoolFunded'])
    expect((await chain.send(third, 'RoyaltyVault', 'claimToPool', [1, 1n, claim])).result).toBe(0n)
    expect((await chain.send(first, 'RoyaltyVault', 'claimPool', [1, 1n, first])).result).toBe(10n)
  })

  test("a pool's money goes into the pool by whatever way it is claimed: it has no key to spend it", async () => {
    const stakers = await poolOf(0, 0n)
    const treasury = await poolOf(2, 0n)
    const tree = new PayoutTree([
      { payee: stakers, cumulative: 10n },
      { payee: treasury, cumulative: 5n },
      { payee: first, cumulative: 7n },
    ])
    await publish(1n, tree.root, 22n)
    await chain.send(first, 'RoyaltyVault', 'setRecipient', [stakers])
    await chain.send(third, 'RoyaltyVault', 'claimFor', [stakers, tree.claim(1n, stakers)])
    const rest = [treasury, first]
    await chain.send(third, 'RoyaltyVault', 'claimMany', [rest, rest.map((payee) => tree.claim(1n, payee))])
    expect([stakers, treasury].map((pool) => chain.balance(pool))).toEqual([0n, 0n])
    expect((await chain.send(third, 'RoyaltyVault', 'claimPool', [2, 0n, timelock])).result).toBe(5n)
    // A pool that is a member of another: its share goes on into it.
    await chain.send(stakePool, 'RoyaltyVault', 'setUnits', [0, 0n, treasury, 1n])
    expect((await chain.send(third, 'RoyaltyVault', 'claimPool', [0, 0n, treasury])).result).toBe(17n)
    expect((await chain.send(third, 'RoyaltyVault', 'claimPool', [2, 0n, timelock])).result).toBe(17n)
    expect([chain.balance(timelock), chain.balance(vault)]).toEqual([22n, 0n])
  })

  test('only a pool that there is has members, and only its manager sets them', async () => {
    const fails = async (from: Hex, name: string, args: unknown[]) =>
      (await chain.fails(from, 'RoyaltyVault', name, args)).error
    expect(await fails(first, 'setUnits', [0, 0n, first, 1n])).toBe('NotPoolManager')
    expect(await fails(first, 'setUnits', [2, 0n, first, 1n])).toBe('NotPoolManager')
    expect(await fails(first, 'setUnits', [1, 99n, first, 1n])).toBe('NotPoolManager')
    expect(await fails(first, 'setUnits', [5, 0n, first, 1n])).toBe('UnknownPool')
    expect(await fails(first, 'fund', [0, 1n])).toBe('UnknownPool')
    await chain.send(first, 'RoyaltyVault', 'restrictClaims', [true])
    expect(await fails(second, 'claimPool', [0, 0n, first])).toBe('NotOperator')
    await chain.send(openLedgerPredeploys.moneyTimelock, 'RoyaltyVault', 'setUnits', [2, 0n, first, 1n])
    expect(await chain.read('RoyaltyVault', 'claimable', [2, 0n, first])).toBe(0n)
  })

  test(`over ${poolOperations} random operations no fraction of a wei is made or lost`, async () => {
    const random = new Random(23)
    const pool = await poolOf(0, 0n)
    let [funded, paid] = [0n, 0n]
    const held = chain.balance(vault)
    for (let i = 1; i <= poolOperations; i++) {
      const member = random.pick(payees)
      const choice = random.int(3)
      if (choice === 0) {
        const value = random.chance(0.5) ? BigInt(random.int(5)) : random.big(70)
        await call(market, selectors.fund, [0n, 0n], value)
        funded += value
      } else if (choice === 1) {
        const units = random.chance(0.3) ? 0n : random.big(random.pick([2, 20, 64, 120]))
        await call(stakePool, selectors.setUnits, [0n, 0n, BigInt(member), units])
      } else {
        paid += await call(member, selectors.claimPool, [0n, 0n, BigInt(member)])
      }
      expect(chain.balance(vault)).toBe(held + funded - paid)
      if (i % 500 === 0) expect(await owedQ64(pool)).toBe((funded - paid) << 64n)
    }
    expect(paid).toBeGreaterThan(0n)
  }, 300_000)

  const selectors = {
    fund: toFunctionSelector('fund(uint8,uint64)'),
    setUnits: toFunctionSelector('setUnits(uint8,uint64,address,uint128)'),
    claimPool: toFunctionSelector('claimPool(uint8,uint64,address)'),
  }

  /** A call that goes through, without what makes `send` slow; its first word. */
  async function call(from: Hex, selector: Hex, words: readonly bigint[], value = 0n): Promise<bigint> {
    const data = concatBytes(hexToBytes(selector), ...words.map((word) => uintBytes(word, 32)))
    const { result } = await chain.sendRaw(from, vault, data, { value })
    expect(result.execResult.exceptionError).toBeUndefined()
    return bytesToBigint(result.execResult.returnValue)
  }

  /** All that a pool owes, in 1/2^64 wei: to its members and to those who come. */
  async function owedQ64(pool: Hex): Promise<bigint> {
    const [acc, undistributed, units] = (await chain.read('RoyaltyVault', 'pools', [pool])) as [bigint, bigint, bigint]
    let [sum, unitsSum] = [undistributed, 0n]
    for (const payee of payees) {
      const member = (await chain.read('RoyaltyVault', 'members', [pool, payee])) as [bigint, bigint, bigint]
      sum += member[1] + member[2] * (acc - member[0])
      unitsSum += member[2]
    }
    expect(unitsSum).toBe(units)
    return sum
  }
})

/** Code that calls `to` with `data` whenever it is called. */
function reentering(to: Hex, data: Hex): Hex {
  const length = ((data.length - 2) / 2).toString(16).padStart(4, '0')
  // CODECOPY of the data behind the code; CALL.
  const code = `61${length}60LL5f3960205f61${length}5f5f73${to.slice(2)}5af100`
  const own = (code.length / 2).toString(16).padStart(2, '0')
  return `0x${code.replace('LL', own)}${data.slice(2)}`
}
