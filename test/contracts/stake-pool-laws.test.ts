import { expect, test } from 'vitest'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { compound, flexiWindowSeconds, stakeTerms } from '../../protocol/stake-interest.ts'
import { MoneyChain, open, Reverted } from '../fakes/money-chain.ts'
import { Random } from '../fakes/random.ts'

/** The full trial is 10,000. */
const steps = Number(process.env['OPENLEDGER_FUZZ'] ?? 1_000)
const day = 86_400

/** What a stake is by the rules of docs/GOVERNANCE.md, without the contract's books. */
type Position = {
  readonly owner: number
  readonly config: number
  rate: bigint
  start: bigint
  until: bigint
  amount: bigint
  principal: bigint
}

class Model {
  readonly live = new Map<bigint, Position>()
  readonly waiting = new Map<bigint, { readonly owner: number; readonly at: bigint; readonly amount: bigint }>()
  readonly rates = [2n, 3n, 5n, 8n, 12n].map((percent) => percent * 10n ** 16n)
  funded = 0n
  paidInterest = 0n

  value(p: Position, now: bigint): bigint {
    return compound(p.amount, p.rate, (now < p.until ? now : p.until) - p.start)
  }

  reserved(p: Position): bigint {
    return compound(p.amount, p.rate, p.until - p.start) - p.amount
  }

  /** What no stake needs: what came, less what was paid or put into stakes, less what is set aside. */
  free(): bigint {
    const set = [...this.live.values()].reduce((sum, p) => sum + this.reserved(p) + p.amount - p.principal, 0n)
    return this.funded - this.paidInterest - set
  }

  begin(p: Position, added: bigint, now: bigint): void {
    p.amount = this.value(p, now) + added
    p.principal += added
    const span = stakeTerms[p.config]?.durationSeconds || flexiWindowSeconds
    Object.assign(p, { rate: this.rates[p.config] ?? 0n, start: now, until: now })
    const free = this.free()
    const interest = compound(p.amount, p.rate, span) - p.amount
    if (interest <= free) p.until = now + span
    else if (p.config !== 0) throw new Error('ReserveTooLow')
  }
}

