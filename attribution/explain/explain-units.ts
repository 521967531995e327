import type { Hex } from '../../protocol/bytes.ts'
import { differenceLine, type Figure, isEqual } from './figure.ts'

/** Units of a Datanet that somebody held, allotted ones included. */
export type Holding = { readonly holder: Hex; readonly units: bigint }

/** Income of a Datanet in the order of the chain, as DatanetUnits credited it: wei, and units at its time. */
export type UnitsIncome = { readonly amount: bigint; readonly units: bigint }

/** Who held a Datanet's units when an epoch's last batch was committed, and what the epoch brings them. */
export type UnitsFacts = {
  readonly datanet: bigint
  /** Unix seconds: who held them at the end of the block of this time. */
  readonly time: bigint
  /** wei that the Datanet's pool earned in the epoch. */
  readonly amount: bigint
  /** All units then, by the chain. */
  readonly total: bigint
  readonly holdings: readonly Holding[]
  /** Allotted units that nobody has claimed to this day: they earn for whoever does. */
  readonly unclaimed: bigint
  /** Income before this. */
  readonly before: readonly UnitsIncome[]
  /** As the chain credited it, one unit in wei/2⁶⁴; undefined while the epoch was not brought to the pool. */
  readonly credited: { readonly amount: bigint; readonly perUnitQ64: bigint } | undefined
}

/** What a holder is owed: whole wei, and the wei/2⁶⁴ beside them, which stay owed. */
export type HolderShare = Holding & { readonly amount: bigint; readonly restQ64: bigint }

export type UnitsExplanation = Pick<UnitsFacts, 'datanet' | 'time' | 'total' | 'unclaimed'> & {
  /** False: shares are what they come to once the epoch is brought to the pool, if nothing else is before. */
  readonly isCredited: boolean
  /** Most units first, then by address. */
  readonly holders: readonly HolderShare[]
  /** wei of the unclaimed units. */
  readonly unclaimedAmount: bigint
  readonly figures: readonly Figure[]
  readonly differences: readonly string[]
}

const q64 = 64n

/** Divides what an epoch brings a Datanet among its unit holders as the chain does, to the wei/2⁶⁴. docs/UNITS.md §1. */
export function explainUnits(facts: UnitsFacts): UnitsExplanation {
  const { datanet, time, amount, total, holdings, unclaimed, before, credited } = facts
  const rest = restOf(before)
  const whole = rest + (amount << q64)
  const perUnit = total === 0n ? 0n : whole / total
  const held = holdings.reduce((sum, { units }) => sum + units, 0n)
  const figures: Figure[] = [
    { name: 'units', formula: `${held} held + ${unclaimed} allotted`, recomputed: held + unclaimed, onChain: total },
  ]
  if (credited !== undefined) {
    const formula = total === 0n ? 'nobody holds units' : `⌊(${amount}·2⁶⁴ + ${rest} left before) / ${total}⌋`
    figures.push(
      { name: 'brought', formula: 'what the epoch credits to the pool', recomputed: amount, onChain: credited.amount },
      { name: 'one unit in wei/2⁶⁴', formula, recomputed: perUnit, onChain: credited.perUnitQ64 },
    )
  }
  const shareOf = ({ holder, units }: Holding): HolderShare => {
    const owed = units * perUnit
    return { holder, units, amount: owed >> q64, restQ64: BigInt.asUintN(64, owed) }
  }
  return {
    ...{ datanet, time, total, unclaimed, isCredited: credited !== undefined },
    holders: holdings
      .filter(({ units }) => units > 0n)
      .sort(byUnits)
      .map(shareOf),
    unclaimedAmount: (unclaimed * perUnit) >> q64,
    figures,
    differences: figures
      .filter((figure) => !isEqual(figure))
      .map((figure) => differenceLine(`units of Datanet ${datanet}`, figure)),
  }
}

/** What divisions left over, and what came while nobody held units, in wei/2⁶⁴: it goes with the next income. */
function restOf(incomes: readonly UnitsIncome[]): bigint {
  return incomes.reduce((rest, { amount, units }) => {
    const whole = rest + (amount << q64)
    return units === 0n ? whole : whole % units
  }, 0n)
}

function byUnits(a: Holding, b: Holding): number {
  if (a.units !== b.units) return a.units > b.units ? -1 : 1
  return a.holder < b.holder ? -1 : 1
}
