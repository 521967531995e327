import type { Hex } from '../../protocol/bytes.ts'

type Past = { readonly time: bigint; readonly units: bigint }

/**
 * What holders of one Datanet's units are owed, told plainly: every income is divided at once among all who held at its time.
 * The rule of docs/MONEY.md §6, without the contract's lazy way to it.
 */
export class UnitBook {
  readonly #held = new Map<Hex, Past[]>()
  readonly owedQ64 = new Map<Hex, bigint>()
  restQ64 = 0n
  funded = 0n
  paid = 0n

  get holders(): Hex[] {
    return [...this.#held.keys()]
  }

  now(holder: Hex): bigint {
    return this.#held.get(holder)?.at(-1)?.units ?? 0n
  }

  /** A change at the block of that time. */
  add(holder: Hex, units: bigint, time: bigint): void {
    const past = this.#held.get(holder) ?? []
    this.#held.set(holder, past)
    past.push({ time, units: this.now(holder) + units })
  }

  at(holder: Hex, time: bigint): bigint {
    return this.#held.get(holder)?.findLast((change) => change.time <= time)?.units ?? 0n
  }

  totalAt(time: bigint): bigint {
    return this.holders.reduce((sum, holder) => sum + this.at(holder, time), 0n)
  }

  income(amount: bigint, time: bigint): void {
    this.funded += amount
    const total = this.restQ64 + (amount << 64n)
    const units = this.totalAt(time)
    this.restQ64 = units === 0n ? total : total % units
    if (units === 0n) return
    for (const holder of this.holders) {
      this.owedQ64.set(holder, (this.owedQ64.get(holder) ?? 0n) + this.at(holder, time) * (total / units))
    }
  }

  claimable(holder: Hex): bigint {
    return (this.owedQ64.get(holder) ?? 0n) >> 64n
  }

  take(holder: Hex): bigint {
    const amount = this.claimable(holder)
    this.owedQ64.set(holder, (this.owedQ64.get(holder) ?? 0n) - (amount << 64n))
    this.paid += amount
    return amount
  }
}
