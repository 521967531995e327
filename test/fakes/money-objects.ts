/** Receipts, batches and epochs as docs/MONEY.md prints them, built by viem's EIP-712: a second implementation. */
import { hashStruct, hashTypedData } from 'viem'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { bytesToHex, concatBytes, type Hex, hexToBytes, uintBytes, zeroHash } from '../../protocol/bytes.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { SumTree } from '../../protocol/sum-tree.ts'
import type { Actor } from './money-chain.ts'

export type Shares = {
  readonly platformFee: bigint
  readonly betaBps: number
  readonly gammaBps: number
  readonly omegaBps: number
  readonly rhoBps: number
}

export type Price = { readonly rin: bigint; readonly rout: bigint }

export type Entry = {
  readonly payee: Hex
  readonly id: bigint
  readonly class: number
  readonly evidenceHash: Hex
  readonly weight: bigint
}

/** Classes of entries. */
export const entryClass = { M: 0, W: 1, A: 2, S: 3, G: 4, R: 5, U: 6 } as const

/** Places of a receipt row's sums. */
export const sumNames = [
  'fee',
  'tin',
  'tout',
  'entries',
  'platform',
  'model',
  'stakers',
  'worker',
  'builder',
  'contributors',
] as const
export type Sums = Readonly<Record<(typeof sumNames)[number], bigint>>

const types = {
  Adapter: [
    { name: 'root', type: 'bytes32' },
    { name: 'weight', type: 'uint16' },
  ],
  Sampling: [
    { name: 'tempQ16', type: 'uint32' },
    { name: 'topK', type: 'uint16' },
    { name: 'topPQ16', type: 'uint32' },
    { name: 'maxTokens', type: 'uint32' },
    { name: 'stopHash', type: 'bytes32' },
  ],
  Request: [
    { name: 'chainId', type: 'uint256' },
    { name: 'payer', type: 'address' },
    { name: 'nonce', type: 'uint64' },
    { name: 'modelVersion', type: 'bytes32' },
    { name: 'adapters', type: 'Adapter[]' },
    { name: 'templateHash', type: 'bytes32' },
    { name: 'promptRoot', type: 'bytes32' },
    { name: 'sampling', type: 'Sampling' },
    { name: 'class', type: 'uint8' },
    { name: 'priceVersion', type: 'uint32' },
    { name: 'maxFee', type: 'uint128' },
    { name: 'appCode', type: 'bytes32' },
    { name: 'deadline', type: 'uint64' },
  ],
  Voucher: [
    { name: 'channel', type: 'bytes32' },
    { name: 'requestId', type: 'bytes32' },
    { name: 'worker', type: 'address' },
    { name: 'maxFee', type: 'uint128' },
    { name: 'cumulativeCap', type: 'uint128' },
    { name: 'deadline', type: 'uint64' },
  ],
  Answer: [
    { name: 'requestId', type: 'bytes32' },
    { name: 'outputRoot', type: 'bytes32' },
    { name: 'final', type: 'bool' },
  ],
  Receipt: [
    { name: 'requestId', type: 'bytes32' },
    { name: 'worker', type: 'address' },
    { name: 'tin', type: 'uint32' },
    { name: 'tout', type: 'uint32' },
    { name: 'fee', type: 'uint128' },
    { name: 'outputRoot', type: 'bytes32' },
    { name: 'traceRoot', type: 'bytes32' },
    { name: 'class', type: 'uint8' },
    { name: 'proofHash', type: 'bytes32' },
    { name: 'indexSetHash', type: 'bytes32' },
    { name: 'algoHash', type: 'bytes32' },
    { name: 'attrRoot', type: 'bytes32' },
    { name: 'attrEntries', type: 'uint32' },
    { name: 'royaltyHash', type: 'bytes32' },
  ],
} as const

type Types = typeof types
type Field = {
  readonly Request: Request
  readonly Voucher: Voucher
  readonly Receipt: Receipt
  readonly Answer: Answer
}

