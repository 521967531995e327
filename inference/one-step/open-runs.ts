import { createHash } from 'node:crypto'
import { bytesToHex, type Hex, uintBytes } from '../../protocol/bytes.ts'
import { tokensPerLeaf } from '../../protocol/token-list.ts'
import type { Run } from './step.ts'
import { StepError } from './step-error.ts'

/**
 * Opens leaves of `chunk` bytes, the last of them maybe shorter, under a tree of `depth` levels. Twin of
 * contracts/src/lib/Leaves.sol; throws {@link StepError} as it reverts.
 */
export function openLeaves(root: Hex, depth: number, chunk: number, run: Run): void {
  const count = Math.ceil(run.data.length / chunk)
  if (count === 0 || run.first + count > 2 ** depth) throw new StepError('WrongRunBytes')
  const { top, used } = climb(run, chunk, (first, length, height) => {
    return height === depth ? undefined : { hasRight: (first + length) % 2 === 1 }
  })
  if (used !== run.siblings.length) throw new StepError('WrongRunSiblings')
  if (top !== root) throw new StepError('WrongRun')
}

/** Opens one leaf of any size under a tree of as many levels as there are siblings. Twin of Chunks.openLeaf. */
export function openLeaf(root: Hex, index: number, leaf: Uint8Array, siblings: readonly Uint8Array[]): void {
  let node = sha256(Uint8Array.of(0), uintBytes(index, 4), leaf)
  let at = index
  for (const sibling of siblings) {
    node = at % 2 === 1 ? nodeHash(sibling, node) : nodeHash(node, sibling)
    at = Math.floor(at / 2)
  }
  if (at !== 0 || bytesToHex(node) !== root) throw new StepError('WrongRun')
}

/** Token `place` of a list of `count` under its root. Twin of Chunks.openTokens and Chunks.word. */
export function openToken(root: Hex, count: number, place: number, run: Run): number {
  const [chunk, total] = [4 * tokensPerLeaf, 4 * count]
  const end = run.first * chunk + run.data.length
  const isWhole = run.data.length % chunk === 0 && end < total
  if (run.data.length === 0 || !(isWhole || end === total)) throw new StepError('WrongRunBytes')
  let width = Math.ceil(total / chunk)
  const { top, used } = climb(run, chunk, (first, length) => {
    if (width <= 1) return undefined
    // The last node of an odd level goes up as it is.
    const hasRight = (first + length) % 2 === 1 && first + length < width
    width = Math.ceil(width / 2)
    return { hasRight }
  })
  if (used !== run.siblings.length) throw new StepError('WrongRunSiblings')
  if (bytesToHex(sha256(Uint8Array.of(2), uintBytes(count, 4), Buffer.from(top.slice(2), 'hex'))) !== root) {
    throw new StepError('WrongRun')
  }
  const at = 4 * (place - tokensPerLeaf * run.first)
  if (at < 0 || at + 4 > run.data.length) throw new StepError('NotShown')
  return new DataView(run.data.buffer, run.data.byteOffset).getUint32(at)
}

/** Joins a run's leaves level by level for as long as `level` says that there is one. */
function climb(
  { first, data, siblings }: Run,
  chunk: number,
  level: (first: number, length: number, height: number) => { readonly hasRight: boolean } | undefined,
): { readonly top: Hex; readonly used: number } {
  let row = Array.from({ length: Math.ceil(data.length / chunk) }, (_, i) =>
    sha256(Uint8Array.of(0), uintBytes(first + i, 4), data.subarray(chunk * i, chunk * (i + 1))),
  )
  let [left, used, height] = [first, 0, 0]
  const next = () => siblings[used++] ?? new Uint8Array(32)
  for (let here = level(left, row.length, height); here !== undefined; here = level(left, row.length, height)) {
    const before = left % 2 === 1 ? [next()] : []
    const { hasRight } = here
    const whole = [...before, ...row]
    if (hasRight) whole.push(next())
    row = Array.from({ length: Math.ceil(whole.length / 2) }, (_, i) => {
      const [l = new Uint8Array(32), r] = whole.slice(2 * i, 2 * i + 2)
      return r === undefined ? l : nodeHash(l, r)
    })
    left = Math.floor(left / 2)
    height++
  }
  return { top: bytesToHex(row[0] ?? new Uint8Array(32)), used }
}

function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(Uint8Array.of(1), left, right)
}

function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return new Uint8Array(hash.digest())
}
