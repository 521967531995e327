import { type Target, targetShape, targets } from '../adapter/adapter.ts'
import { choiceElements, choiceTileElements, choiceTileLogits } from '../choice.ts'
import { type ModelConfig, tilePositions } from '../model-config.ts'
import type { TraceHead } from '../trace/head.ts'
import type { AdapterShape, TraceLayout, TracePlace } from '../trace/layout.ts'
import { type Op, ops } from '../trace.ts'
import { adapterPart, adapterSectionOf, type Linear, matrixOf, opOfId, scaleOpOf } from './model-places.ts'
import type { StepContext, StepElement } from './step.ts'
import { StepError } from './step-error.ts'
import { adapted, checkedScale, dequantised, type InputScale } from './unit-rules.ts'

/** Ops that put out nothing which is committed. */
const uncommitted: readonly Op[] = ['attentionNorm', 'ffnNorm', 'finalNorm', 'logits']
const headOps: readonly Op[] = ['headScale', 'headInput', 'head', 'choice', 'choiceTile']

/** Sections of a model and records of a trace, read by units, about one element. Everything throws {@link StepError}. */
export abstract class StepUnits {
  abstract readonly context: StepContext
  abstract readonly step: StepElement & { readonly head: TraceHead }
  abstract readonly config: ModelConfig
  abstract readonly adapters: readonly AdapterShape[]
  abstract readonly layout: TraceLayout

  /** Bytes of a section of the model (file 0) or of the adapter of slot file − 1. */
  abstract section(file: number, number: number, offset: number, length: number): Uint8Array
  /** Bytes of a record, from a place on. */
  abstract record(place: TracePlace, length: number): Uint8Array
  abstract tokenAt(position: number): number

  /** The op in question. */
  get op(): Op {
    const op = opOfId(this.step.op)
    if (op === undefined) throw new StepError('NoSuchUnit')
    return op
  }

  /** The element in question. */
  claimed(): bigint {
    const { layer, position, part, element } = this.step
    const place = this.#place(this.op, layer, position, part, element)
    return readInt(this.record(place, place.bytes), place.bytes, 0)
  }

  /** Elements that follow each other from element `i` of a unit of the step's layer on. */
  elements(op: Op, part: number, i: number, count: number, position = this.step.position): bigint[] {
    const place = this.#place(op, isOfLayer(op) ? this.step.layer : 0, position, part, i)
    const data = this.record(place, count * place.bytes)
    return Array.from({ length: count }, (_, k) => readInt(data, place.bytes, k))
  }

  element(op: Op, part: number, i: number): bigint {
    return this.elements(op, part, i, 1)[0] as bigint
  }

  /** Elements of the residual stream that a layer is given. */
  residual(layer: number, i: number, count: number): bigint[] {
    const [op, before] = layer === 0 ? (['embedding', 0] as const) : (['ffnResidual', layer - 1] as const)
    const place = this.#place(op, before, this.step.position, 0, i)
    const data = this.record(place, count * place.bytes)
    return Array.from({ length: count }, (_, k) => readInt(data, place.bytes, k))
  }

  /** A committed scale. */
  scale(op: Op, part: number): InputScale {
    const [mantissa, exponent] = this.elements(op, part, 0, 2) as [bigint, bigint]
    return checkedScale(mantissa, exponent)
  }

  /** Q16 output `row` of a target's linear, with what the adapters add to it. */
  output(target: Target, row: number): bigint {
    let y = this.headOutput(target, row)
    for (const [slot, adapter] of this.adapters.entries()) {
      if (!adapter.targets.includes(target)) continue
      const part = targets.length * slot + targets.indexOf(target)
      const scales = adapterSectionOf(adapter, this.step.layer, target) + 3
      const accumulator = this.element('loraUp', part, row)
      const rowScale = readUint32(this.section(1 + slot, scales, 4 * row, 4), 0)
      const d = dequantised(accumulator, rowScale, this.scale('loraScale', part))
      y = adapted(y, d, BigInt(this.context.adapters[slot]?.weight ?? 0))
    }
    return y
  }

  /** Q16 output `row` of a linear of the model alone. */
  headOutput(linear: Linear, row: number): bigint {
    const [, scales] = matrixOf(this.config, this.step.layer, linear)
    const accumulator = this.element(linear, 0, row)
    const rowScale = readUint32(this.section(0, scales, 4 * row, 4), 0)
    return dequantised(accumulator, rowScale, this.scale(scaleOpOf(linear), 0))
  }

  tilesAt(position: number): number {
    return Math.floor(position / tilePositions(this.config)) + 1
  }

  get choiceTiles(): number {
    return Math.ceil(this.config.vocab / choiceTileLogits)
  }

  #place(op: Op, layer: number, position: number, part: number, element: number): TracePlace {
    if (!this.#exists(op, layer, position, part, element)) throw new StepError('NoSuchUnit')
    return this.layout.place({ op, layer, position, part }, element, this.step.head)
  }

  #exists(op: Op, layer: number, position: number, part: number, element: number): boolean {
    const { head } = this.step
    if (uncommitted.includes(op)) return false
    if (layer >= (isOfLayer(op) ? this.config.layers : 1) || position >= head.positions) return false
    if (headOps.includes(op) && position + 1 < head.tin) return false
    if (ops[op].id >= ops.loraDown.id && ops[op].id <= ops.loraUp.id) {
      const { slot, target } = adapterPart(part)
      if (this.adapters[slot]?.targets.includes(target) !== true) return false
    } else if (part >= this.#parts(op, position)) return false
    return element < this.#count(op, part)
  }

  #parts(op: Op, position: number): number {
    if (op === 'attentionTile') return this.config.heads * this.tilesAt(position)
    return op === 'choiceTile' ? this.choiceTiles : 1
  }

  #count(op: Op, part: number): number {
    const { dim, heads, headDim, kvHeads, ffnDim, vocab } = this.config
    const target = targets.find((each) => each === op)
    if (target !== undefined) return targetShape(this.config, target)[0]
    const { slot, target: adapted } = adapterPart(part)
    switch (op) {
      case 'head':
        return vocab
      case 'attentionScale':
      case 'outputScale':
      case 'ffnScale':
      case 'downScale':
      case 'headScale':
      case 'loraScale':
        return 2
      case 'rotatedQuery':
      case 'attentionMix':
      case 'outputInput':
        return heads * headDim
      case 'cachedKey':
      case 'cachedValue':
        return kvHeads * headDim
      case 'attentionTile':
        return 2 + headDim
      case 'activation':
      case 'downInput':
        return ffnDim
      case 'loraDown':
      case 'loraInput':
        return this.adapters[slot]?.rank ?? 0
      case 'loraUp':
        return targetShape(this.config, adapted)[0]
      case 'choice':
        return choiceElements
      case 'choiceTile':
        return choiceTileElements
      default:
        return dim
    }
  }
}

/** Little-endian two's complement. */
export function readInt(data: Uint8Array, bytes: number, i: number): bigint {
  let value = 0n
  for (let k = bytes - 1; k >= 0; k--) value = (value << 8n) | BigInt(data[i * bytes + k] ?? 0)
  return BigInt.asIntN(8 * bytes, value)
}

export function readUint32(data: Uint8Array, i: number): bigint {
  return BigInt.asUintN(32, readInt(data, 4, i))
}

function isOfLayer(op: Op): boolean {
  const { id } = ops[op]
  return (id > ops.embedding.id && id <= ops.ffnResidual.id) || (id >= ops.loraDown.id && id <= ops.loraUp.id)
}
