import { bytesToHex, type Hex, hexToBytes, zeroHash } from '../../protocol/bytes.ts'
import { receiptRow } from '../../protocol/inference-receipt.ts'
import type { Segment } from '../../protocol/receipt-batch.ts'
import { type Draft, reseal, resign, segmentsOf } from './dispute-batch.ts'
import type { BatchClaim, DisputeChain } from './dispute-chain.ts'
import { corruptions } from './dispute-corruptions.ts'
import { at } from './proven-tree.ts'
import type { Random } from './random.ts'

/** A way to spoil a batch: changes the drafts, or what is claimed of them. Undefined where there is no place for it. */
export type Mutation = {
  readonly name: string
  readonly apply: (drafts: Draft[], random: Random, world: DisputeChain) => BatchClaim | undefined
}

/** The named faults, each with everything else hashed and signed as it would be by whoever gains from it. */
const named = corruptions.map(
  (corruption): Mutation => ({
    name: corruption.name,
    apply: (drafts, random, { stranger, chain }) => {
      const from = random.int(drafts.length)
      const spoiling = (index: number) => ({ drafts, index, stranger, now: chain.now })
      const places = drafts.map((_, i) => (i + from) % drafts.length)
      const index = places.find((i) => corruption.needs?.(at(drafts, i), spoiling(i)) ?? true)
      if (index === undefined) return undefined
      return corruption.apply(at(drafts, index), spoiling(index)) ?? {}
    },
  }),
)

/** Any field of what a receipt is made of, changed a little; half of the time hashed and signed anew. */
const anyField: Mutation = {
  name: 'any field',
  apply: (drafts, random) => {
    const draft = random.pick(drafts)
    const parts = ['receipt', 'request', 'voucher', 'sums', 'entries', 'cut'] as const
    const part = random.pick(parts.filter((name) => name !== 'cut' || draft.cut !== undefined))
    if (part === 'sums') {
      const place = random.int(draft.sums.length)
      draft.sums[place] = nudged(at(draft.sums, place), random) as bigint
      if (random.chance(0.5)) draft.sums[0] = partsOf(draft.sums)
    } else if (part === 'entries') {
      const place = random.int(draft.entries.length)
      draft.entries[place] = changed(at(draft.entries, place), random)
    } else if (part === 'cut') {
      if (draft.cut !== undefined) draft.cut = { ...draft.cut, cancel: changed(draft.cut.cancel, random) }
    } else if (part === 'receipt') draft.receipt = changed(draft.receipt, random)
    else if (part === 'request') draft.request = changed(draft.request, random)
    else draft.voucher = changed(draft.voucher, random)
    if (random.chance(0.3)) reseal(draft)
    else if (random.chance(0.5)) resign(draft)
    return {}
  },
}

