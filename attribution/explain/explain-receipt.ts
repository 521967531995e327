import { type AttributionEntry, entryClasses, entryPools, poolOf } from '../../protocol/attribution-entry.ts'
import { FormatError } from '../../protocol/bytes.ts'
import { amountOf, type FeeParts, feeOf, type Price, type Shares, splitFee, weightTotal } from '../../protocol/fee.ts'
import { largestRemainder } from '../../protocol/largest-remainder.ts'
import type { Figure } from './figure.ts'

/** An entry whatever its class and weight. */
export type ExplainedEntry = Omit<AttributionEntry, 'class' | 'weight'> & {
  readonly class: number
  readonly weight: bigint
}

/** What stands under a batch's root of a receipt, and the terms that it was agreed under. */
export type ReceiptFacts = {
  readonly tin: number
  readonly tout: number
  readonly fee: bigint
  readonly parts: FeeParts
  /** Undefined: the chain has no such price. */
  readonly price: Pick<Price, 'rin' | 'rout'> | undefined
  readonly shares: Shares | undefined
  /** Of a model without indexes: the Datanets that it was trained on, by which class U divides. Hundredths of a per cent. */
  readonly trainedOn?: readonly { readonly datanet: bigint; readonly weightBps: number }[] | undefined
  /** All of them, in order. */
  readonly entries: readonly ExplainedEntry[]
}

/** A pool that entries draw on: its wei, and what weights are divided by. */
type PoolUnits = { readonly name: keyof FeeParts; readonly wei: bigint; readonly units: bigint }

/** The contributions that entries are of: ids of other classes are those of Datanets and rows. */
export function contributionsOf(entries: readonly Pick<ExplainedEntry, 'class' | 'id'>[]): ReadonlySet<bigint> {
  return new Set(
    entries.filter(({ class: kind }) => kind >= entryClasses.S && kind < entryClasses.U).map(({ id }) => id),
  )
}

/** Fee, its parts, the weights of each pool, and what units have of a model without indexes. docs/MONEY.md §3 and §4. */
export function explainReceipt(facts: ReceiptFacts): Figure[] {
  return [...feeFigures(facts), ...weightFigures(facts), ...unitFigures(facts)]
}

/** Units have what class G has not. */
function unitFigures({ entries, trainedOn = [] }: ReceiptFacts): Figure[] {
  const stated = new Map(
    entries.filter((entry) => entry.class === entryClasses.U).map(({ id, weight }) => [id, weight]),
  )
  const sorted = [...trainedOn].sort((a, b) => (a.datanet < b.datanet ? -1 : 1))
  const parts = sorted.map(({ weightBps }) => BigInt(weightBps))
  if (parts.every((part) => part === 0n)) return []
  const others = entries.filter((entry) => entry.class >= entryClasses.S && entry.class !== entryClasses.U)
  const left = others.reduce((rest, { weight }) => rest - Number(weight), weightTotal)
  const weights = largestRemainder(parts, Math.max(left, 0))
  return sorted.map(({ datanet, weightBps }, i) => ({
    name: `weight of U ${datanet}`,
    formula: `${left} · ${weightBps} of the weights trained by, largest remainder`,
    recomputed: BigInt(weights[i] as number),
    onChain: stated.get(datanet) ?? 0n,
  }))
}

/** What one entry of a receipt earns; `credited`: what its epoch gave it. */
export function explainAmount(facts: ReceiptFacts, entry: ExplainedEntry, credited: bigint | undefined): Figure {
  const { name, wei, units } = poolUnits(facts, entry.class)
  const rest = (wei * entry.weight) % units
  return {
    name: 'amount',
    formula: `⌊${name} ${wei} · ${entry.weight} / ${units}⌋, rest ${rest}/${units} wei`,
    recomputed: amountOf(wei, entry.weight, units),
    onChain: credited,
  }
}

function feeFigures({ tin, tout, fee, parts, price, shares, entries }: ReceiptFacts): Figure[] {
  if (price === undefined || shares === undefined) return []
  const { rin, rout } = price
  const { platformFee, betaBps, gammaBps, omegaBps, rhoBps } = shares
  const right = feeOf(tin, tout, price, shares)
  const figures: Figure[] = [
    {
      name: 'fee',
      formula: `⌈(${tin}·${rin} + ${tout}·${rout}) / 1000⌉ + ${platformFee}`,
      recomputed: right,
      onChain: fee,
    },
  ]
  const split = splitOrNone(right, shares, hasBuilder(entries))
  if (split === undefined) return figures
  const net = right - platformFee
  const bps = { model: betaBps, stakers: gammaBps, worker: omegaBps, builder: hasBuilder(entries) ? rhoBps : 0 }
  const formulas: Record<keyof FeeParts, string> = {
    platform: String(platformFee),
    ...mapped(bps, (each) => `⌊${net}·${each} / 10000⌋`),
    contributors: `${net} − ${split.model} − ${split.stakers} − ${split.worker} − ${split.builder}`,
  }
  for (const [name, formula] of Object.entries(formulas)) {
    const part = name as keyof FeeParts
    figures.push({ name: part, formula, recomputed: split[part], onChain: parts[part] })
  }
  return figures
}

/** Entry A is there exactly where the builder has a part. */
function hasBuilder(entries: readonly ExplainedEntry[]): boolean {
  return entries.some((entry) => entry.class === entryClasses.A)
}

function splitOrNone(fee: bigint, shares: Shares, builder: boolean): FeeParts | undefined {
  try {
    return splitFee(fee, shares, builder)
  } catch (error) {
    if (error instanceof FormatError) return undefined
    throw error
  }
}

/** The weights of every pool that has entries or wei. */
function weightFigures({ parts, entries }: ReceiptFacts): Figure[] {
  return entryPools.flatMap((pool) => {
    const weights = entries.filter((entry) => poolName(entry.class) === pool).map(({ weight }) => weight)
    if (weights.length === 0 && parts[pool] === 0n) return []
    const onChain = weights.reduce((sum, weight) => sum + weight, 0n)
    return [
      {
        name: `weights of ${pool}`,
        formula: 'a whole pool',
        // A model or a worker whose share is 0 may be left out.
        recomputed: BigInt(weightTotal),
        onChain,
      },
    ]
  })
}

function poolUnits({ parts, entries }: ReceiptFacts, kind: number): PoolUnits {
  const name = poolName(kind)
  const sum = entries.reduce((all, entry) => (poolName(entry.class) === name ? all + entry.weight : all), 0n)
  return { name, wei: parts[name], units: sum > BigInt(weightTotal) ? sum : BigInt(weightTotal) }
}

/** Classes above the last are paid as contributors are: what a worker wrote may be none. */
function poolName(kind: number): (typeof entryPools)[number] {
  return poolOf(Math.min(kind, entryClasses.U) as AttributionEntry['class'])
}

function mapped<Name extends string>(
  values: Readonly<Record<Name, number>>,
  text: (value: number) => string,
): Record<Name, string> {
  return Object.fromEntries(Object.entries<number>(values).map(([name, value]) => [name, text(value)])) as Record<
    Name,
    string
  >
}
