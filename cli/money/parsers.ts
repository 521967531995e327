import { asAddress, asCount } from '../../common/flag-parsers.ts'
import { bytesToHex, type Hex, zeroHash } from '../../protocol/bytes.ts'
import { parseOpen } from './values.ts'

/** Parsers of what money's commands take. Each throws an Error that says what it wants. */

/** wei of `1.5` (OPEN) or `150wei`. */
export const asOpen = (text: string): bigint => {
  const wei = parseOpen(text)
  if (wei === undefined) throw new Error('must be OPEN such as 1.5, with at most 18 decimals, or wei such as 150wei')
  if (wei >= 1n << 128n) throw new Error('is more than all OPEN there is')
  return wei
}

/** An unsigned integer of so many bits: a number up to 32, else a bigint. */
export const asUint32 = (text: string): number => {
  const value = asCount(text)
  if (value > 0xffff_ffff) throw new Error('must be below 2^32')
  return value
}

export const asUint64 = (text: string): bigint => {
  if (!/^\d{1,20}$/.test(text) || BigInt(text) >= 1n << 64n) throw new Error('must be a whole number below 2^64')
  return BigInt(text)
}

export const asUint128 = (text: string): bigint => {
  if (!/^\d{1,39}$/.test(text) || BigInt(text) >= 1n << 128n) throw new Error('must be a whole number below 2^128')
  return BigInt(text)
}

export const asUint256 = (text: string): bigint => {
  if (!/^\d{1,78}$/.test(text) || BigInt(text) >= 1n << 256n) throw new Error('must be a whole number below 2^256')
  return BigInt(text)
}

/** A text, also none. */
export const asAnyText = (text: string): string => text

export const asHash = (text: string): Hex => {
  if (!/^0x[0-9a-fA-F]{64}$/.test(text)) throw new Error('must be a hash: 0x and 64 hex digits')
  return text.toLowerCase() as Hex
}

/** A hash, or a short text in the first of its 32 bytes, as a licence's SPDX name. */
export const asHashOrName = (text: string): Hex => {
  if (text.startsWith('0x')) return asHash(text)
  const bytes = new TextEncoder().encode(text)
  if (bytes.length > 32) throw new Error('must be a hash or at most 32 bytes of text')
  return bytesToHex(bytes).padEnd(zeroHash.length, '0') as Hex
}

export const asBytes = (text: string): Hex => {
  if (!/^0x(?:[0-9a-fA-F]{2})+$/.test(text)) throw new Error('must be bytes: 0x and pairs of hex digits')
  return text.toLowerCase() as Hex
}

/** Bit c for each proof class c of a list such as `0,1,2`. */
export const asClasses = (text: string): number =>
  text.split(',').reduce((mask, each) => mask | (1 << asProofClass(each.trim())), 0)

const proofClassMax = 5

export const asProofClass = (text: string): number => {
  const value = asCount(text)
  if (value > proofClassMax) throw new Error(`must be a proof class, 0 to ${proofClassMax}`)
  return value
}

/** A validator's score in ten-thousandths. */
export const asScore = (text: string): number => {
  const value = asCount(text)
  if (value > 10_000) throw new Error('must be 0 to 10000')
  return value
}

/** A model's version, `7.2`; `7` is version 1 of model 7. */
export type ModelRef = { readonly id: bigint; readonly version: number }

export const asModelRef = (text: string): ModelRef => {
  const [id = '', version = '1', ...rest] = text.split('.')
  if (rest.length > 0) throw new Error('must be a model and its version such as 7.2')
  return { id: asUint64(id), version: asUint32(version) }
}

/** Seconds from now on, or a time in Unix seconds. */
export type When = { readonly afterSeconds: bigint } | { readonly atSeconds: bigint }

const unitSeconds: Readonly<Record<string, bigint>> = { s: 1n, m: 60n, h: 3_600n, d: 86_400n }

export const asWhen = (text: string): When => {
  const match = /^(\d{1,12})([smhd])?$/.exec(text)
  if (match === null) throw new Error('must be a time from now such as 90s, 15m, 12h or 30d, or Unix seconds')
  const [, count = '', unit] = match
  return unit === undefined ? { atSeconds: BigInt(count) } : { afterSeconds: BigInt(count) * (unitSeconds[unit] ?? 1n) }
}

/** Kinds of pools: stakers, a Datanet's units, treasury. */
export type PoolRef = { readonly kind: 0 | 1 | 2; readonly id: bigint }

export const asPool = (text: string): PoolRef => {
  if (text === 'stakers') return { kind: 0, id: 0n }
  if (text === 'treasury') return { kind: 2, id: 0n }
  const datanet = /^datanet:(\d+)$/.exec(text)?.[1]
  if (datanet === undefined) throw new Error('must be stakers, treasury or datanet:ID')
  return { kind: 1, id: asUint64(datanet) }
}

export const asAddresses = (text: string): readonly Hex[] => text.split(',').map((each) => asAddress(each.trim()))

export const relations = ['fine-tune', 'merge', 'quantise', 'distil', 'adapter'] as const
export const policies = ['of-all', 'of-child'] as const

/** Parents such as `3:fine-tune:500:of-all`: model, relation, basis points, of what. */
export const asParents = (text: string) => text.split(',').map(asParent)

const asParent = (text: string) => {
  const [id = '', relation = '', bps = '', policy = 'of-all', ...rest] = text.trim().split(':')
  const [relationAt, policyAt] = [relations.indexOf(relation as never), policies.indexOf(policy as never)]
  if (rest.length > 0 || relationAt < 0 || policyAt < 0) {
    throw new Error(`must be ID:RELATION:BPS[:POLICY] of ${relations.join(', ')} and ${policies.join(', ')}`)
  }
  return { id: asUint64(id), relation: relationAt, bps: asBps(bps), policy: policyAt }
}

/** Datanets such as `1:2:5000`: Datanet, version, basis points. In the chain's order, which wants each once. */
export const asTrainedOn = (text: string) => {
  const refs = text.split(',').map((each) => {
    const [id = '', version = '', bps = '', ...rest] = each.trim().split(':')
    if (rest.length > 0) throw new Error('must be DATANET:VERSION:BPS')
    return { id: asUint64(id), version: asUint32(version), weightBps: asBps(bps) }
  })
  if (refs.some(({ weightBps }) => weightBps === 0)) throw new Error('each Datanet needs at least 1 basis point')
  refs.sort((a, b) => (a.id < b.id ? -1 : 1))
  const twice = refs.find(({ id }, i) => id === refs[i - 1]?.id)
  if (twice !== undefined) throw new Error(`names Datanet ${twice.id} twice: name its newest version alone`)
  return refs
}

/** Versions such as `1:2`: Datanet, version. */
export const asDatanetVersions = (text: string) =>
  text.split(',').map((each) => {
    const [datanet = '', version = '', ...rest] = each.trim().split(':')
    if (rest.length > 0) throw new Error('must be DATANET:VERSION')
    return { datanet: asUint64(datanet), version: asUint32(version) }
  })

const asBps = (text: string): number => {
  const bps = asCount(text)
  if (bps > 10_000) throw new Error('must be at most 10000 basis points')
  return bps
}

export const asHashes = (text: string): readonly Hex[] => text.split(',').map((each) => asHash(each.trim()))
