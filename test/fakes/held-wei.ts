import { bytesToHex, concatBytes, type Hex, zeroHash } from '../../protocol/bytes.ts'
import { contentHash } from '../../protocol/content-hash.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { publicKeyOf } from '../../protocol/secp256k1.ts'
import { permissive } from './licences.ts'
import { type Actor, type MoneyChain, type MoneyContract, open, Reverted } from './money-chain.ts'
import type { Random } from './random.ts'

const day = 86_400
const publicKey = bytesToHex(publicKeyOf(keccak256(Uint8Array.of(1))))
/** Bytes that no text has, so that whoever sees them can slash. */
const noText = (n: number) => concatBytes(new Uint8Array(4), new TextEncoder().encode(String(n)))

type Call = readonly [contract: MoneyContract, name: string, args: readonly unknown[], value?: bigint]

/** People who put wei into Datanets, their access and WOPEN, and take it out, at random, rightly or not. */
export class HeldWei {
  /** Functions that went through. */
  readonly done = new Set<string>()
  readonly #chain: MoneyChain
  readonly #random: Random
  readonly #owner: Actor
  readonly #people: readonly Actor[]
  #datanets: readonly bigint[] = []
  readonly #alone: { readonly id: bigint; readonly content: Uint8Array }[] = []
  readonly #batches: bigint[] = []

  private constructor(chain: MoneyChain, random: Random) {
    this.#chain = chain
    this.#random = random
    this.#owner = chain.actor('keeper')
    this.#people = ['reader', 'giver', 'taker'].map((name) => chain.actor(name))
  }

  /** Two Datanets that ask for a bond, the second one permissioned, with an offer; and a bond that was released. */
  static async open(chain: MoneyChain, random: Random): Promise<HeldWei> {
    const world = new HeldWei(chain, random)
    const registry = async (name: string, args: readonly unknown[]) =>
      (await chain.send(world.#owner, 'DatanetRegistry', name, args)).result as bigint
    const make = async (visibility: number, bond: bigint) => {
      const id = await registry('create', [0, visibility, permissive, zeroHash, bond, zeroHash])
      await registry('setStatus', [id, 2])
      return id
    }
    world.#datanets = [await make(0, 3n * open + 1n), await make(1, 1n)]
    const offer = 5n | (BigInt(day) << 128n) | (1n << 160n)
    await chain.send(world.#owner, 'DatanetAccess', 'setParameter', [world.#datanets[1], 0x52, offer])
    const [submitted] = world.#calls(world.#owner)
    const id = await world.#send(world.#owner, submitted as Call)
    await registry('decide', [id, true, zeroHash])
    await registry('withdrawConsent', [id])
    chain.advance(8 * day)
    await world.#send(world.#owner, ['DatanetRegistry', 'releaseBond', [id]])
    return world
  }

  async step(): Promise<void> {
    const random = this.#random
    this.#chain.advance(random.chance(0.1) ? 4 * day : 2)
    const from = random.chance(0.4) ? this.#owner : random.pick(this.#people)
    try {
      await this.#send(from, random.pick(this.#calls(from)))
    } catch (error) {
      if (!(error instanceof Reverted)) throw error
    }
  }

  async #send(from: Actor, [contract, name, args, value = 0n]: Call): Promise<unknown> {
    const { result } = await this.#chain.send(from, contract, name, args, { value })
    this.done.add(`${contract}.${name}`)
    if (name === 'submitBatch') this.#batches.push(result as bigint)
    if (name === 'submit') this.#alone.push({ id: result as bigint, content: noText(this.#alone.length) })
    return result
  }

  #calls(from: Actor): readonly Call[] {
    const [plain = 0n, permissioned = 0n] = this.#datanets
    const random = this.#random
    const made = this.#alone.length
    const { id, content } = made === 0 ? { id: 0n, content: noText(0) } : random.pick(this.#alone)
    const batch = this.#batches.length === 0 ? 0n : random.pick(this.#batches)
    const next = noText(made)
    const item = random.chance(0.5) ? id : batch + BigInt(random.int(3))
    const request = BigInt(1 + random.int(6))
    const reason = zeroHash
    const isGood = random.chance(0.5)
    return [
      ['DatanetRegistry', 'submit', [plain, contentHash(next), zeroHash, 0, next.length, reason], 3n * open + 1n],
      ['DatanetRegistry', 'submitBatch', [plain, root(this.#batches.length), 3, 9, reason], 9n * open + 3n],
      ['DatanetRegistry', 'decide', [item, isGood, reason]],
      ['DatanetRegistry', 'decideBatch', [batch, isGood, reason]],
      ['DatanetRegistry', 'withdrawConsent', [item]],
      ['DatanetRegistry', 'releaseBond', [item]],
      ['DatanetRegistry', 'claimRefund', [from.address]],
      ['DatanetJudge', 'wrongType', [shown(id, content), { index: 0, data: bytesToHex(content), siblings: [] }]],
      ['DatanetAccess', 'buy', [permissioned, 2, 1, 9, publicKey], 5n],
      ['DatanetAccess', 'request', [permissioned, 0, 1, 9, day, publicKey, reason], BigInt(random.int(3)) * 7n],
      ['DatanetAccess', 'grant', [request]],
      ['DatanetAccess', 'deny', [request, reason]],
      ['DatanetAccess', 'withdrawRequest', [request]],
      ['DatanetAccess', 'claimRefund', [from.address]],
      ['WOPEN', 'deposit', [], BigInt(random.int(1_000))],
      ['WOPEN', 'withdraw', [BigInt(random.int(1_000))]],
      ['WOPEN', 'transfer', [this.#owner.address, BigInt(random.int(300))]],
    ]
  }
}

function root(n: number): Hex {
  return bytesToHex(keccak256(Uint8Array.of(n)))
}

function shown(contribId: bigint, content: Uint8Array) {
  const record = { contentHash: contentHash(content), simHash: zeroHash, consent: 0, size: content.length }
  return { contribId, record: { ...record, metaHash: zeroHash }, siblings: [] }
}
