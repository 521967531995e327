import { encodeSignature, signatureHash, signatureOf } from '../../attribution/near-duplicates/signature.ts'
import { poolPayee } from '../../protocol/attribution-entry.ts'
import { bytesToHex, type Hex, uintBytes, zeroHash } from '../../protocol/bytes.ts'
import { contentHash } from '../../protocol/content-hash.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { permissive } from './licences.ts'
import { type Actor, addressOf, MoneyChain, open } from './money-chain.ts'

export const reviewFee = open / 10n
export const itemBond = 4n * open
/** Kinds of pools in the RoyaltyVault. */
export const pools = { units: 1, item: 3, escrow: 4 } as const
const admissionByValidators = 2n
const keys = { bond: 1, admission: 2, nearDuplicate: 8, labelShare: 10 } as const

export type Made = { readonly id: bigint; readonly text: string; readonly signature: Uint32Array }

/** A Datanet that admits by validators, with whom it takes to review in it. */
export class ReviewWorld {
  readonly chain: MoneyChain
  readonly owner: Actor
  readonly author: Actor
  readonly labeller: Actor
  readonly challenger: Actor
  readonly validators: readonly Actor[]
  datanet = 0n
  #made = 0

  /** `stakes`: of each validator, in OPEN. */
  static async create(
    stakes: readonly bigint[] = [1_000n, 700n, 500n, 300n],
    chain?: MoneyChain,
  ): Promise<ReviewWorld> {
    const world = new ReviewWorld(chain ?? (await MoneyChain.create()), stakes.length)
    for (const [i, validator] of world.validators.entries()) {
      await world.review(validator, 'addStake', [], (stakes[i] as bigint) * open)
    }
    world.chain.advance(2)
    const registry = (name: string, args: readonly unknown[]) =>
      world.chain.send(world.owner, 'DatanetRegistry', name, args)
    world.datanet = (await registry('create', [0, 0, permissive, zeroHash, itemBond, word(1)])).result as bigint
    await registry('setStatus', [world.datanet, 2])
    await registry('setParameter', [world.datanet, keys.admission, admissionByValidators])
    await registry('setParameter', [world.datanet, keys.nearDuplicate, 5_500n])
    await registry('setParameter', [world.datanet, keys.labelShare, 1_500n])
    return world
  }

  constructor(chain: MoneyChain, validators: number) {
    this.chain = chain
    this.owner = chain.actor('owner')
    this.author = chain.actor('author')
    this.labeller = chain.actor('labeller')
    this.challenger = chain.actor('challenger')
    this.validators = Array.from({ length: validators }, (_, i) => chain.actor(`validator ${i}`))
  }

  review(from: Actor | Hex, name: string, args: readonly unknown[] = [], value = 0n) {
    return this.chain.send(from, 'DatanetReview', name, args, { value })
  }

  async refused(from: Actor | Hex, name: string, args: readonly unknown[] = [], value = 0n): Promise<string> {
    return (await this.chain.fails(from, 'DatanetReview', name, args, { value })).error
  }

  read(name: string, ...args: readonly unknown[]) {
    return this.chain.read('DatanetReview', name, args)
  }

  registry(name: string, ...args: readonly unknown[]) {
    return this.chain.read('DatanetRegistry', name, args)
  }

  async decision(id: bigint): Promise<number> {
    return ((await this.registry('contribution', id)) as { decision: number }).decision
  }

  /** `signature`: what is committed, right or not; `simHash`: what stands for it, if nothing does. */
  async submit(text = `text ${this.#made}`, by = this.author, signature?: Uint32Array, simHash?: Hex): Promise<Made> {
    this.#made++
    const content = Buffer.from(text)
    const committed = signature ?? signatureOf(content)
    const args = [this.datanet, contentHash(content), simHash ?? signatureHash(committed), 0, content.length, word(7)]
    const { result } = await this.chain.send(by, 'DatanetRegistry', 'submit', args, { value: itemBond })
    return { id: result as bigint, text, signature: committed }
  }

  /** A label of a contribution. */
  async label(parent: bigint, by = this.labeller): Promise<bigint> {
    this.#made++
    const content = Buffer.from(`label ${this.#made}`)
    const { result } = await this.chain.send(
      by,
      'DatanetRegistry',
      'submitFor',
      [parent, 1, record(content, signatureOf(content))],
      { value: itemBond },
    )
    return result as bigint
  }

  signed({ id, text, signature }: Made) {
    return {
      id,
      record: record(Buffer.from(text), signature),
      siblings: [],
      signature: bytesToHex(encodeSignature(signature)),
    }
  }

