import type { TraceExtent, TraceLayout, TraceTree } from '../trace/layout.ts'
import { inOrder, leafSteps, recordOf, type Step } from './order.ts'
import { isAbsent, type ShownTree, type WholeTrace } from './shown-trace.ts'

/** What stands below a node of a shown trace and is not known yet: some levels of nodes, or of a leaf its bytes. */
export type Question = {
  readonly tree: TraceTree
  readonly depth: number
  readonly index: number
}

/** A leaf that is not one's own. `isForm`: already by being there, by not being there, or by its length. */
export type Difference = { readonly tree: TraceTree; readonly index: number; readonly isForm: boolean }

export type Descent =
  | { readonly kind: 'ask'; readonly questions: readonly Question[] }
  | { readonly kind: 'found'; readonly leaves: readonly Difference[] }

/** What is known of both trees. */
export type ShownTrees = { readonly [Tree in TraceTree]: ShownTree }

/** Leaves `from` … `to` − 1 of a tree. */
type Range = { readonly tree: TraceTree; readonly from: number; readonly to: number }

/**
 * Where somebody's trace differs from one's own of the same head: what to ask next, or leaves among which is the first unit that
 * differs in the order of computation, so that all that it is made of agrees. None: no difference.
 *
 * Every question is asked as soon as it can be, level by level, so that there are as many rounds as levels divided by those
 * that an answer shows, and one for leaves.
 */
export function descend(shown: ShownTrees, own: WholeTrace, layout: TraceLayout, extent: TraceExtent): Descent {
  const firsts = regionsOf(layout).map((region) => firstRecord(shown[region.tree], region, layout))
  const asked = firsts.flatMap((first) => (first !== undefined && 'depth' in first ? [first] : []))
  if (asked.length > 0) return { kind: 'ask', questions: asked }
  const records = firsts.flatMap((first) => (first === undefined || 'depth' in first ? [] : [first]))
  const stepOfRange = ({ tree, from }: Range) => recordOf(layout, tree, from)
  const [both] = records
    .filter((record) => !isCache(record, layout))
    .map(stepOfRange)
    .sort(inOrder)
  const ranges = both === undefined ? [] : recordRanges(layout, both)
  // Keys and values count as their tile's first position's, and are needed where that does not stand behind.
  const needed = records.filter((record) => inOrder(stepOfRange(record), both ?? stepOfRange(record)) <= 0)
  ranges.push(...needed.filter((record) => !ranges.some((each) => isSame(each, record))))
  const found = ranges.map((range) => differences(shown[range.tree], own, range))
  const questions = found.flatMap((each) => each.questions)
  if (questions.length > 0) return { kind: 'ask', questions }
  return weigh(
    shown,
    own,
    found.flatMap((each) => each.leaves),
    layout,
    extent,
  )
}

/** Of differing leaves those that can hold the first unit; one that is wrong by its form needs no other. */
function weigh(
  shown: ShownTrees,
  own: WholeTrace,
  leaves: readonly Difference[],
  layout: TraceLayout,
  extent: TraceExtent,
): Descent {
  const misformed = leaves.find(({ isForm }) => isForm)
  if (misformed !== undefined) return { kind: 'found', leaves: [misformed] }
  const placed = leaves.map((leaf) => {
    const [from, to] = leafSteps(layout, extent, leaf.tree, leaf.index, own.leaf(leaf.tree, leaf.index).length)
    return { leaf, from, to }
  })
  const latest = placed.map(({ to }) => to).sort(inOrder)[0]
  const needed = placed.flatMap(({ leaf, from }) => (latest && inOrder(from, latest) <= 0 ? [leaf] : []))
  const unknown = needed.filter(({ tree, index }) => shown[tree].leaf(index) === undefined)
  if (unknown.length > 0) return { kind: 'ask', questions: unknown.map((leaf) => leafQuestion(shown, leaf)) }
  const measured = needed.map((leaf) => ({ ...leaf, isForm: isOtherLength(shown, own, leaf) }))
  const other = measured.find(({ isForm }) => isForm)
  return { kind: 'found', leaves: other === undefined ? measured : [other] }
}

