import { createHash } from 'node:crypto'
import { bytesToHex, concatBytes, FormatError, type Hex, uintBytes } from '../../../protocol/bytes.ts'
import { absentNode, merkleLevels, merkleRootOf } from '../../../protocol/content-hash.ts'
import { bf16Bits, commitToploc, type ToplocCommitment, type ToplocPoint } from '../../../protocol/toploc.ts'
import { type FingerprintKind, type FloatStep, fingerprintKinds } from '../../float/float-engine.ts'

/** Positions of a block, and the most points that it has. TOPLOC's. */
export const blockPositions = 32
export const blockPoints = 128
/** Logits of a position that a block has. */
const logitsPerPosition = blockPoints / blockPositions
/** Blocks of a leaf of the tree, which FingerprintJudge asks for. */
export const leafBlocks = 16
const headerBytes = 17
const magic = new TextEncoder().encode('OLFLOAT\u0001')
/** `modulus u16 ‖ points u16`, before the coefficients. */
const blockHeadBytes = 4
/** Logits are told as 16 + ln p, at least 1: numbers of four exponents, whose mantissas are of like weight. */
const logitShift = 16

/** What a worker commits to of an answer by a float engine. docs/CHECKING.md §7 */
export type Fingerprint = {
  readonly kind: FingerprintKind
  /** Numbers of a position: the state's, or the vocabulary's. */
  readonly width: number
  /** Positions whose logits chose an output token: as many as those. */
  readonly positions: number
  readonly blocks: readonly ToplocCommitment[]
}

/** Takes in position after position, and keeps no more of them than a block. */
export class FingerprintMaker {
  readonly #kind: FingerprintKind
  readonly #blocks: ToplocCommitment[] = []
  #waiting: FloatStep[] = []
  #width = 0
  #positions = 0

  constructor(kind: FingerprintKind) {
    this.#kind = kind
  }

