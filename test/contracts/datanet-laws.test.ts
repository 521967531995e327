import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import { permissive } from '../fakes/licences.ts'
import { type Actor, MoneyChain } from '../fakes/money-chain.ts'
import { addingDiff, noRoots } from '../fakes/version-diff.ts'

/** Sequences of calls; `OPENLEDGER_FUZZ=10000` for the law as it is written. */
const sequences = Number(process.env['OPENLEDGER_FUZZ'] ?? 25)

const { datanetReview, datanetVotes } = openLedgerPredeploys
const bond = 10n
/** Contributions whose every step is looked at. */
const watched = 6
const word = (n: number): Hex => `0x${n.toString(16).padStart(64, '0')}`

const decisions = ['none', 'pending', 'accepted', 'rejected', 'withdrawn', 'slashed'] as const
/** What may become of a contribution in one call. */
const decided: Readonly<Record<string, readonly string[]>> = {
  none: ['pending'],
  pending: ['accepted', 'rejected', 'withdrawn', 'slashed'],
  accepted: ['withdrawn', 'slashed'],
  withdrawn: ['slashed'],
  rejected: [],
  slashed: [],
}
/** Draft 1, open 2, closed 3, archived 4, published 5. */
const statuses: Readonly<Record<number, readonly number[]>> = { 1: [2, 4, 5], 5: [2, 4], 2: [3, 4], 3: [2, 4], 4: [] }

const step = fc.record({
  kind: fc.constantFrom(
    ...(['submit', 'submit', 'batch', 'label', 'decide', 'decideBatch', 'decideBy', 'admit', 'withdraw'] as const),
    ...(['release', 'claim', 'hold', 'unhold', 'slash', 'status', 'admission', 'bond', 'govern', 'publish'] as const),
    ...(['redirect', 'rotate', 'wait'] as const),
  ),
  actor: fc.nat(4),
  contribution: fc.integer({ min: 1, max: watched }),
  number: fc.nat(5),
  accept: fc.boolean(),
})
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** One Datanet of alice, and calls by anyone. */
class World {
  readonly chain: MoneyChain
  readonly alice: Actor
  readonly carol: Hex
  readonly actors: readonly (Actor | Hex)[]
  hashes = 0

  constructor(chain: MoneyChain) {
    this.chain = chain
    this.alice = chain.actor('alice')
    this.carol = chain.actor('carol').address
    this.actors = [this.alice, chain.actor('bob'), chain.actor('carol'), datanetReview, datanetVotes]
  }

  async call(name: string, args: readonly unknown[], from: Actor | Hex, value = 0n): Promise<unknown> {
    return await this.chain.send(from, 'DatanetRegistry', name, args, { value })
  }

  async view<T>(name: string, ...args: readonly unknown[]): Promise<T> {
    return (await this.chain.stored('DatanetRegistry', name, ...args)) as T
  }

