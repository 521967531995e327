import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { delegatedSenderTransactionsMax, queuedLifetimeMs } from '../../../../../node/engine/embedded/txpool/limits.ts'
import { PoolError } from '../../../../../node/engine/embedded/txpool/pool-error.ts'
import { effectiveTip } from '../../../../../node/engine/embedded/txpool/validate.ts'
import { bytesToHex, concatBytes } from '../../../../../protocol/bytes.ts'
import { keccakHex } from '../../../../../protocol/keccak.ts'
import { encodeTransaction, signTransaction } from '../../../../../protocol/transaction.ts'
import { chainId, PoolWorld, testAddress, testKey, transfer } from './pool-world.ts'

const gwei = 1_000_000_000n

function refusal(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    if (error instanceof PoolError) return `${error.code} | ${error.message}`
    throw error
  }
  return 'accepted'
}

describe('admission', () => {
  const deposit = encodeTransaction({
    type: 0x7e,
    sourceHash: new Uint8Array(32),
    from: testAddress(0),
    mint: 0n,
    value: 0n,
    gasLimit: 50_000n,
    isSystemTx: false,
    data: new Uint8Array(0),
  })
  const legacy = (chain: bigint | undefined) =>
    encodeTransaction(
      signTransaction(
        {
          type: 0,
          chainId: chain,
          nonce: 0n,
          gasPrice: 2n * gwei,
          gasLimit: 21_000n,
          to: new Uint8Array(20),
          value: 0n,
          data: new Uint8Array(0),
          yParity: 0,
          r: 0n,
          s: 0n,
        },
        testKey(0),
      ),
    )
  test.each([
    ['a transfer', transfer(0), /^accepted$/],
    ['a legacy transaction', legacy(chainId), /^accepted$/],
    ['a transaction without replay protection', legacy(undefined), /only replay-protected/],
    ['another chain', legacy(1n), /invalid chain id for signer/],
    ['a deposit', deposit, /transaction type not supported/],
    ['a blob transaction', concatBytes(Uint8Array.of(3), new Uint8Array(10)), /transaction type not supported/],
    ['an unknown type', Uint8Array.of(0x55, 0xc0), /transaction type not supported/],
    ['no bytes', new Uint8Array(0), /^malformed/],
    ['trailing bytes', concatBytes(transfer(0), Uint8Array.of(0)), /^malformed/],
    ['a tip above the fee cap', transfer(0, { maxPriorityFeePerGas: 11n * gwei }), /max priority fee per gas higher/],
    ['too little gas', transfer(0, { gasLimit: 20_999n }), /intrinsic gas too low/],
    [
      'gas below the calldata floor',
      transfer(0, { gasLimit: 38_000n, data: new Uint8Array(1000).fill(1) }),
      /floor data gas/,
    ],
    ['more gas than a block', transfer(0, { gasLimit: 30_000_001n }), /exceeds block gas limit/],
    ['too much data', transfer(0, { gasLimit: 30_000_000n, data: new Uint8Array(131_072) }), /oversized data/],
    [
      'a huge creation',
      transfer(0, { to: undefined, gasLimit: 30_000_000n, data: new Uint8Array(49_153) }),
      /max initcode size exceeded/,
    ],
    [
      'more value than the balance',
      transfer(0, { value: 10n ** 20n }),
      /^insufficient-funds \| insufficient funds for gas \* price \+ value/,
    ],
    ['an unfunded sender', transfer(50), /insufficient funds/],
  ])('%s', (_, raw, expected) => {
    const world = new PoolWorld()
    expect(refusal(() => world.pool.add(raw))).toMatch(expected)
  })

  test('a used nonce is too low', () => {
    const world = new PoolWorld()
    world.fund(0, 10n ** 20n, 3n)
    expect(refusal(() => world.pool.add(transfer(0, { nonce: 2n })))).toBe(
      'nonce-too-low | nonce too low: next nonce 3, tx nonce 2',
    )
  })

  test('the same transaction twice is already known', () => {
    const world = new PoolWorld()
    world.pool.add(transfer(0))
    expect(refusal(() => world.pool.add(transfer(0)))).toBe('already-known | already known')
  })

  test('data fee and operator fee count against the balance', () => {
    const world = new PoolWorld()
    world.fund(0, 10n * gwei * 21_000n)
    expect(refusal(() => world.pool.add(transfer(0)))).toBe('accepted')
    for (const fees of [
      { l1Cost: () => 1n, operatorFee: () => 0n },
      { l1Cost: () => 0n, operatorFee: () => 1n },
    ]) {
      const poor = new PoolWorld()
      poor.fund(0, 10n * gwei * 21_000n)
      poor.fees = fees
      expect(refusal(() => poor.pool.add(transfer(0)))).toMatch(/insufficient funds/)
    }
  })

  test('a balance must cover all waiting transactions together', () => {
    const world = new PoolWorld()
    world.fund(0, 10n * gwei * 21_000n * 2n)
    world.pool.add(transfer(0, { nonce: 0n }))
    world.pool.add(transfer(0, { nonce: 1n }))
    expect(refusal(() => world.pool.add(transfer(0, { nonce: 2n })))).toMatch(/queued cost/)
  })

  test('a contract is no sender, a delegated account may have one transaction waiting', () => {
    const world = new PoolWorld()
    const sender = bytesToHex(testAddress(0))
    world.accounts.set(sender, { nonce: 0n, balance: 10n ** 20n, code: Uint8Array.of(0x60, 0) })
    expect(refusal(() => world.pool.add(transfer(0)))).toMatch(/sender not an eoa/)
    const delegation = concatBytes(Uint8Array.of(0xef, 1, 0), new Uint8Array(20))
    world.accounts.set(sender, { nonce: 0n, balance: 10n ** 20n, code: delegation })
    for (let nonce = 0; nonce < delegatedSenderTransactionsMax; nonce++) {
      world.pool.add(transfer(0, { nonce: BigInt(nonce) }))
    }
    const next = { nonce: BigInt(delegatedSenderTransactionsMax) }
    expect(refusal(() => world.pool.add(transfer(0, next)))).toMatch(/in-flight transaction limit/)
  })
})

