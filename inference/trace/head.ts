import { createHash } from 'node:crypto'
import { concatBytes, equalBytes, FormatError, type Hex, hexToBytes, uintBytes } from '../../protocol/bytes.ts'
import type { TraceExtent, TraceLayout } from './layout.ts'

/** What a traceRoot commits to. docs/canonical-inference.md §12.1. */
export type TraceHead = TraceExtent & {
  /** Levels of each tree below its root. */
  readonly linearDepth: number
  readonly derivedDepth: number
  readonly linearRoot: Uint8Array
  readonly derivedRoot: Uint8Array
}

/** Bytes of an encoded head: a tag, five numbers, two roots. */
export const traceHeadBytes = 1 + 5 * 4 + 2 * 32
const tag = Uint8Array.of(4)

export function encodeTraceHead(head: TraceHead): Uint8Array {
  const { positions, tin, width, linearDepth, derivedDepth, linearRoot, derivedRoot } = head
  const numbers = [positions, tin, width, linearDepth, derivedDepth].map((number) => uintBytes(number, 4))
  return concatBytes(tag, ...numbers, linearRoot, derivedRoot)
}

/** Throws {@link FormatError} for anything but an encoded head of the root. */
export function decodeTraceHead(bytes: Uint8Array, traceRoot: Hex): TraceHead {
  if (bytes.length !== traceHeadBytes || bytes[0] !== tag[0]) throw new FormatError('not a head of a trace')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const number = (index: number) => view.getUint32(1 + 4 * index)
  const width = number(2)
  if (width !== 3 && width !== 4) throw new FormatError(`accumulators of ${width} bytes`)
  const head = {
    positions: number(0),
    tin: number(1),
    width,
    linearDepth: number(3),
    derivedDepth: number(4),
    linearRoot: bytes.slice(21, 53),
    derivedRoot: bytes.slice(53),
  } as const
  if (!equalBytes(traceRootOf(head), hexToBytes(traceRoot)))
    throw new FormatError('the head is not that of the traceRoot')
  return head
}

export function traceRootOf(head: TraceHead): Uint8Array {
  return new Uint8Array(createHash('sha256').update(encodeTraceHead(head)).digest())
}

/** Throws {@link FormatError} where the head cannot be that of so many input and output tokens of the layout's model. */
export function checkTraceHead(head: TraceHead, layout: TraceLayout, tin: number, tout: number): void {
  const { positions, linearDepth, derivedDepth } = head
  if (head.tin !== tin || positions !== tin + tout - 1) {
    throw new FormatError(`a trace of ${positions} positions, ${head.tin} of input, for ${tin} + ${tout} tokens`)
  }
  if (linearDepth !== layout.depth('linear') || derivedDepth !== layout.depth('derived')) {
    throw new FormatError(`trees of ${linearDepth} and ${derivedDepth} levels are not those of the model`)
  }
}