  async act({ kind, actor, contribution, number, accept }: Step): Promise<unknown> {
    const from = this.actors[actor] ?? this.alice
    const payee = typeof from === 'string' ? from : from.address
    const [id, fresh] = [BigInt(contribution), word(1_000 + (accept ? ++this.hashes : number))]
    const value = (await this.view<bigint>('parameter', 1n, 1)) * BigInt(kind === 'batch' ? number : 1)
    const reviewer = accept ? datanetReview : from
    const record = { contentHash: fresh, simHash: zeroHash, consent: 3, size: number, metaHash: zeroHash }
    const facts = await this.view<{ itemCount: number }>('versionFacts', 1n, 1)
    const calls: Readonly<Record<typeof kind, () => Promise<unknown>>> = {
      submit: () => this.call('submit', [1n, fresh, zeroHash, 3, number, zeroHash], from, value),
      batch: () => this.call('submitBatch', [1n, fresh, number, number, zeroHash], from, value),
      label: () => this.call('submitFor', [id, number % 3, record], from, value),
      decide: () => this.call('decide', [id, accept, zeroHash], number === 0 ? from : this.alice),
      decideBatch: () => this.call('decideBatch', [id, accept, zeroHash], this.alice),
      decideBy: () => this.call('decideBy', [id, accept, number, zeroHash], reviewer),
      admit: () => this.call('admit', [id], from),
      withdraw: () => this.call('withdrawConsent', [id], from),
      release: () => this.call('releaseBond', [id], from),
      claim: () => this.call('claimRefund', [payee], from),
      hold: () => this.call('hold', [id], reviewer),
      unhold: () => this.call('unhold', [id], reviewer),
      slash: () => this.call('slashBond', [id, this.carol], reviewer),
      status: () => this.call('setStatus', [1n, number], from),
      admission: () => this.call('setParameter', [1n, 2, BigInt(number)], from),
      bond: () => this.call('setParameter', [1n, 1, BigInt(number) * bond], from),
      govern: () => this.call('govern', [1n], from),
      publish: () =>
        this.call('publish', [1n, { ...noRoots, itemsRoot: fresh }, addingDiff(facts.itemCount === 0 ? 1 : 0)], from),
      redirect: () => this.call('redirectPayout', [id, payee], reviewer),
      rotate: () => this.call('rotatePayout', [payee], from),
      wait: async () => {
        this.chain.advance((1 + number * number) * 40_000)
      },
    }
    return await calls[kind]()
  }

  /** What the laws speak of: of each of the first contributions, and of the Datanet. */
  async facts() {
    const count = Number(await this.view<bigint>('contributionCount'))
    const standing: string[] = []
    for (let id = 1; id <= Math.min(count, watched); id++) {
      const { decision } = await this.view<{ decision: number }>('contribution', BigInt(id))
      standing.push(decisions[decision] ?? '?')
    }
    type Datanet = { status: number; governed: boolean; version: number }
    const { status, governed, version } = await this.view<Datanet>('datanets', 1n)
    const [locked, owed] = [await this.view<bigint>('bondsLocked'), await this.view<bigint>('refundsOwed')]
    return { count, standing, status, governed, version, locked, owed }
  }

  /** Sums over all contributions. */
  async sums() {
    const count = Number(await this.view<bigint>('contributionCount'))
    let bonds = 0n
    for (let id = 1; id <= count; id++) bonds += await this.view<bigint>('bondOf', BigInt(id))
    const [slashed, burned, rewarded] = await Promise.all(
      (['slashed', 'burned', 'rewarded'] as const).map((name) => this.view<bigint>(name)),
    )
    return { bonds, slashed, lost: (burned ?? 0n) + (rewarded ?? 0n) }
  }
}

test(
  'no calls by anyone reach an illegal state, and every wei of a bond is locked, owed, paid or burned',
  async () => {
    const start = await MoneyChain.create()
    let reached = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 30 }), async (steps) => {
        const chain = await start.fork()
        const world = new World(chain)
        await world.call('create', [0, 0, permissive, zeroHash, bond, zeroHash], world.alice)
        await world.call('setStatus', [1n, 2], world.alice)
        let last = await world.facts()
        for (const each of steps) {
          const worked = await world.act(each).then(
            () => true,
            () => false,
          )
          const now = await world.facts()
          expect(await chain.balance('DatanetRegistry')).toBe(now.locked + now.owed)
          now.standing.forEach((decision, i) => {
            const was = last.standing[i] ?? 'none'
            if (was !== decision) expect(decided[was], `${was} to ${decision} by ${each.kind}`).toContain(decision)
          })
          if (now.status !== last.status) expect(statuses[last.status]).toContain(now.status)
          expect(now.version).toBeGreaterThanOrEqual(last.version)
          expect(!last.governed || now.governed).toBe(true)
          if (!worked) expect(now).toEqual(last)
          else reached++
          last = now
        }
        const { bonds, slashed, lost } = await world.sums()
        expect([bonds, slashed]).toEqual([last.locked, lost])
      }),
      { numRuns: sequences, endOnFailure: true },
    )
    expect(reached).toBeGreaterThan(sequences)
  },
  30_000 + 1_000 * sequences,
)
