import { bytesToBigint, FormatError, hexToBytes } from '../../protocol/bytes.ts'
import { targets } from '../adapter/adapter.ts'
import { InferenceError } from '../inference-error.ts'
import { configBytes, decodeConfig, type ModelConfig } from '../model-config.ts'
import { traceRootOf } from '../trace/head.ts'
import { type AdapterShape, leafBytes, TraceLayout, type TracePlace } from '../trace/layout.ts'
import { openLeaf, openLeaves, openToken } from './open-runs.ts'
import type { SectionRun, Step, StepContext } from './step.ts'
import { StepError } from './step-error.ts'
import { StepUnits } from './step-units.ts'

export const adapterConfigBytes = 44
/** Length, leaf size and root behind a section's name. */
const leafTail = 44

/**
 * What a step shows, opened once and then read by unit and section. Twin of contracts/src/lib/Steps.sol; everything throws
 * {@link StepError} as it reverts.
 */
export class OpenedStep extends StepUnits {
  readonly context: StepContext
  readonly step: Step
  readonly config: ModelConfig
  readonly adapters: readonly AdapterShape[]
  readonly layout: TraceLayout

  constructor(context: StepContext, step: Step) {
    super()
    this.context = context
    this.step = step
    if (Buffer.compare(traceRootOf(step.head), hexToBytes(context.traceRoot)) !== 0)
      throw new StepError('WrongTraceHead')
    for (const shown of step.model) openSection(context, shown)
    this.config = readConfig(this.section(0, 0, 0, configBytes))
    this.adapters = context.adapters.map((_, slot) => readAdapter(this.section(1 + slot, 0, 0, adapterConfigBytes)))
    this.layout = layoutOf(context, step, this.config, this.adapters)
    for (const { tree, run } of step.trace) {
      const root = tree === 'linear' ? step.head.linearRoot : step.head.derivedRoot
      openLeaves(`0x${Buffer.from(root).toString('hex')}`, this.layout.depth(tree), leafBytes[tree], run)
    }
  }

  /** Bytes of a section of a file. */
  section(file: number, number: number, offset: number, length: number): Uint8Array {
    for (const shown of this.step.model) {
      if (shown.file !== file || shown.section !== number) continue
      const begin = shown.run.first * leafSize(shown.leaf)
      if (offset < begin || offset + length > begin + shown.run.data.length) continue
      return shown.run.data.subarray(offset - begin, offset - begin + length)
    }
    throw new StepError('SectionNotShown')
  }

  /** The token of a position. */
  tokenAt(position: number): number {
    const { tin, tout, promptRoot, outputRoot } = this.context
    const [run, ...others] = this.step.tokens
    if (run === undefined || others.length > 0) throw new StepError('TokenNotShown')
    return position < tin ? openToken(promptRoot, tin, position, run) : openToken(outputRoot, tout, position - tin, run)
  }

  record({ tree, slab, position, offset }: TracePlace, length: number): Uint8Array {
    const base = this.layout.leafIndex(tree, slab, position, 0)
    const end = base + 2 ** this.layout.bits[tree].leaf
    for (const { tree: shownTree, run } of this.step.trace) {
      if (shownTree !== tree || run.first < base || run.first >= end) continue
      const begin = (run.first - base) * leafBytes[tree]
      if (offset < begin || offset + length > begin + run.data.length) continue
      return run.data.subarray(offset - begin, offset - begin + length)
    }
    throw new StepError('RecordNotShown')
  }
}

function openSection(context: StepContext, { file, section, leaf, siblings, run }: SectionRun): void {
  const root = file === 0 ? context.modelRoot : context.adapters[file - 1]?.root
  const tail = leaf.length - leafTail
  if (root === undefined || tail < 1 || (leaf[0] ?? 0) + 1 !== tail) throw new StepError('WrongSection')
  openLeaf(root, section, leaf, siblings)
  const length = Number(bytesToBigint(leaf.subarray(tail, tail + 8)))
  const size = leafSize(leaf)
  if (size === 0 || length === 0) throw new StepError('WrongSection')
  const depth = Math.ceil(Math.log2(Math.ceil(length / size)))
  openLeaves(`0x${Buffer.from(leaf.subarray(tail + 12)).toString('hex')}`, depth, size, run)
}

function leafSize(leaf: Uint8Array): number {
  return new DataView(leaf.buffer, leaf.byteOffset).getUint32(leaf.length - 36)
}

function readConfig(bytes: Uint8Array): ModelConfig {
  try {
    return decodeConfig(bytes)
  } catch (error) {
    if (error instanceof FormatError) throw new StepError('BadConfig')
    throw error
  }
}

export function readAdapter(bytes: Uint8Array): AdapterShape {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const [version, rank, mask] = [view.getUint32(0), view.getUint32(4), view.getUint32(8)]
  const isRank = rank > 0 && rank <= 64 && rank % 8 === 0
  if (version !== 1 || !isRank || mask === 0 || mask >= 2 ** targets.length) throw new StepError('BadAdapter')
  return { rank, targets: targets.filter((_, i) => (mask & (2 ** i)) !== 0) }
}

function layoutOf(
  { tin, tout }: StepContext,
  { head }: Step,
  config: ModelConfig,
  adapters: readonly AdapterShape[],
): TraceLayout {
  const layout = layoutFor(config, adapters)
  const fits =
    head.positions + 1 === tin + tout &&
    head.tin === tin &&
    head.positions <= config.context &&
    (head.width === 3 || head.width === 4) &&
    head.linearDepth === layout.depth('linear') &&
    head.derivedDepth === layout.depth('derived')
  if (!fits) throw new StepError('WrongExtent')
  return layout
}

function layoutFor(config: ModelConfig, adapters: readonly AdapterShape[]): TraceLayout {
  try {
    return new TraceLayout(config, adapters)
  } catch (error) {
    if (error instanceof InferenceError) throw new StepError('WrongExtent')
    throw error
  }
}
