import { targets } from '../adapter/adapter.ts'
import { tilePositions } from '../model-config.ts'
import { leafBytes, type TraceExtent, type TraceLayout, type TraceTree } from '../trace/layout.ts'
import type { Op, Unit } from '../trace.ts'

/**
 * Where a unit stands in the order of computation: slab of the residual stream, position, place among the units of both. Each is
 * made of earlier ones alone, but for those of a choice, which tell of each other and have one place.
 */
export type Step = readonly [slab: number, position: number, place: number]

export function inOrder(a: Step, b: Step): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2]
}

export function stepOf({ op, layer, position, part }: Unit, layers: number): Step {
  if (op === 'embedding') return [0, position, 0]
  if (headOps.includes(op)) return [layers + 1, position, headOps.indexOf(op === 'choiceTile' ? 'choice' : op)]
  // An adapter's units stand behind the linear that they are added to.
  const lora = loraOps.indexOf(op)
  const target = lora < 0 ? op : (targets[part % targets.length] ?? op)
  return [layer + 1, position, layerOps.indexOf(target) * (loraOps.length + 1) + lora + 1]
}

/** Steps of the first and the last unit that has bytes in a leaf. */
export function leafSteps(
  layout: TraceLayout,
  extent: TraceExtent,
  tree: TraceTree,
  index: number,
  bytes: number,
): readonly [first: Step, last: Step] {
  const units = unitsIn(layout, extent, tree, index, Array.from({ length: bytes }).keys())
  const steps = units.map(({ unit }) => stepOf(unit, layout.config.layers)).sort(inOrder)
  return [steps[0] ?? [0, 0, 0], steps.at(-1) ?? [0, 0, 0]]
}

export type UnitElement = { readonly unit: Unit; readonly element: number }

/** The elements that have one of these bytes of a leaf. */
export function unitsIn(
  layout: TraceLayout,
  extent: TraceExtent,
  tree: TraceTree,
  index: number,
  offsets: Iterable<number>,
): UnitElement[] {
  const { slab, position, leaf } = layout.leafAt(tree, index)
  const found = new Map<string, UnitElement>()
  for (const offset of offsets) {
    const at = layout.unitAt(tree, slab, position, leaf * leafBytes[tree] + offset, extent)
    found.set(`${at.unit.op} ${at.unit.position} ${at.unit.part} ${at.element}`, at)
  }
  return [...found.values()]
}

/** Record of a leaf in the order of computation: slab and position; of keys and values the tile's first position. */
export function recordOf(layout: TraceLayout, tree: TraceTree, index: number): Step {
  const { config } = layout
  const { slab, position } = layout.leafAt(tree, index)
  const isCache = tree === 'derived' && slab > config.layers + 1
  if (isCache) return [slab - config.layers - 1, position * tilePositions(config), 0]
  return [Math.min(slab, config.layers + 1), position, 0]
}

const layerOps: readonly Op[] = [
  ...(['attentionScale', 'attentionInput', 'query', 'key', 'value', 'rotatedQuery', 'cachedKey'] as const),
  ...(['cachedValue', 'attentionTile', 'attentionMix', 'outputScale', 'outputInput', 'output'] as const),
  ...(['attentionResidual', 'ffnScale', 'ffnInput', 'gate', 'up', 'activation', 'downScale', 'downInput'] as const),
  ...(['down', 'ffnResidual'] as const),
]
const loraOps: readonly Op[] = ['loraDown', 'loraScale', 'loraInput', 'loraUp']
const headOps: readonly Op[] = ['headScale', 'headInput', 'head', 'choice', 'choiceTile']
