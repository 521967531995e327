import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { algoHashV1 } from '../../protocol/attribution-rule.ts'
import { type Hex, zeroAddress, zeroHash } from '../../protocol/bytes.ts'
import { type Action, type FuzzSite, told } from './fuzz-site.ts'
import { permissive } from './licences.ts'
import type { Actor, MoneyContract } from './money-chain.ts'
import { addingDiff, noRoots } from './version-diff.ts'

const { timelock, moneyTimelock } = openLedgerPredeploys
const word = (n: number): Hex => `0x${n.toString(16).padStart(64, '0')}`
const day = 86_400n

/** Models, app codes, Datanets and their contributions, and what only the timelocks may. */
export class FuzzRegistries {
  readonly #site: FuzzSite
  readonly #models: { readonly id: bigint; owner: Actor }[] = []
  readonly #datanets: { readonly id: bigint; readonly owner: Actor; readonly bond: bigint }[] = []
  readonly #contributions: { readonly id: bigint; readonly author: Actor; readonly datanet: bigint }[] = []
  readonly #codes: { readonly code: string; owner: Actor }[] = []

  constructor(site: FuzzSite) {
    this.#site = site
    // As the standing model was registered.
    this.#models.push({ id: 1n, owner: site.world.chain.actor('model owner') })
    this.#datanets.push({ id: 1n, owner: site.world.chain.actor('datanet owner'), bond: 0n })
  }