test(
  'in random sequences of calls every wei is free, reserved, staked or owed, and units are what was put in',
  async () => {
    const chain = await MoneyChain.create()
    const random = new Random(7)
    const owners = ['a', 'b', 'c'].map((name) => chain.actor(`staker ${name}`))
    for (const { address } of owners) chain.evm.state.account(address).balance = 10n ** 25n
    const model = new Model()
    const done = new Map<string, number>()

    const some = (map: ReadonlyMap<bigint, { readonly owner: number }>) => [...map][random.int(Math.max(1, map.size))]
    const steps_: readonly (readonly [string, () => Promise<void>])[] = [
      [
        'fund',
        async () => {
          const value = BigInt(random.int(50)) * open + 1n
          await chain.send(owners[0] as never, 'StakePool', 'fundReserve', [], { value })
          model.funded += value
        },
      ],
      [
        'stake',
        async () => {
          const [config, owner] = [random.int(5), random.int(3)]
          const value = BigInt(1 + random.int(400)) * open + BigInt(random.int(1_000))
          const next: Position = {
            owner,
            config,
            rate: 0n,
            start: chain.now,
            until: chain.now,
            amount: 0n,
            principal: 0n,
          }
          const id = (await chain.read('StakePool', 'nextStakeId')) as bigint
          model.live.set(id, next)
          const fits = attempt(() => model.begin(next, value, chain.now))
          if (fits !== undefined) model.live.delete(id)
          await same(
            fits,
            chain.send(owners[owner] as never, 'StakePool', 'stake', [config, owners[owner]?.address], { value }),
          )
        },
      ],
      [
        'topUpStake',
        async () => {
          const [id, p] = some(model.live) ?? []
          if (id === undefined || p === undefined) return
          const position = p as Position
          const before = { ...position }
          const duration = stakeTerms[position.config]?.durationSeconds ?? 0n
          const ended = duration !== 0n && chain.now >= position.start + duration
          const fits = ended ? 'StakeEnded' : attempt(() => model.begin(position, open, chain.now))
          if (fits !== undefined) Object.assign(position, before)
          await same(
            fits,
            chain.send(owners[position.owner] as never, 'StakePool', 'topUpStake', [id], { value: open }),
          )
        },
      ],
      [
        'renew',
        async () => {
          const [id, p] = some(model.live) ?? []
          if (id === undefined || p === undefined) return
          const position = p as Position
          if (position.config === 0) model.begin(position, 0n, chain.now)
          await same(
            position.config === 0 ? undefined : 'NotFlexible',
            chain.send(owners[position.owner] as never, 'StakePool', 'renew', [id]),
          )
        },
      ],
      [
        'requestUnstake',
        async () => {
          const [id, p] = some(model.live) ?? []
          if (id === undefined || p === undefined) return
          const position = p as Position
          const term = stakeTerms[position.config]
          const early = chain.now < position.start + (term?.durationSeconds ?? 0n)
          const amount = model.value(position, chain.now)
          if (!early) {
            model.live.delete(id)
            model.paidInterest += amount - position.principal
            if (position.config === 0) {
              model.waiting.set(id, { owner: position.owner, at: chain.now + (term?.cooldownSeconds ?? 0n), amount })
            }
          }
          const before = chain.balance(owners[position.owner] as never)
          await same(
            early ? 'StakeNotEnded' : undefined,
            chain.send(owners[position.owner] as never, 'StakePool', 'requestUnstake', [id]),
          )
          const paid = chain.balance(owners[position.owner] as never) - before
          expect(paid).toBe(early || position.config === 0 ? 0n : amount)
        },
      ],
      [
        'unstake',
        async () => {
          const [id, w] = some(model.waiting) ?? []
          if (id === undefined || w === undefined) return
          const wait = model.waiting.get(id)
          const early = chain.now < (wait?.at ?? 0n)
          if (!early) model.waiting.delete(id)
          await same(
            early ? 'CooldownNotPassed' : undefined,
            chain.send(owners[w.owner] as never, 'StakePool', 'unstake', [id]),
          )
        },
      ],
      [
        'setConfig',
        async () => {
          const [config, rate] = [random.int(5), BigInt(random.int(51)) * 10n ** 16n]
          await chain.send(openLedgerPredeploys.timelock, 'StakePool', 'setConfig', [
            config,
            rate,
            open,
            10n ** 27n,
            true,
          ])
          model.rates[config] = rate
        },
      ],
    ]

    function attempt(act: () => void): string | undefined {
      try {
        act()
        return undefined
      } catch (error) {
        return (error as Error).message
      }
    }

    /** The contract does what the rules say, refusals by name included. */
    async function same(expected: string | undefined, sent: Promise<unknown>): Promise<void> {
      const error = await sent.then(
        () => undefined,
        (why: unknown) => (why instanceof Reverted ? why.error : Promise.reject(why)),
      )
      expect(error).toBe(expected)
    }

    for (let step = 0; step < steps; step++) {
      const [name, act] = steps_[random.int(steps_.length)] ?? ['', async () => {}]
      await act()
      done.set(name, (done.get(name) ?? 0) + 1)
      chain.advance(random.int(12 * day) + 1)
      if (step % 10 !== 0) continue
      const [free, reserved, staked, owed] = (await Promise.all(
        ['freeReserve', 'reserved', 'staked', 'owed'].map((part) => chain.read('StakePool', part)),
      )) as [bigint, bigint, bigint, bigint]
      const positions = [...model.live.values()]
      const total = (of: (p: Position) => bigint) => positions.reduce((sum, p) => sum + of(p), 0n)
      expect(free + reserved + staked + owed).toBe(chain.balance('StakePool'))
      expect(free).toBe(model.free())
      expect(reserved).toBe(total((p) => model.reserved(p)))
      expect(staked).toBe(total((p) => p.amount))
      expect(owed).toBe([...model.waiting.values()].reduce((sum, { amount }) => sum + amount, 0n))
      for (const [i, { address }] of owners.entries()) {
        const mine = positions.filter(({ owner }) => owner === i).reduce((sum, p) => sum + p.principal, 0n)
        expect(await chain.read('StakePool', 'units', [address])).toBe(mine)
      }
      expect(((await chain.read('RoyaltyVault', 'pools', [await pool(chain)])) as readonly bigint[])[2]).toBe(
        total((p) => p.principal),
      )
    }
    for (const [name] of steps_) expect(done.get(name) ?? 0, name).toBeGreaterThan(steps / 20)
  },
  60_000 + 60 * steps,
)

function pool(chain: MoneyChain): Promise<unknown> {
  return chain.read('RoyaltyVault', 'poolPayee', [0, 0n])
}