export type Request = {
  readonly chainId: bigint
  readonly payer: Hex
  readonly nonce: bigint
  readonly modelVersion: Hex
  readonly adapters: readonly { readonly root: Hex; readonly weight: number }[]
  readonly templateHash: Hex
  readonly promptRoot: Hex
  readonly sampling: {
    readonly tempQ16: number
    readonly topK: number
    readonly topPQ16: number
    readonly maxTokens: number
    readonly stopHash: Hex
  }
  readonly class: number
  readonly priceVersion: number
  readonly maxFee: bigint
  readonly appCode: Hex
  readonly deadline: bigint
}
export type Voucher = {
  readonly channel: Hex
  readonly requestId: Hex
  readonly worker: Hex
  readonly maxFee: bigint
  readonly cumulativeCap: bigint
  readonly deadline: bigint
}
export type Answer = { readonly requestId: Hex; readonly outputRoot: Hex; readonly final: boolean }
export type Receipt = {
  readonly requestId: Hex
  readonly worker: Hex
  readonly tin: number
  readonly tout: number
  readonly fee: bigint
  readonly outputRoot: Hex
  readonly traceRoot: Hex
  readonly class: number
  readonly proofHash: Hex
  readonly indexSetHash: Hex
  readonly algoHash: Hex
  readonly attrRoot: Hex
  readonly attrEntries: number
  readonly royaltyHash: Hex
}

const domain = {
  name: 'OpenLedger',
  version: '1',
  chainId: 901n,
  verifyingContract: openLedgerPredeploys.inferenceMarket,
} as const

export function structHash<T extends keyof Field & keyof Types>(primaryType: T, data: Field[T]): Hex {
  return hashStruct({ primaryType: primaryType as never, data: data as never, types: types as never })
}

export function digestOf<T extends keyof Field & keyof Types>(primaryType: T, message: Field[T]): Hex {
  return hashTypedData({ domain, types, primaryType, message } as never)
}

export function sign<T extends keyof Field & keyof Types>(by: Actor, primaryType: T, message: Field[T]) {
  return by.sign(hexToBytes(digestOf(primaryType, message)))
}

export function channelOf(payer: Hex, worker: Hex): Hex {
  return hash(hexToBytes(payer), hexToBytes(worker))
}

export function feeOf(tin: number, tout: number, { rin, rout }: Price, { platformFee }: Shares): bigint {
  return (BigInt(tin) * rin + BigInt(tout) * rout + 999n) / 1000n + platformFee
}

/** Sums of a receipt's row. */
export function sumsOf(
  { tin, tout, fee, attrEntries }: Receipt,
  { platformFee, betaBps, gammaBps, omegaBps, rhoBps }: Shares,
  hasBuilder: boolean,
): Sums {
  const net = fee - platformFee
  const part = (bps: number) => (net * BigInt(bps)) / 10_000n
  const [model, stakers, worker, builder] = [
    part(betaBps),
    part(gammaBps),
    part(omegaBps),
    hasBuilder ? part(rhoBps) : 0n,
  ]
  return {
    fee,
    tin: BigInt(tin),
    tout: BigInt(tout),
    entries: BigInt(attrEntries),
    platform: platformFee,
    model,
    stakers,
    worker,
    builder,
    contributors: net - model - stakers - worker - builder,
  }
}

export function addSums(rows: readonly Sums[]): Sums {
  const add = (name: keyof Sums) => rows.reduce((sum, row) => sum + row[name], 0n)
  return Object.fromEntries(sumNames.map((name) => [name, add(name)])) as Sums
}

export const sumList = (sums: Sums): bigint[] => sumNames.map((name) => sums[name])

export function paymentHash(voucher: Voucher, signature: Uint8Array): Hex {
  return hash(Uint8Array.of(7), hexToBytes(structHash('Voucher', voucher)), signature)
}