/** What the market is told beside the receipts. */
const claims: readonly Mutation[] = [
  { name: 'an unknown top', apply: (_, random) => ({ topHash: bytesToHex(random.bytes(32)) }) },
  {
    name: 'sums that are not the rows’',
    apply: (drafts, random) => {
      const sums = at(drafts, 0).sums.map((_, i) => drafts.reduce((sum, each) => sum + at(each.sums, i), 0n))
      const [from, to] = [4 + random.int(6), 4 + random.int(6)]
      const wei = BigInt(random.int(1_000))
      if (at(sums, from) < wei) return undefined
      sums[from] = at(sums, from) - wei
      sums[to] = at(sums, to) + wei
      if (random.chance(0.3)) sums[1 + random.int(3)] = BigInt(random.int(200))
      return { sums }
    },
  },
  {
    name: 'another count',
    apply: (drafts, random) => ({ count: random.pick([0, drafts.length + 1, 65_537, 2 ** 32 - 1]) }),
  },
  { name: 'another class', apply: (_, random) => ({ class: random.pick([0, 1, 3, 6, 255]) }) },
  { name: 'too late', apply: (_, _random, { chain }) => ({ notAfter: chain.now - 1n }) },
  { name: 'segments in another order', apply: (drafts, random) => segments(drafts, (list) => shuffle(list, random)) },
  {
    name: 'a segment changed',
    apply: (drafts, random) =>
      segments(drafts, (list) => {
        const place = random.int(list.length)
        list[place] = changed(at(list, place), random)
      }),
  },
  {
    name: 'fees of one segment in another',
    apply: (drafts, random) =>
      segments(drafts, (list) => {
        const wei = BigInt(1 + random.int(1_000))
        const [a, b] = [random.int(list.length), random.int(list.length)]
        list[a] = { ...at(list, a), fee: at(list, a).fee - wei }
        list[b] = { ...at(list, b), fee: at(list, b).fee + wei }
      }),
  },
  {
    name: 'a segment left out',
    apply: (drafts, random) => segments(drafts, (list) => void list.splice(random.int(list.length), 1)),
  },
  {
    name: 'too many segments',
    apply: (drafts) => segments(drafts, (list) => void list.push(...Array.from({ length: 33 }, () => at(list, 0)))),
  },
  {
    name: 'anything behind the last receipt',
    apply: (drafts, random) => {
      const room = 2 ** Math.ceil(Math.log2(drafts.length)) - drafts.length
      if (room === 0) return undefined
      const { receipt, sums } = random.pick(drafts)
      const carried = sums.map((sum) => (random.chance(0.5) ? 0n : sum))
      return { hidden: random.list(1 + random.int(room), () => receiptRow(receipt, random.bytes(32), carried)) }
    },
  },
  {
    name: 'receipts in another order',
    apply: (drafts, random) => {
      const list = segmentsOf(drafts)
      shuffle(drafts, random)
      return random.chance(0.5) ? { segments: list } : {}
    },
  },
  {
    name: 'a request settled in an earlier batch',
    apply: (drafts, random, world) => {
      const earlier = world.earlier
      if (earlier === undefined) return undefined
      const again = random.pick(earlier.drafts.filter(({ payment }) => payment !== zeroHash))
      const place = drafts.findIndex(({ payer, payment }) => payer === again.payer && payment !== zeroHash)
      if (place === -1) return undefined
      drafts.splice(place, 0, { ...again, sums: [...again.sums], entries: [...again.entries] })
      return {}
    },
  },
]

/** Every way; what is not named comes as often as what is. */
export function mutationFor(random: Random): Mutation {
  const kind = random.int(10)
  if (kind < 4) return random.pick(named)
  return kind < 7 ? anyField : random.pick(claims)
}

function partsOf(sums: readonly bigint[]): bigint {
  return sums.slice(4).reduce((sum, part) => sum + part, 0n)
}

function segments(drafts: readonly Draft[], change: (list: Segment[]) => void): BatchClaim | undefined {
  const list = segmentsOf(drafts)
  change(list)
  return list.some(({ fee }) => fee < 0n) ? undefined : { segments: list }
}

function shuffle<T>(list: T[], random: Random): void {
  for (let i = list.length - 1; i > 0; i--) {
    const j = random.int(i + 1)
    ;[list[i], list[j]] = [at(list, j), at(list, i)]
  }
}

/** One field of an object changed, lists left as they are. */
export function changed<T extends object>(value: T, random: Random): T {
  const plain = Object.entries(value).filter(([, field]) => typeof field !== 'object')
  const [name, field] = random.pick(plain)
  return { ...value, [name]: nudged(field, random) }
}

/** A number one off, a few bits other, or small; within what it was wide, but for numbers near the end of their type. */
function nudged(value: unknown, random: Random): unknown {
  if (typeof value === 'bigint') {
    const kind = random.int(4)
    if (kind === 0 || value === 0n) return value + 1n
    return kind === 1 ? value - 1n : kind === 2 ? BigInt(random.int(1_000)) : value / 2n
  }
  if (typeof value === 'number') return value === 0 || random.chance(0.5) ? (value + 1) % 65_536 : value - 1
  if (typeof value === 'boolean') return !value
  const bytes = hexToBytes(value as Hex).slice()
  const place = random.int(bytes.length)
  bytes[place] = (bytes[place] ?? 0) ^ (1 << random.int(8))
  return bytesToHex(bytes)
}

/** A file as a disk or a liar may change it; the bytes themselves where nothing is left to change. */
export function changedFile(file: Uint8Array, random: Random): Uint8Array {
  const kind = random.int(4)
  if (kind === 0) return file.subarray(0, random.int(file.length))
  if (kind === 1) return new Uint8Array([...file, ...random.bytes(1 + random.int(40))])
  const bytes = file.slice()
  for (let n = kind === 2 ? 1 : 1 + random.int(30); n > 0; n--) {
    const place = random.int(bytes.length)
    bytes[place] = (bytes[place] ?? 0) ^ (1 << random.int(8))
  }
  return bytes
}