  get actions(): readonly Action[] {
    return [
      [8, () => this.#model()],
      [3, () => this.#register()],
      [6, () => this.#datanet()],
      [7, () => this.#contribution()],
      [4, () => this.#code()],
      [2, () => this.#govern()],
    ]
  }

  /** Every bond of a contribution is its author's again. Then the rule of attribution changes, under which no money is left. */
  async windUp(): Promise<void> {
    const { act, world } = this.#site
    for (const { id, author, datanet } of this.#contributions) {
      const owner = this.#datanets.find((each) => each.id === datanet)?.owner
      if (owner !== undefined) await act(owner, 'DatanetRegistry', 'decide', [id, false, zeroHash])
      await act(author, 'DatanetRegistry', 'withdrawConsent', [id])
    }
    world.chain.advance(7n * day)
    for (const { id, author } of this.#contributions) {
      await act(author, 'DatanetRegistry', 'releaseBond', [id])
    }
    for (const { address } of this.#site.actors) {
      await act(address, 'DatanetRegistry', 'claimRefund', [this.#site.actors[0]?.address])
    }
    for (const rule of [word(1), algoHashV1]) await act(moneyTimelock, 'AttributionLedger', 'setAlgo', [rule])
  }

  async #model(): Promise<unknown> {
    const { act, random, anyone, world } = this.#site
    const model = random.pick(this.#models)
    const from = random.chance(0.9) ? model.owner : anyone
    const send = (name: string, ...args: readonly unknown[]) => act(from, 'ModelRegistry', name, args)
    const version = { weightsManifest: word(random.int(3)), configHash: word(1), trainingRoot: word(1) }
    const until = world.chain.now + BigInt(random.int(31)) * day
    switch (random.int(8)) {
      case 0: {
        const indexIds = random.list(random.chance(0.9) ? 0 : random.int(10), (i) => word(i + 1))
        return await send('publish', model.id, { ...version, indexIds })
      }
      case 1:
        return await send('setPrice', model.id, 1 + random.int(2), random.int(8), 1n, 1n, until)
      case 2:
        return await send('commitEval', model.id, word(random.int(3)))
      case 3:
        return await send('recordEval', model.id, 1 + random.int(2), word(random.int(3)), word(1), word(2))
      case 4: {
        if (!random.chance(0.3)) return undefined
        const to = random.chance(0.1) ? { ...anyone, address: zeroAddress } : anyone
        const sent = await send('transfer', model.id, to.address)
        if (sent !== undefined) model.owner = to
        return sent
      }
      case 5:
        // The standing model goes on.
        return model.id > 1n && random.chance(0.3) ? await send('deprecate', model.id) : undefined
      case 6:
        return model.id > 1n ? await act(timelock, 'ModelRegistry', 'freeze', [model.id, word(1)]) : undefined
      default:
        return await act(timelock, 'ModelRegistry', 'unfreeze', [random.chance(0.9) ? model.id : 99n, word(1)])
    }
  }

  async #register(): Promise<void> {
    const { act, random, anyone } = this.#site
    const version = {
      weightsManifest: word(random.chance(0.9) ? 4 : 0),
      configHash: word(5),
      trainingRoot: word(6),
      indexIds: [],
    }
    const verifyClasses = random.chance(0.9) ? 1 + random.int(63) : random.pick([0, 64])
    const params = { kind: random.int(3), verifyClasses, licenceId: permissive, version }
    const parents = random.list(random.int(4), () => ({
      id: random.chance(0.9) ? random.pick(this.#models).id : 99n,
      relation: random.int(5),
      bps: random.int(6_000),
      policy: random.int(2),
    }))
    const datanets = random.list(random.chance(0.9) ? random.int(3) : 9, () => ({
      id: random.chance(0.9) ? random.pick(this.#datanets).id : 99n,
      version: 1,
      weightBps: random.int(6_000),
    }))
    const listed = random.chance(0.9) ? ascending(datanets) : datanets
    const sent = await act(anyone, 'ModelRegistry', 'register', [params, parents, listed])
    const owner = this.#ownerOf(told(sent, 'ModelRegistered', 'owner'))
    if (owner !== undefined) this.#models.push({ id: told(sent, 'ModelRegistered', 'id') as bigint, owner })
  }

  async #datanet(): Promise<void> {
    const { act, random, anyone } = this.#site
    const { id, owner } = random.pick(this.#datanets)
    const from = random.chance(0.9) ? owner : anyone
    const roots = { ...noRoots, itemsRoot: word(random.int(4)), tokenCount: 5n, unitsTotal: 4n }
    switch (random.int(5)) {
      case 0:
      case 1: {
        const bond = BigInt(random.int(3)) * 10n ** 15n
        const args = [random.int(5), random.int(3), permissive, word(2), bond, word(3)]
        const sent = await act(anyone, 'DatanetRegistry', 'create', args)
        const creator = this.#ownerOf(told(sent, 'DatanetCreated', 'owner'))
        const made = told(sent, 'DatanetCreated', 'id') as bigint
        if (creator !== undefined) this.#datanets.push({ id: made, owner: creator, bond })
        break
      }
      case 2:
        await act(from, 'DatanetRegistry', 'setMeta', [id, word(random.int(9))])
        break
      case 3:
        // Datanet 1 stays open.
        if (id > 1n) await act(from, 'DatanetRegistry', 'setStatus', [id, 1 + random.int(4)])
        break
      default:
        await act(from, 'DatanetRegistry', 'publish', [id, roots, addingDiff(random.int(3))])
    }
  }

  async #contribution(): Promise<void> {
    const { act, random, anyone } = this.#site
    const { id, owner, bond } = random.pick(this.#datanets)
    const kind = random.int(7)
    const value = (count: number) => (random.chance(0.9) ? bond * BigInt(count) : 1n)
    if (kind === 0) {
      const args = [id, word(random.int(30)), word(1), 3, random.int(1_000), zeroHash]
      const sent = await act(anyone, 'DatanetRegistry', 'submit', args, value(1))
      this.#keep(told(sent, 'ContributionSubmitted', 'contribId'), told(sent, 'ContributionSubmitted', 'author'), id, 1)
      return
    }
    if (kind === 1) {
      const count = random.int(5)
      const args = [id, word(random.int(30)), count, random.int(1_000), zeroHash]
      const sent = await act(anyone, 'DatanetRegistry', 'submitBatch', args, value(count))
      this.#keep(told(sent, 'ContributionBatch', 'firstId'), told(sent, 'ContributionBatch', 'author'), id, count)
      return
    }
    if (kind === 2) {
      await act(anyone, 'DatanetRegistry', 'rotatePayout', [random.chance(0.9) ? anyone.address : zeroAddress])
      return
    }
    if (kind === 3) {
      await act(anyone, 'DatanetRegistry', 'claimRefund', [this.#site.hostile])
      return
    }
    if (this.#contributions.length === 0) return
    const one = random.pick(this.#contributions)
    const own = this.#datanets.find((each) => each.id === one.datanet)?.owner ?? owner
    const decider = random.chance(0.9) ? own : anyone
    if (kind === 4) {
      const name = random.pick(['decide', 'decide', 'decideBatch'])
      await act(decider, 'DatanetRegistry', name, [one.id, random.chance(0.6), zeroHash])
    } else if (kind === 5) {
      const author = random.chance(0.9) ? one.author : anyone
      await act(author, 'DatanetRegistry', 'withdrawConsent', [one.id])
    } else await act(anyone, 'DatanetRegistry', 'releaseBond', [one.id])
  }

  async #code(): Promise<void> {
    const { act, random, anyone } = this.#site
    const uri = random.chance(0.1) ? 'x'.repeat(1_025) : 'https://app.example'
    const payout = random.chance(0.9) ? anyone.address : zeroAddress
    const known = this.#codes.length === 0 ? undefined : random.pick(this.#codes)
    if (known === undefined || random.chance(0.3)) {
      const code = random.pick(['app_one', 'app_two', 'shop', 'BAD', ''])
      const sent = await act(anyone, 'CodeRegistry', 'register', [code, payout, uri])
      const owner = this.#ownerOf(told(sent, 'CodeRegistered', 'owner'))
      if (owner !== undefined) this.#codes.push({ code, owner })
      return
    }
    const { code } = known
    const from = random.chance(0.8) ? known.owner : anyone
    const call = random.pick<readonly [string, readonly unknown[]]>([
      ['setPayout', [code, payout]],
      ['setURI', [code, uri]],
      ['transferCode', [code, payout]],
    ])
    const sent = await act(from, 'CodeRegistry', call[0], call[1])
    const owner = this.#ownerOf(told(sent, 'CodeTransferred', 'to'))
    if (owner !== undefined) known.owner = owner
  }

  /** What the timelocks may set, with values that some of them refuse. */
  async #govern(): Promise<unknown> {
    const { act, random, world } = this.#site
    const by = (from: Hex, contract: MoneyContract, name: string, ...args: readonly unknown[]) =>
      act(from, contract, name, args)
    const bps = () => random.int(3_000)
    switch (random.int(4)) {
      case 0: {
        const platformFee = BigInt(random.int(12)) * 10n ** 14n
        const shares = { platformFee, betaBps: bps(), gammaBps: bps(), omegaBps: bps(), rhoBps: bps() }
        return await by(timelock, 'RevenueSplitter', 'setShares', shares)
      }
      case 1:
        return await by(moneyTimelock, 'AttributionLedger', 'setAttributor', world.attributor)
      case 2: {
        const treasury = random.chance(0.5) ? timelock : this.#site.anyone.address
        return await by(moneyTimelock, 'RoyaltyVault', 'setUnits', 2, 0n, treasury, BigInt(random.int(4)))
      }
      default:
        return await by(world.attributor, 'WorkerRegistry', 'commitHeartbeats', BigInt(random.int(9)), word(1), 3)
    }
  }

  #keep(first: unknown, author: unknown, datanet: bigint, count: number): void {
    const owner = this.#ownerOf(author)
    if (owner === undefined) return
    for (let i = 0n; i < BigInt(count); i++) {
      this.#contributions.push({ id: (first as bigint) + i, author: owner, datanet })
    }
  }

  #ownerOf(address: unknown): Actor | undefined {
    if (address === undefined) return undefined
    return this.#site.actors.find((actor) => actor.address === String(address).toLowerCase())
  }
}

/** As the registry wants them: in order, each once. */
function ascending<T extends { readonly id: bigint }>(list: readonly T[]): T[] {
  return [...new Map(list.map((each) => [each.id, each])).values()].sort((a, b) => (a.id < b.id ? -1 : 1))
}