export function receiptRow(receipt: Receipt, payment: Hex, sums: Sums): Uint8Array {
  const leaf = hash(Uint8Array.of(2), hexToBytes(structHash('Receipt', receipt)), hexToBytes(payment))
  return row(leaf, ...sumList(sums))
}

export function entryRow(entry: Entry, index: number): Uint8Array {
  const leaf = hash(
    Uint8Array.of(3),
    uintBytes(index, 4),
    hexToBytes(entry.payee),
    uintBytes(entry.id, 8),
    Uint8Array.of(entry.class),
    hexToBytes(entry.evidenceHash),
    uintBytes(entry.weight, 8),
  )
  const place = poolOf(entry.class)
  return row(leaf, ...[0, 1, 2, 3].map((i) => (i === place ? entry.weight : 0n)))
}

/** Pool that a class of entries is paid from: 0 model, 1 worker, 2 builder, 3 contributors. */
export function poolOf(entryClass_: number): number {
  return entryClass_ < 3 ? entryClass_ : 3
}

/** What an entry is paid, in wei. */
export function amountOf(entry: Entry, sums: Sums): bigint {
  const pool = [sums.model, sums.worker, sums.builder, sums.contributors][poolOf(entry.class)] ?? 0n
  return (pool * entry.weight) / 1_000_000n
}

export type Credit = { readonly payee: Hex; readonly receipt: number; readonly entry: number; readonly amount: bigint }
export type Payout = { readonly payee: Hex; readonly cumulative: bigint }

export function creditRow({ payee, receipt, entry, amount }: Credit, index: number): Uint8Array {
  const numbers = [uintBytes(receipt, 4), uintBytes(entry, 4), uintBytes(amount, 16)]
  return row(hash(Uint8Array.of(5), uintBytes(index, 4), hexToBytes(payee), ...numbers), amount)
}

export function payoutRow({ payee, cumulative }: Payout, index: number): Uint8Array {
  const leaf = hash(Uint8Array.of(6), uintBytes(index, 4), hexToBytes(payee), uintBytes(cumulative, 16))
  return row(leaf, cumulative)
}

/** Account of a pool among payees; kinds: 0 stakers, 1 Datanet units, 2 treasury. */
export function poolPayee(kind: number, id: bigint): Hex {
  return `0x${Buffer.from('OLpool').toString('hex').padEnd(22, '0')}0${kind}${id.toString(16).padStart(16, '0')}`
}

export type RoyaltyRow = { readonly kind: number; readonly id: Hex; readonly bps: number }

export function royaltyHash(rows: readonly RoyaltyRow[]): Hex {
  const packed = rows.map(({ kind, id, bps }) => concatBytes(Uint8Array.of(kind), hexToBytes(id), uintBytes(bps, 2)))
  return hash(Uint8Array.of(8, rows.length), ...packed)
}

/** A tree with what a proposal and a proof need of it. */
export class Tree {
  readonly root: Hex
  readonly topHash: Hex
  readonly count: number
  readonly #tree: SumTree | undefined

  constructor(rows: readonly Uint8Array[]) {
    this.count = rows.length
    this.#tree = rows.length === 0 ? undefined : new SumTree(rows)
    this.root = this.#tree === undefined ? zeroHash : bytesToHex(this.#tree.root)
    this.topHash = this.#tree === undefined ? zeroHash : bytesToHex(this.#tree.topHash)
  }

  /** Sibling rows of a leaf, from the leaf upwards, one behind the other. */
  siblings(index: number): Hex {
    return bytesToHex(concatBytes(...(this.#tree?.siblings(index) ?? [])))
  }
}

export function hash(...parts: readonly Uint8Array[]): Hex {
  return bytesToHex(keccak256(concatBytes(...parts)))
}

function row(leaf: Hex, ...sums: readonly bigint[]): Uint8Array {
  return concatBytes(hexToBytes(leaf), ...sums.map((sum) => uintBytes(sum, 16)))
}
