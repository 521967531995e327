import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import { InferenceError } from '../inference-error.ts'
import { treeNumbers } from '../one-step/step.ts'
import type { TraceHead } from '../trace/head.ts'
import { leafBytes } from '../trace/layout.ts'
import type { Question, ShownTrees } from './descent.ts'
import { isAbsent, type WholeTrace } from './shown-trace.ts'

/** Levels below a node that an answer shows; as contracts/src/ol/TraceDemands.sol has it. */
export const levelsShown = 8

/** A call of TraceDemands: its arguments behind the opened receipt, or behind the demand's id. */
export type DemandCall = { readonly functionName: string; readonly args: readonly unknown[] }

/** The call that asks a question, and the bytes that its answer shows at most, by which it is prepaid. */
export function askCall(
  question: Question,
  known: { readonly head: TraceHead; readonly shown: ShownTrees } | undefined,
): DemandCall & { readonly shownBytes: bigint } {
  const { tree, depth, index } = question
  const number = treeNumbers.indexOf(tree)
  if (depth === 0) return { functionName: 'requestRoot', args: [number], shownBytes: nodesBytes(levelsShown) }
  if (known === undefined) throw new InferenceError('trace', 'a node of a trace whose head is not known')
  const shown = known.shown[tree]
  const hash = shown.hash(depth, index)
  if (hash === undefined || isAbsent(hash)) throw new InferenceError('trace', `nothing is below node ${index}`)
  const siblings = shown.siblings(depth, index).map((sibling) => bytesToHex(sibling))
  const node = { tree: number, depth, index, hash: bytesToHex(hash), siblings }
  const left = shown.depth - depth
  return {
    functionName: 'requestNode',
    args: [headArgs(known.head), node],
    shownBytes: left === 0 ? BigInt(leafBytes[tree]) : nodesBytes(Math.min(left, levelsShown)),
  }
}

/** The worker's answer to a question about its own trace. */
export function answerCall(question: Question, trace: WholeTrace & { readonly head: TraceHead }): DemandCall {
  const { tree, depth, index } = question
  const treeDepth = tree === 'linear' ? trace.head.linearDepth : trace.head.derivedDepth
  if (depth === treeDepth) return { functionName: 'serveLeaf', args: [bytesToHex(trace.leaf(tree, index))] }
  const levels = Math.min(treeDepth - depth, levelsShown)
  const nodes = Array.from({ length: 2 ** levels }, (_, i): Hex => {
    return bytesToHex(trace.node(tree, depth + levels, index * 2 ** levels + i))
  })
  if (depth === 0) return { functionName: 'serveRoot', args: [headArgs(trace.head), nodes] }
  return { functionName: 'serveNodes', args: [nodes] }
}

/** A head as contracts/src/lib/Traces.sol has it. */
export function headArgs(head: TraceHead) {
  const { positions, tin, width, linearDepth, derivedDepth, linearRoot, derivedRoot } = head
  const roots = { linearRoot: bytesToHex(linearRoot), derivedRoot: bytesToHex(derivedRoot) }
  return { positions, tin, width, linearDepth, derivedDepth, ...roots }
}

function nodesBytes(levels: number): bigint {
  return 32n * 2n ** BigInt(levels)
}