describe('replacement', () => {
  test.each([
    [10n, 11n, true],
    [10n, 10n, false],
    [11n, 10n, false],
    [10n, 100n, false],
  ])('fee cap times %d/10 and tip times %d/10 of the old', (cap, tip, accepted) => {
    // The second row raises neither, the others one or both; only a tenth on both replaces.
    const world = new PoolWorld()
    const old = transfer(0, { maxFeePerGas: 100n * gwei, maxPriorityFeePerGas: 10n * gwei })
    world.pool.add(old)
    const next = transfer(0, {
      maxFeePerGas: accepted ? 110n * gwei : cap * 10n * gwei,
      maxPriorityFeePerGas: tip * gwei,
      value: 1n,
    })
    expect(refusal(() => world.pool.add(next))).toMatch(accepted ? /^accepted$/ : /replacement transaction underpriced/)
    expect(world.pool.get(keccakHex(old)) === undefined).toBe(accepted)
    expect(world.pool.status().pending).toBe(1)
  })

  test('a replacement inside a run of nonces keeps the followers executable and announces only itself', () => {
    const world = new PoolWorld()
    for (let nonce = 0n; nonce < 3n; nonce++) world.pool.add(transfer(0, { nonce }))
    const seen: string[] = []
    world.pool.onPending(({ hash }) => seen.push(hash))
    const hash = world.pool.add(transfer(0, { nonce: 1n, maxFeePerGas: 20n * gwei, maxPriorityFeePerGas: 2n * gwei }))
    expect(world.pool.status()).toMatchObject({ pending: 3, queued: 0 })
    expect(seen).toEqual([hash])
  })
})

