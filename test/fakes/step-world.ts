import type { Slot } from '../../inference/adapter/adapter.ts'
import { targets } from '../../inference/adapter/adapter.ts'
import { adapterRoot, adapterSections } from '../../inference/adapter/adapter-file.ts'
import { choiceElements, choiceOf, choiceTileElements } from '../../inference/choice.ts'
import type { CanonicalModel } from '../../inference/model.ts'
import { modelRoot, sectionsOf } from '../../inference/model-file.ts'
import { SectionOpener } from '../../inference/one-step/open-section.ts'
import type { StepSources } from '../../inference/one-step/open-step.ts'
import type { StepContext, StepElement } from '../../inference/one-step/step.ts'
import { Oracle } from '../../inference/oracle.ts'
import type { SamplingRule } from '../../inference/sampling-rule.ts'
import { traceRootOf } from '../../inference/trace/head.ts'
import { TraceLayout } from '../../inference/trace/layout.ts'
import { CommittedTrace } from '../../inference/trace/opening.ts'
import { RecordStore } from '../../inference/trace/record-store.ts'
import { TraceRecorder } from '../../inference/trace/recorder.ts'
import { ops, type Unit } from '../../inference/trace.ts'
import { bytesToHex } from '../../protocol/bytes.ts'
import { tokenListRoot } from '../../protocol/token-list.ts'

export type StepWorldOptions = {
  readonly model: CanonicalModel
  readonly prompt: readonly number[]
  readonly tout: number
  readonly rule: SamplingRule
  readonly slots?: readonly Slot[]
  readonly width?: 3 | 4
}

/** An element of a unit, by name. */
export type UnitElement = Unit & { readonly element: number }

type Recorded = readonly [unit: Unit, values: ArrayLike<number>]

const seed = Uint8Array.from({ length: 32 }, (_, i) => 7 * i)

/** An honest answer of the oracle, which is committed to as it is or with one element of a unit changed. */
export class StepWorld {
  readonly output: readonly number[]
  readonly layout: TraceLayout
  readonly #options: StepWorldOptions
  readonly #files: readonly SectionOpener[]
  readonly #units: readonly Recorded[]

  constructor(options: StepWorldOptions) {
    const { model, prompt, tout, rule, slots = [] } = options
    const session = new Oracle(model).start({ slots })
    const units: Recorded[] = []
    const output: number[] = []
    for (let fed: readonly number[] = prompt; output.length < tout; fed = output.slice(-1)) {
      const logits = session.append(fed, (unit, values) => units.push([{ ...unit }, Array.from(values)]))
      output.push(choiceOf(logits, rule, seed, prompt.length + output.length, model.expTable).token)
    }
    this.#options = options
    this.output = output
    this.#units = units
    const shapes = slots.map(({ adapter: { rank, layers } }) => {
      return { rank, targets: targets.filter((target) => layers[0]?.[target] !== undefined) }
    })
    this.layout = new TraceLayout(model.config, shapes)
    const files = [sectionsOf(model), ...slots.map(({ adapter }) => adapterSections(adapter))]
    this.#files = files.map((sections) => new SectionOpener(sections))
  }

  /** Every unit that is committed, with how many elements it has. */
  units(): (Unit & { readonly count: number })[] {
    const { prompt, model } = this.#options
    const committed = this.#units.filter(([{ op, position }]) => {
      const isOfHead = ops[op].id >= ops.finalNorm.id && ops[op].id <= ops.logits.id
      if (isOfHead && position < prompt.length - 1) return false
      return op !== 'attentionNorm' && op !== 'ffnNorm' && op !== 'finalNorm' && op !== 'logits'
    })
    const tiles = Math.ceil(model.config.vocab / 256)
    const choices = this.output.flatMap((_, j) => {
      const at = { layer: 0, position: prompt.length - 1 + j }
      return [
        { ...at, op: 'choice' as const, part: 0, count: choiceElements },
        ...Array.from({ length: tiles }, (_, part) => {
          return { ...at, op: 'choiceTile' as const, part, count: choiceTileElements }
        }),
      ]
    })
    return [...committed.map(([unit, values]) => ({ ...unit, count: values.length })), ...choices]
  }

  /** What steps are opened from; of the element that `change` names, the value is another. */
  sources(change?: UnitElement, changed: (value: number) => number = (value) => value): StepSources {
    const { model, prompt, rule, slots = [], width = 4 } = this.#options
    const altered = (unit: Unit, values: ArrayLike<number>): number[] => {
      const copy = Array.from(values)
      if (change !== undefined && isSame(unit, change)) copy[change.element] = changed(copy[change.element] ?? 0)
      return copy
    }
    const store = new RecordStore()
    const recorder = new TraceRecorder(this.layout, {
      tin: prompt.length,
      width,
      onRecord: store.add,
      choose: (logits, position) => {
        const { token, choice, tiles } = choiceOf(logits, rule, seed, position + 1, model.expTable)
        const unit = { layer: 0, position }
        const sums = Array.from({ length: tiles.length / choiceTileElements }, (_, part) =>
          altered(
            { ...unit, op: 'choiceTile', part },
            tiles.subarray(part * choiceTileElements, (part + 1) * choiceTileElements),
          ),
        )
        const marks = altered({ ...unit, op: 'choice', part: 0 }, choice)
        return { token, choice: Float64Array.from(marks), tiles: Float64Array.from(sums.flat()) }
      },
    })
    for (const [unit, values] of this.#units) {
      const copy = altered(unit, values)
      // Mixes of a tile exceed 32 bits.
      recorder.trace(unit, ops[unit.op].bytes === 8 ? Float64Array.from(copy) : Int32Array.from(copy))
    }
    const recorded = recorder.finish()
    const context: StepContext = {
      modelRoot: modelRoot(model),
      traceRoot: bytesToHex(traceRootOf(recorded.head)),
      promptRoot: bytesToHex(tokenListRoot(prompt)),
      outputRoot: bytesToHex(tokenListRoot(this.output)),
      tin: prompt.length,
      tout: this.output.length,
      ...rule,
      seed: bytesToHex(seed),
      adapters: slots.map(({ adapter, weight }) => ({ root: adapterRoot(adapter), weight })),
    }
    const trace = new CommittedTrace(this.layout, recorded, store.get)
    return { context, layout: this.layout, files: this.#files, trace, prompt, output: this.output }
  }
}

export function elementOf({ op, layer, position, part, element }: UnitElement): StepElement {
  return { op: ops[op].id, layer, position, part, element }
}

function isSame(a: Unit, b: Unit): boolean {
  return a.op === b.op && a.layer === b.layer && a.position === b.position && a.part === b.part
}
