import { tokenLeaf, tokensPerLeaf } from '../../protocol/token-list.ts'
import { configBytes, type ModelConfig } from '../model-config.ts'
import type { TraceHead } from '../trace/head.ts'
import { type AdapterShape, leafBytes, type TraceLayout, type TracePlace, type TraceTree } from '../trace/layout.ts'
import type { TraceOpener } from '../trace/opening.ts'
import { isRight } from './judge-step.ts'
import type { SectionOpener } from './open-section.ts'
import { adapterConfigBytes } from './opened-step.ts'
import type { Run, Step, StepContext, StepElement } from './step.ts'
import { StepError } from './step-error.ts'
import { StepUnits } from './step-units.ts'

/** A model's or an adapter's file of which leaves are shown; of a section's bytes no more is read than is needed. */
export type SectionSource = Pick<SectionOpener, 'leaf' | 'siblings' | 'run'> & {
  section(number: number): {
    readonly leafBytes: number
    readonly bytes: { readonly length: number; subarray(begin: number, end: number): Uint8Array }
  }
}

/** What steps are opened from: the model and the slots' adapters, the trace that was committed to, and the tokens. */
export type StepSources = {
  readonly context: StepContext
  readonly layout: TraceLayout
  /** The model, then the adapters of the slots. */
  readonly files: readonly SectionSource[]
  readonly trace: TraceOpener
  readonly prompt: ArrayLike<number>
  readonly output: ArrayLike<number>
}

/** The step about an element, and whether it shows that the element is wrong. */
export type OpenableStep = { readonly step: Step; readonly isWrong: boolean }

/**
 * Opens what the rule of an element reads. Throws StepError where the rule cannot be applied, and what the trace throws where it is
 * not at hand.
 */
export function openStep(sources: StepSources, element: StepElement): OpenableStep {
  const units = new ReadStep(sources, element)
  const isWrong = !isRight(units)
  return { step: units.shown(), isWrong }
}

/** Reads from the sources and remembers which leaves were read. */
class ReadStep extends StepUnits {
  readonly context: StepContext
  readonly step: StepElement & { readonly head: TraceHead }
  readonly config: ModelConfig
  readonly adapters: readonly AdapterShape[]
  readonly layout: TraceLayout
  readonly #sources: StepSources
  readonly #sections = new Map<string, LeafSet>()
  readonly #records = new Map<string, LeafSet>()
  readonly #tokens: Run[] = []

  constructor(sources: StepSources, element: StepElement) {
    super()
    this.#sources = sources
    this.context = sources.context
    this.layout = sources.layout
    this.config = sources.layout.config
    this.adapters = sources.layout.adapters
    this.step = { ...element, head: sources.trace.head }
    for (const file of sources.files.keys()) this.section(file, 0, 0, file === 0 ? configBytes : adapterConfigBytes)
  }

  section(file: number, number: number, offset: number, length: number): Uint8Array {
    const { bytes, leafBytes: size } = this.#file(file).section(number)
    // As a step that has no such bytes to show.
    if (offset + length > bytes.length) throw new StepError('SectionNotShown')
    leavesOf(this.#sections, `${file} ${number}`).add(offset, length, size)
    return bytes.subarray(offset, offset + length)
  }

  record({ tree, slab, position, offset }: TracePlace, length: number): Uint8Array {
    const [first, end] = [Math.floor(offset / leafBytes[tree]), Math.ceil((offset + length) / leafBytes[tree])]
    const base = this.layout.leafIndex(tree, slab, position, 0)
    leavesOf(this.#records, `${tree} ${base}`).add(offset, length, leafBytes[tree])
    const { data } = this.#sources.trace.run(tree, base + first, base + end)
    const begin = offset - first * leafBytes[tree]
    if (begin + length > data.length) throw new StepError('RecordNotShown')
    return data.subarray(begin, begin + length)
  }

  tokenAt(position: number): number {
    const { context, prompt, output } = this.#sources
    const [list, place] = position < context.tin ? [prompt, position] : [output, position - context.tin]
    const leaf = Math.floor(place / tokensPerLeaf)
    const { bytes, siblings } = tokenLeaf(list, leaf)
    this.#tokens.push({ first: leaf, data: bytes, siblings })
    return list[place] ?? 0
  }

  #file(file: number): SectionSource {
    const opener = this.#sources.files[file]
    if (opener === undefined) throw new Error(`no file ${file}`)
    return opener
  }

  /** The step with all that was read. */
  shown(): Step {
    const model = [...this.#sections].flatMap(([key, leaves]) => {
      const [file, section] = key.split(' ').map(Number) as [number, number]
      const opener = this.#file(file)
      const size = opener.section(section).leafBytes
      return leaves.runs().map(([first, end]) => {
        const run = opener.run(section, first * size, Math.min(end * size, opener.section(section).bytes.length))
        return { file, section, leaf: opener.leaf(section), siblings: opener.siblings(section), run }
      })
    })
    const trace = [...this.#records].flatMap(([key, leaves]) => {
      const [tree, base] = key.split(' ') as [TraceTree, string]
      return leaves.runs().map(([first, end]) => {
        return { tree, run: this.#sources.trace.run(tree, Number(base) + first, Number(base) + end) }
      })
    })
    return { ...this.step, model, trace, tokens: this.#tokens }
  }
}

/** Leaves of one list that were read. */
class LeafSet {
  readonly #leaves = new Set<number>()

  add(offset: number, length: number, size: number): void {
    for (let leaf = Math.floor(offset / size); leaf * size < offset + length; leaf++) this.#leaves.add(leaf)
  }

  /** Neighbouring ones together: first and end of each. */
  runs(): [first: number, end: number][] {
    const runs: [number, number][] = []
    for (const leaf of [...this.#leaves].sort((a, b) => a - b)) {
      const last = runs.at(-1)
      if (last?.[1] === leaf) last[1]++
      else runs.push([leaf, leaf + 1])
    }
    return runs
  }
}

function leavesOf(sets: Map<string, LeafSet>, key: string): LeafSet {
  const known = sets.get(key)
  if (known !== undefined) return known
  const set = new LeafSet()
  sets.set(key, set)
  return set
}