  /** Opens a review and lets the validators score; undefined: does not come. The round. */
  async reviewed(id: bigint, scores: readonly (number | undefined)[]): Promise<bigint> {
    const { result } = await this.review(this.challenger, 'openReview', [id], reviewFee)
    await this.score(result as bigint, scores)
    return result as bigint
  }

  async score(round: bigint, scores: readonly (number | undefined)[]): Promise<void> {
    const voters = scores.flatMap((score, i) =>
      score === undefined ? [] : [{ validator: this.validators[i] as Actor, score }],
    )
    for (const { validator, score } of voters) await this.commit(round, validator, score)
    this.chain.advance(await this.until('commitUntil', round))
    for (const { validator, score } of voters) {
      await this.review(validator, 'revealScore', [round, score, saltOf(validator)])
    }
    if (scores.some((score) => score === undefined)) this.chain.advance(await this.until('revealUntil', round))
    await this.review(this.challenger, 'closeRound', [round])
  }

  async commit(round: bigint, validator: Actor, score: number): Promise<void> {
    const commitment = await this.read('commitmentOf', round, validator.address, score, saltOf(validator))
    await this.review(validator, 'commitScore', [round, commitment])
  }

  async accept(id: bigint): Promise<void> {
    await this.reviewed(
      id,
      this.validators.map(() => 9_000),
    )
  }

  /** A dispute over a contribution, its round scored; the dispute and the round. */
  async disputed(id: bigint, ground: number, original: bigint, scores: readonly (number | undefined)[]) {
    const bond = (await this.read('challengeBond', id)) as bigint
    const { result } = await this.review(
      this.challenger,
      'challenge',
      [id, ground, original, word(9)],
      bond + reviewFee,
    )
    const dispute = result as bigint
    const { round } = (await this.read('disputes', dispute)) as { round: bigint }
    await this.score(round, scores)
    return { dispute, round }
  }

  async settled(dispute: bigint): Promise<void> {
    this.chain.advance(3n * (await this.day()))
    await this.review(this.challenger, 'settle', [dispute])
  }

  async day(): Promise<bigint> {
    return (await this.read('day')) as bigint
  }

  /** Seconds until a time of a round. */
  async until(name: string, round: bigint): Promise<bigint> {
    const at = (await this.read(name, round)) as bigint
    return at > this.chain.now ? at - this.chain.now : 0n
  }

  /** Whom a contribution pays once every redirection is in force. */
  async payee(id: bigint): Promise<Hex> {
    const later = this.chain.now + 700n
    return ((await this.registry('payoutOfAt', id, later)) as string).toLowerCase() as Hex
  }

  /** What epochs would pay to a pool. */
  async fund(kind: number, id: bigint, amount: bigint): Promise<void> {
    await this.chain.send(this.challenger, 'RoyaltyVault', 'fund', [kind, id], { value: amount })
  }

  /** What claiming a member's share of a pool sends, and to whom it went. */
  async claim(kind: number, id: bigint, member: Hex): Promise<bigint> {
    return (await this.chain.send(this.challenger, 'RoyaltyVault', 'claimPool', [kind, id, member])).result as bigint
  }

  /** Laws of the wei that DatanetReview holds. */
  async law(): Promise<{ readonly held: bigint; readonly booked: bigint; readonly lost: bigint }> {
    const names = ['membersStake', 'membersUnbonding', 'owed', 'feesHeld', 'bondsHeld', 'slashed', 'burned', 'rewarded']
    const figures: bigint[] = []
    for (const name of names) figures.push((await this.read(name)) as bigint)
    const [stake, unbonding, owed, fees, bonds, slashed, burned, rewarded] = figures as [
      bigint,
      bigint,
      bigint,
      bigint,
      bigint,
      bigint,
      bigint,
      bigint,
    ]
    return {
      held: this.chain.balance(addressOf('DatanetReview')),
      booked: stake + unbonding + owed + fees + bonds,
      lost: slashed - burned - rewarded,
    }
  }
}

export function poolOf(kind: 0 | 1 | 2 | 3 | 4, id: bigint): Hex {
  return poolPayee(kind, id)
}

export function saltOf(validator: Actor): Hex {
  return bytesToHex(keccak256(new TextEncoder().encode(validator.address)))
}

function record(content: Uint8Array, signature: Uint32Array) {
  return {
    contentHash: contentHash(content),
    simHash: signatureHash(signature),
    consent: 0,
    size: content.length,
    metaHash: word(7),
  }
}

function word(n: number): Hex {
  return bytesToHex(uintBytes(n, 32))
}
