import { bytesToBigint, concatBytes, type Hex, hexToBytes, uintBytes } from '../../protocol/bytes.ts'
import { keccak256 } from '../../protocol/keccak.ts'

/** A member's weight from a second on: event MemberWeight. */
export type WeightChange = {
  readonly member: Hex
  readonly slot: number
  /** Whole OPEN. */
  readonly weight: number
  /** Unix time in seconds of its block. */
  readonly time: bigint
}

/**
 * Stakes of the members of a register by slot, as of any second, and the draws of seats by them. Twin of StakedMembers and
 * SeatWeights. docs/REVIEW.md
 */
export class SeatRegister {
  readonly #slots = new Map<number, WeightChange[]>()

  /** In the order of the chain. */
  apply(change: WeightChange): void {
    const before = this.#slots.get(change.slot) ?? []
    if (before.at(-1)?.time === change.time) before.pop()
    before.push(change)
    this.#slots.set(change.slot, before)
  }

  /** Who had weight at the end of a second, slots ascending. */
  membersAt(time: bigint): { readonly member: Hex; readonly weight: number }[] {
    return [...this.#slots.values()]
      .map((changes) => changes.findLast((change) => change.time <= time))
      .filter((now): now is WeightChange => now !== undefined && now.weight > 0)
      .sort((a, b) => a.slot - b.slot)
      .map(({ member, weight }) => ({ member, weight }))
  }

  /** `n` seats, or as many as there are members; whoever is barred has none. */
  draw(beacon: Hex, n: number, time: bigint, barred: readonly Hex[] = []): Hex[] {
    const members = this.membersAt(time)
    const seats: Hex[] = []
    let left = members.reduce((sum, { weight }) => sum + weight, 0)
    for (let k = 0n; seats.length < n && left > 0; k++) {
      const point = Number(bytesToBigint(keccak256(concatBytes(hexToBytes(beacon), uintBytes(k, 32)))) % BigInt(left))
      const [drawn] = members.splice(memberAt(members, point), 1)
      if (drawn === undefined) throw new Error('a point beyond all weights')
      left -= drawn.weight
      if (!barred.includes(drawn.member)) seats.push(drawn.member)
    }
    return seats
  }
}

/** Place of the member on which a point of all weights falls. */
function memberAt(members: readonly { readonly weight: number }[], point: number): number {
  let before = 0
  return members.findIndex(({ weight }) => {
    before += weight
    return point < before
  })
}