function isOtherLength(shown: ShownTrees, own: WholeTrace, { tree, index }: Difference): boolean {
  return shown[tree].leaf(index)?.length !== own.leaf(tree, index).length
}

function leafQuestion(shown: ShownTrees, { tree, index }: Difference): Question {
  return { tree, depth: shown[tree].depth, index }
}

/** All accumulators; all records of positions; all keys and values. */
function regionsOf(layout: TraceLayout): Range[] {
  const caches = layout.leafIndex('derived', layout.config.layers + 2, 0, 0)
  return [
    { tree: 'linear', from: 0, to: 2 ** layout.depth('linear') },
    { tree: 'derived', from: 0, to: caches },
    { tree: 'derived', from: caches, to: 2 ** layout.depth('derived') },
  ]
}

/** The records of a step in both trees; the head's has parts in several slabs. */
function recordRanges(layout: TraceLayout, [slab, position]: Step): Range[] {
  const { layers } = layout.config
  const parts = slab > layers ? layout.slabs.linear - layers - 1 : 1
  const linear = Array.from({ length: parts }, (_, k) => rangeOf(layout, 'linear', slab + k, position))
  return [...linear, rangeOf(layout, 'derived', slab, position)]
}

function isCache({ tree, from }: Range, layout: TraceLayout): boolean {
  return tree === 'derived' && layout.leafAt('derived', from).slab > layout.config.layers + 1
}

function isSame(a: Range, b: Range): boolean {
  return a.tree === b.tree && a.from === b.from
}

function rangeOf(layout: TraceLayout, tree: TraceTree, slab: number, position: number): Range {
  const from = layout.leafIndex(tree, slab, position, 0)
  return { tree, from, to: from + 2 ** layout.bits[tree].leaf }
}

/** The first record of a range that differs, or what is to be asked to know; undefined where none does. */
function firstRecord(shown: ShownTree, range: Range, layout: TraceLayout): Range | Question | undefined {
  const recordDepth = shown.depth - layout.bits[range.tree].leaf
  const { leaves, questions } = walk(shown, range, recordDepth, 1)
  const [record] = leaves
  if (record === undefined) return questions[0]
  const span = 2 ** (shown.depth - recordDepth)
  return { tree: range.tree, from: record * span, to: (record + 1) * span }
}

/** The leaves of a range that differ, and what is to be asked before all are known. */
function differences(shown: ShownTree, own: WholeTrace, range: Range) {
  const { leaves, questions } = walk(shown, range, shown.depth, Number.POSITIVE_INFINITY)
  const isAbsentIn = (hash: Uint8Array | undefined) => hash !== undefined && isAbsent(hash)
  const differing = leaves.map((index): Difference => {
    const { tree } = range
    const isForm = isAbsentIn(shown.hash(shown.depth, index)) !== isAbsent(own.node(tree, shown.depth, index))
    return { tree, index, isForm }
  })
  return { leaves: differing, questions }
}

/** Nodes of level `bottom` in a range that differ, and nodes below which one has to look: at most `limit`, from left to right. */
function walk(shown: ShownTree, { tree, from, to }: Range, bottom: number, limit: number) {
  const leaves: number[] = []
  const questions: Question[] = []
  const visit = (depth: number, index: number): void => {
    const span = 2 ** (shown.depth - depth)
    const isOutside = (index + 1) * span <= from || index * span >= to
    if (isOutside || leaves.length + questions.length >= limit || shown.isOwn(depth, index) === true) return
    if (depth === bottom) leaves.push(index)
    else if (shown.hash(depth + 1, 2 * index) === undefined) questions.push({ tree, depth, index })
    else {
      visit(depth + 1, 2 * index)
      visit(depth + 1, 2 * index + 1)
    }
  }
  visit(0, 0)
  return { leaves, questions }
}