describe('nonce gaps', () => {
  test('transactions behind a gap wait, and all become executable when it closes', () => {
    const world = new PoolWorld()
    const seen: string[] = []
    world.pool.onPending(({ hash }) => seen.push(hash))
    const later = [1n, 2n].map((nonce) => world.pool.add(transfer(0, { nonce })))
    expect(world.pool.status()).toMatchObject({ pending: 0, queued: 2 })
    expect(world.pool.nextNonce(testAddress(0))).toBe(0n)
    const first = world.pool.add(transfer(0))
    expect(world.pool.status()).toMatchObject({ pending: 3, queued: 0 })
    expect(world.pool.nextNonce(testAddress(0))).toBe(3n)
    expect(seen).toEqual([first, ...later])
  })

  test('a transaction that waited too long behind a gap is dropped', () => {
    const world = new PoolWorld()
    world.pool.add(transfer(0, { nonce: 5n }))
    world.pool.add(transfer(1))
    world.nowMs += queuedLifetimeMs + 1
    world.include([])
    expect(world.pool.status()).toMatchObject({ pending: 1, queued: 0 })
  })
})

describe('following the chain', () => {
  test('included transactions leave, their followers stay executable', () => {
    const world = new PoolWorld()
    for (let nonce = 0n; nonce < 3n; nonce++) world.pool.add(transfer(0, { nonce }))
    world.mine(2)
    expect(world.pool.status()).toMatchObject({ pending: 1, queued: 0 })
    expect(world.pool.nextNonce(testAddress(0))).toBe(3n)
  })

  test('transactions of a reverted block wait again', () => {
    const world = new PoolWorld()
    const hashes = [0n, 1n].map((nonce) => world.pool.add(transfer(0, { nonce })))
    world.mine()
    world.pool.add(transfer(0, { nonce: 2n }))
    world.revert()
    expect(world.pool.status()).toMatchObject({ pending: 3, queued: 0 })
    expect(hashes.every((hash) => world.pool.get(hash) !== undefined)).toBe(true)
  })

  test('a sender who got poor loses what it cannot pay', () => {
    const world = new PoolWorld()
    for (let nonce = 0n; nonce < 3n; nonce++) world.pool.add(transfer(0, { nonce, value: nonce * 10n ** 18n }))
    world.fund(0, 10n ** 18n + 10n ** 17n)
    world.mine(1)
    expect([...world.pool.content().pending.values()].flat().map(({ tx }) => tx.nonce)).toEqual([1n])
  })
})

describe('limits', () => {
  test('a full pool takes a better transaction in place of the worst and refuses a worse one', () => {
    const world = new PoolWorld({ transactionsMax: 3 })
    const hashes = [3n, 1n, 2n].map((tip, from) => world.pool.add(transfer(from, { maxPriorityFeePerGas: tip * gwei })))
    expect(refusal(() => world.pool.add(transfer(4, { maxPriorityFeePerGas: gwei })))).toMatch(/txpool is full/)
    world.pool.add(transfer(5, { maxPriorityFeePerGas: 4n * gwei }))
    expect(world.pool.get(hashes[1] ?? '0x')).toBeUndefined()
    expect(world.pool.status().pending).toBe(3)
  })

  test('what waits behind a gap goes first', () => {
    const world = new PoolWorld({ transactionsMax: 2 })
    const gapped = world.pool.add(transfer(0, { nonce: 1n, maxPriorityFeePerGas: 9n * gwei }))
    world.pool.add(transfer(1, { maxPriorityFeePerGas: gwei }))
    world.pool.add(transfer(2, { maxPriorityFeePerGas: gwei }))
    expect(world.pool.get(gapped)).toBeUndefined()
  })

  test('one sender cannot fill the pool', () => {
    const world = new PoolWorld({ senderTransactionsMax: 4, senderQueuedMax: 2 })
    for (let nonce = 0n; nonce < 4n; nonce++) world.pool.add(transfer(0, { nonce }))
    expect(refusal(() => world.pool.add(transfer(0, { nonce: 4n })))).toMatch(/account limit exceeded/)
    for (const nonce of [2n, 3n]) world.pool.add(transfer(1, { nonce }))
    expect(refusal(() => world.pool.add(transfer(1, { nonce: 4n })))).toMatch(/account limit exceeded/)
    expect(refusal(() => world.pool.add(transfer(1, { nonce: 0n })))).toBe('accepted')
  })
})

