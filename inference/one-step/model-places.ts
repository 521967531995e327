import { type Target, targets } from '../adapter/adapter.ts'
import type { ModelConfig } from '../model-config.ts'
import type { AdapterShape } from '../trace/layout.ts'
import { type Op, ops } from '../trace.ts'

/** Linears of a model: the targets of adapters and the head. */
export type Linear = Target | 'head'

/** Numbers of sections in the order of a model file; docs/canonical-inference.md §9. */
export const sections = { config: 0, cos: 3, sin: 4, embedding: 6, embeddingScales: 7 } as const
const [beforeLayers, perLayer] = [8, 16]
const inLayer = {
  attentionNorm: 0,
  query: 1,
  key: 3,
  value: 5,
  output: 7,
  ffnNorm: 9,
  gate: 10,
  up: 12,
  down: 14,
} as const

export function sectionOf(layer: number, name: keyof typeof inLayer): number {
  return beforeLayers + perLayer * layer + inLayer[name]
}

export function finalNormOf({ layers }: ModelConfig): number {
  return beforeLayers + perLayer * layers
}

/** Sections of a linear's weights and row scales. */
export function matrixOf(
  config: ModelConfig,
  layer: number,
  linear: Linear,
): readonly [weights: number, scales: number] {
  if (linear === 'head') {
    const behind = finalNormOf(config) + 1
    return config.tiedHead ? [sections.embedding, behind] : [behind, behind + 1]
  }
  const weights = sectionOf(layer, linear)
  return [weights, weights + 1]
}

/** Section of an adapter's D for a target of a layer; behind it its scales, U, and its scales. */
export function adapterSectionOf(adapter: AdapterShape, layer: number, target: Target): number {
  const before = adapter.targets.filter((each) => targets.indexOf(each) < targets.indexOf(target))
  return 1 + 4 * (layer * adapter.targets.length + before.length)
}

/** The scale of a linear's input; the input's own op follows it. */
export function scaleOpOf(linear: Linear): Op {
  switch (linear) {
    case 'query':
    case 'key':
    case 'value':
      return 'attentionScale'
    case 'output':
      return 'outputScale'
    case 'gate':
    case 'up':
      return 'ffnScale'
    case 'down':
      return 'downScale'
    case 'head':
      return 'headScale'
  }
}

const inputs: { readonly [Scale in Op]?: Op } = {
  attentionScale: 'attentionInput',
  outputScale: 'outputInput',
  ffnScale: 'ffnInput',
  downScale: 'downInput',
  headScale: 'headInput',
  loraScale: 'loraInput',
}

/** The quantised input that a scale is of. */
export function inputOpOf(scale: Op): Op {
  const input = inputs[scale]
  if (input === undefined) throw new Error(`${scale} is no scale`)
  return input
}

/** The scale of an op that is one or a quantised input. */
export function scaleOfInput(op: Op): Op | undefined {
  if (inputs[op] !== undefined) return op
  return (Object.keys(inputs) as Op[]).find((scale) => inputs[scale] === op)
}

export function opOfId(id: number): Op | undefined {
  return (Object.keys(ops) as Op[]).find((op) => ops[op].id === id)
}

/** Slot and target of an adapter's unit. */
export function adapterPart(part: number): { readonly slot: number; readonly target: Target } {
  return { slot: Math.floor(part / targets.length), target: targets[part % targets.length] as Target }
}