  add(step: FloatStep): void {
    this.#width = valuesOf(this.#kind, step).length
    this.#positions++
    this.#waiting.push(step)
    if (this.#waiting.length === blockPositions) this.#close()
  }

  /** Of what came so far; more may come behind it. */
  finish(): Fingerprint {
    const last = this.#waiting.length === 0 ? [] : [commitToploc(pointsOf(this.#kind, this.#waiting))]
    return {
      kind: this.#kind,
      width: this.#width,
      positions: this.#positions,
      blocks: [...this.#blocks, ...last],
    }
  }

  #close(): void {
    this.#blocks.push(commitToploc(pointsOf(this.#kind, this.#waiting)))
    this.#waiting = []
  }
}

/**
 * Points of a block: of states the 128 largest numbers of all its positions, of logits the 4 largest of each. Index: position in the
 * block · width + place. Among equals the lower index comes first. With a `slack`, only those logits that are among the 4 largest whoever
 * is off by so much: what a checker compares.
 */
export function pointsOf(kind: FingerprintKind, steps: readonly FloatStep[], slack?: number): ToplocPoint[] {
  const numbers = steps.flatMap((step, i) => {
    const values = valuesOf(kind, step)
    if (kind === fingerprintKinds.state) return largest(values, blockPoints, i * values.length, Math.abs)
    const [next, ...kept] = largest(values, logitsPerPosition + 1, i * values.length, (value) => value).reverse()
    const all = values.length > logitsPerPosition ? kept.reverse() : [...kept.reverse(), ...(next ? [next] : [])]
    const least = slack === undefined || next === undefined ? Number.NEGATIVE_INFINITY : next.value + 2 * slack
    return logProbabilities(step, all).filter((_, at) => (all[at]?.value ?? 0) > least)
  })
  const kept = kind === fingerprintKinds.state ? numbers.sort(byMagnitude).slice(0, blockPoints) : numbers
  return kept.map(({ index, value }) => ({ index, bits: bf16Bits(value) }))
}

/** Points of a block whose length is known. */
export function pointCount(kind: FingerprintKind, width: number, positions: number): number {
  return kind === fingerprintKinds.state
    ? Math.min(blockPoints, positions * width)
    : positions * Math.min(logitsPerPosition, width)
}

/** `magic 8 ‖ kind u8 ‖ width u32 ‖ positions u32`, then the blocks. */
export function encodeFingerprint({ kind, width, positions, blocks }: Fingerprint): Uint8Array {
  return concatBytes(magic, uintBytes(BigInt(kind), 1), u32(width), u32(positions), ...blocks.map(encodeBlock))
}

/** The file whose leaves these are; undefined where some are not there. */
export function fingerprintFileOf(
  { kind, width, positions }: { readonly kind: number; readonly width: number; readonly positions: number },
  leaves: readonly Uint8Array[],
): Uint8Array | undefined {
  if (leaves.length !== Math.ceil(positions / (blockPositions * leafBlocks))) return undefined
  return concatBytes(magic, uintBytes(BigInt(kind), 1), u32(width), u32(positions), ...leaves)
}

/** Throws {@link FormatError} for what is no fingerprint of so many positions. */
export function decodeFingerprint(file: Uint8Array, positions: number): Fingerprint {
  const view = new DataView(file.buffer, file.byteOffset, file.length)
  if (file.length < headerBytes || magic.some((byte, i) => file[i] !== byte)) throw new FormatError('no fingerprint')
  const [kind, width] = [view.getUint8(8), view.getUint32(9)]
  const isKnown = kind === fingerprintKinds.state || kind === fingerprintKinds.logits
  if (!isKnown || width === 0 || width > 2 ** 26) throw new FormatError(`a fingerprint of kind ${kind}, width ${width}`)
  if (view.getUint32(13) !== positions) throw new FormatError(`a fingerprint of ${view.getUint32(13)} positions`)
  const blocks: ToplocCommitment[] = []
  let at = headerBytes
  for (let first = 0; first < positions; first += blockPositions) {
    const points = pointCount(kind, width, Math.min(blockPositions, positions - first))
    const end = at + blockHeadBytes + 2 * points
    if (end > file.length) throw new FormatError('a fingerprint that is cut off')
    if (view.getUint16(at + 2) !== points) throw new FormatError(`a block of ${view.getUint16(at + 2)} points`)
    const modulus = view.getUint16(at)
    if (modulus === 0) throw new FormatError('a modulus of 0')
    blocks.push({ modulus, coeffs: file.slice(at + blockHeadBytes, end) })
    at = end
  }
  if (at !== file.length) throw new FormatError(`${file.length - at} bytes behind a fingerprint`)
  return { kind, width, positions, blocks }
}

/** What a receipt's traceRoot is: `SHA-256(0x06 ‖ kind u8 ‖ width u32 ‖ positions u32 ‖ root of the leaves)`. */
export function fingerprintRoot(fingerprint: Fingerprint): Hex {
  const { kind, width, positions } = fingerprint
  const tree = merkleRootOf(leavesOf(fingerprint))
  const bytes = concatBytes(Uint8Array.of(6, kind), u32(width), u32(positions), tree)
  return `0x${createHash('sha256').update(bytes).digest('hex')}`
}

/** Arguments of FingerprintJudge's `serveFingerprint` behind the demand's id, for a leaf. */
export function shownLeaf(fingerprint: Fingerprint, index: number): readonly unknown[] {
  const leaves = leavesOf(fingerprint)
  const levels = merkleLevels(leaves)
  const leaf = leaves[index]
  if (leaf === undefined) throw new FormatError(`leaf ${index} of ${leaves.length}`)
  const root = levels.at(-1)?.[0] ?? new Uint8Array(32)
  const siblings = levels.slice(0, -1).map((level, height) => level[(index >> height) ^ 1] ?? absentNode(height))
  return [
    fingerprint.kind,
    fingerprint.width,
    bytesToHex(root),
    bytesToHex(leaf),
    siblings.map((each) => bytesToHex(each)),
  ]
}

function leavesOf({ blocks }: Fingerprint): Uint8Array[] {
  const leaves: Uint8Array[] = []
  for (let i = 0; i < blocks.length; i += leafBlocks) {
    leaves.push(concatBytes(...blocks.slice(i, i + leafBlocks).map(encodeBlock)))
  }
  return leaves
}

function encodeBlock({ modulus, coeffs }: ToplocCommitment): Uint8Array {
  return concatBytes(uintBytes(BigInt(modulus), 2), uintBytes(BigInt(coeffs.length / 2), 2), coeffs)
}

type Numbered = { readonly index: number; readonly value: number }

function valuesOf(kind: FingerprintKind, { state, logits }: FloatStep): Float64Array {
  if (kind === fingerprintKinds.logits) return logits
  if (state === undefined) throw new TypeError('an engine that shows no state')
  return state
}

/** The `count` largest by their size, the first the largest. */
function largest(values: Float64Array, count: number, first: number, sizeOf: (value: number) => number): Numbered[] {
  const kept: Numbered[] = []
  let least = Number.NEGATIVE_INFINITY
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number
    const size = sizeOf(value)
    if (kept.length === count && size <= least) continue
    const at = kept.findIndex((each) => sizeOf(each.value) < size)
    kept.splice(at < 0 ? kept.length : at, 0, { index: first + i, value })
    if (kept.length > count) kept.pop()
    least = kept.length < count ? Number.NEGATIVE_INFINITY : sizeOf(kept.at(-1)?.value ?? 0)
  }
  return kept
}

function byMagnitude(a: Numbered, b: Numbered): number {
  return Math.abs(b.value) - Math.abs(a.value) || a.index - b.index
}

function logProbabilities({ logits, areLogProbabilities }: FloatStep, kept: readonly Numbered[]): Numbered[] {
  const max = kept[0]?.value ?? 0
  let total = 0
  for (const logit of logits) total += Math.exp(logit - max)
  const scale = areLogProbabilities === true ? 0 : max + Math.log(total)
  return kept.map(({ index, value }) => ({ index, value: Math.max(logitShift + value - scale, 1) }))
}

function u32(value: number): Uint8Array {
  return uintBytes(BigInt(value), 4)
}