describe('properties', () => {
  const sent = fc.record({
    from: fc.integer({ min: 0, max: 5 }),
    nonce: fc.bigInt({ min: 0n, max: 6n }),
    tip: fc.bigInt({ min: 0n, max: 20n }),
    cap: fc.bigInt({ min: 0n, max: 20n }),
  })
  const action = fc.oneof(
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('send' as const), sent }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('mine' as const), count: fc.integer({ min: 0, max: 4 }) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('revert' as const) }) },
  )
  const limits = { transactionsMax: 12, senderTransactionsMax: 5, senderQueuedMax: 3, queuedMax: 6 }

  test('limits hold, no nonce twice, counts agree, and order is by effective tip with nonces rising', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const world = new PoolWorld(limits, 6)
        let mined = 0
        for (const step of actions) {
          if (step.kind === 'mine') mined += world.mine(step.count) === undefined ? 0 : 1
          else if (step.kind === 'revert' && mined > 0) {
            mined--
            world.revert()
          } else if (step.kind === 'send') {
            const { from, nonce, tip, cap } = step.sent
            const raw = transfer(from, { nonce, maxPriorityFeePerGas: tip * gwei, maxFeePerGas: cap * gwei })
            refusal(() => world.pool.add(raw))
          }
          checkInvariants(world)
        }
      }),
      { numRuns: 60 },
    )
  })

  function checkInvariants(world: PoolWorld): void {
    const { pending, queued } = world.pool.content()
    const all = [...pending.values(), ...queued.values()].flat()
    const status = world.pool.status()
    expect(status.pending + status.queued).toBe(all.length)
    expect(status.queued).toBe([...queued.values()].flat().length)
    expect(status.bytes).toBe(all.reduce((sum, { raw }) => sum + raw.length, 0))
    expect(all.length).toBeLessThanOrEqual(limits.transactionsMax)
    expect(new Set(all.map(({ sender, tx }) => `${bytesToHex(sender)} ${tx.nonce}`)).size).toBe(all.length)
    for (const list of queued.values()) expect(list.length).toBeLessThanOrEqual(limits.senderTransactionsMax)
    for (const [sender, list] of pending) {
      const first = world.accounts.get(sender)?.nonce ?? 0n
      expect(list.map(({ tx }) => tx.nonce)).toEqual(list.map((_, i) => first + BigInt(i)))
    }
    checkOrder(world)
  }

  /** At each point the best of all senders' next transactions comes. */
  function checkOrder(world: PoolWorld): void {
    const rest = new Map([...world.pool.content().pending].map(([sender, list]) => [sender, [...list]]))
    for (const { tx, sender } of world.pool.pending(world.baseFee)) {
      const heads = [...rest.values()].flatMap((list) => (list[0] === undefined ? [] : [list[0]]))
      const best = heads.reduce((max, { tx }) => maxOf(max, effectiveTip(tx, world.baseFee)), -1n)
      expect(effectiveTip(tx, world.baseFee)).toBe(best)
      expect(rest.get(bytesToHex(sender))?.shift()?.tx.nonce).toBe(tx.nonce)
    }
    // What is left cannot pay the base fee at the front of each sender's line.
    for (const [next] of rest.values())
      if (next !== undefined) expect(effectiveTip(next.tx, world.baseFee)).toBeLessThan(0n)
  }

  function maxOf(a: bigint, b: bigint): bigint {
    return a > b ? a : b
  }

  test('a skipped sender yields no more, the others all', () => {
    const world = new PoolWorld()
    for (const from of [0, 1, 2]) {
      for (let nonce = 0n; nonce < 3n; nonce++) world.pool.add(transfer(from, { nonce }))
    }
    const skipped = bytesToHex(testAddress(1))
    const order = world.pool.pending(gwei)
    const seen: string[] = []
    for (const { sender } of order) {
      if (bytesToHex(sender) === skipped) order.skipSender(sender)
      else seen.push(bytesToHex(sender))
    }
    expect(seen).toHaveLength(6)
  })
})
