import { targets } from '../../inference/adapter/adapter.ts'
import { type CheckParts, checkExact, type ExactJob } from '../../inference/check/check-answer.ts'
import { type CheckKernels, loadCheckKernels } from '../../inference/check/check-kernels.ts'
import { checkSampled } from '../../inference/check/check-sampled.ts'
import { accumulatorMax, inputSpan } from '../../inference/check/field.ts'
import { linearRoot } from '../../inference/check/linear-root.ts'
import { groupsOfLayer } from '../../inference/check/placed-pair.ts'
import { type Linear, linearsOf } from '../../inference/check/secret-vectors.ts'
import { blockPositions, recordWords, WeightlessPass } from '../../inference/check/weightless-pass.ts'
import type { Session } from '../../inference/engine.ts'
import { KernelMemory } from '../../inference/kernel-memory.ts'
import type { CanonicalModel } from '../../inference/model.ts'
import { sample } from '../../inference/sampler.ts'
import { writeElements } from '../../inference/trace/elements.ts'
import { leafHashes } from '../../inference/trace/hash.ts'
import { TraceLayout } from '../../inference/trace/layout.ts'
import type { Trace } from '../../inference/trace.ts'
import { WasmEngine } from '../../inference/wasm/wasm-engine.ts'
import { tokenListRoot } from '../../protocol/token-list.ts'
import { noText, pairOf, rowOf } from '../../test/fakes/check-world.ts'

/** CPU milliseconds per position of one shape of answers, and their quotients. */
export type Costs = {
  readonly inferenceMs: number
  readonly checkMs: number
  readonly hashMs: number
  readonly sampledMs: number
  /** Check with hashing / inference; without; of the linears alone; of one layer, embedding, head and sampler. */
  readonly ratio: number
  readonly ratioUnhashed: number
  readonly linear: number
  readonly sampled: number
  /** Wall microseconds per position, best of some runs. */
  readonly parts: Readonly<Record<string, number>>
}

const seed = new Uint8Array(32)

export type Measuring = {
  /** Tokens of an answer that is made one at a time. */
  readonly oneByOne: number
  /** Input tokens in one batch, with one output. */
  readonly batch: number
  /** The least of so many times counts. */
  readonly repeats: number
}

/** Measures both shapes of answers of a model. */
export function measureChecks(model: CanonicalModel, { oneByOne, batch, repeats }: Measuring) {
  const engine = new WasmEngine(model)
  const kept = { ...model, root: '0x', embeddingRoot: '0x' } as const
  const started = cpuMs()
  const pair = pairOf(model)
  const setupMs = cpuMs() - started
  const times = new Map<string, number>()
  const parts: CheckParts = { kept, pass: new WeightlessPass(kept, pair), text: noText }
  const timed: CheckParts = { ...parts, pass: new WeightlessPass(kept, pair, { load: (m) => timedKernels(m, times) }) }
  const tokens = (count: number) => Array.from({ length: count }, (_, i) => (i * 7919 + 2) % model.config.vocab)
  return {
    setupMs,
    single: costsOf(model, engine, parts, timed, times, { input: tokens(1), output: oneByOne, repeats }),
    batch: costsOf(model, engine, parts, timed, times, { input: tokens(batch), output: 1, repeats }),
  }
}

function costsOf(
  model: CanonicalModel,
  engine: WasmEngine,
  plain: CheckParts,
  watched: CheckParts,
  times: Map<string, number>,
  { repeats, ...shape }: { readonly input: readonly number[]; readonly output: number; readonly repeats: number },
): Costs {
  const job = recorded(model, engine, shape)
  const [parts, timed] = [goingOn(plain, job), goingOn(watched, job)]
  const { positions } = job.head
  const layout = new TraceLayout(model.config)
  const inferenceMs = best(repeats, () => run(engine, model, job.input, shape.output)) / positions
  const check = (isHashed: boolean) => () => {
    const { verdict } = checkExact(parts, { ...job, isHashed })
    if (!verdict.ok) throw new Error(`an honest answer is judged ${JSON.stringify(verdict)}`)
  }
  const checkMs = best(repeats, check(false)) / positions
  const unhashedMs = best(repeats, check(true)) / positions
  const hashMs = best(repeats, () => linearRoot(layout, job.head, job.slabs)) / positions
  const sampledMs = best(repeats, sampledCheck(parts, job, layout)) / positions
  const found = new Map<string, number>()
  let wall = Number.POSITIVE_INFINITY
  for (let i = 0; i < 2 * repeats; i++) {
    times.clear()
    const begin = performance.now()
    checkExact(timed, { ...job, isHashed: true })
    wall = Math.min(wall, performance.now() - begin)
    for (const [name, ms] of times) found.set(name, Math.min(found.get(name) ?? Number.POSITIVE_INFINITY, ms))
  }
  const microseconds = (ms: number) => Math.round((1000 * ms) / positions)
  const inKernels = [...found.values()].reduce((total, ms) => total + ms, 0)
  const together = shape.input.length === 1 ? 1 : positions
  const entries = [...found].sort((a, b) => b[1] - a[1]).map(([name, ms]) => [name, microseconds(ms)] as const)
  return {
    inferenceMs,
    checkMs,
    hashMs,
    sampledMs,
    ratio: checkMs / inferenceMs,
    ratioUnhashed: unhashedMs / inferenceMs,
    linear:
      sumsMs(model, { positions, heads: positions - job.head.tin + 1 }, repeats) / productMs(model, together, repeats),
    sampled: sampledMs / inferenceMs,
    parts: {
      hashing: microseconds(hashMs * positions),
      ...Object.fromEntries(entries),
      rest: microseconds(Math.max(0, wall - inKernels)),
    },
  }
}

/** No token of the answer ends it, so that all of it is measured. */
function goingOn(parts: CheckParts, { output }: ExactJob): CheckParts {
  const eos =
    Array.from({ length: output.length + 1 }, (_, token) => token).find((token) => !output.includes(token)) ?? 0
  return { ...parts, kept: { ...parts.kept, config: { ...parts.kept.config, eos } } }
}

/** The worker's part: greedy, one position at a time behind the input. */
function run(
  engine: WasmEngine,
  model: CanonicalModel,
  input: readonly number[],
  count: number,
  trace?: Trace,
): number[] {
  const session: Session = engine.start({ positions: input.length + count })
  const rule = { tempQ16: 0, topK: 0, topPQ16: 65_536 }
  const output: number[] = []
  let logits = session.append(input, trace)
  for (;;) {
    output.push(sample(logits, rule, seed, session.length, model.expTable))
    if (output.length === count) break
    logits = session.append([output.at(-1) as number], trace)
  }
  session.close()
  return output
}

type Answered = { readonly input: readonly number[]; readonly output: number }

/** An answer with its accumulators at three bytes each, or at four where one does not fit three. */
function recorded(model: CanonicalModel, engine: WasmEngine, answered: Answered): ExactJob {
  const narrow = recordedAt(3, model, engine, answered)
  return narrow.fits ? narrow.job : recordedAt(4, model, engine, answered).job
}

function recordedAt(
  width: 3 | 4,
  model: CanonicalModel,
  engine: WasmEngine,
  { input, output: count }: Answered,
): { readonly job: ExactJob; readonly fits: boolean } {
  const { config } = model
  const [positions, tin, words] = [input.length + count - 1, input.length, recordWords(config)]
  const layers = Array.from({ length: config.layers }, () => new Uint8Array(width * words * positions))
  const heads = Array.from({ length: positions - tin + 1 }, () => new Uint8Array(width * config.vocab))
  const offsets = new Map<string, number>()
  let offset = 0
  for (const { op, rows } of linearsOf(config).slice(0, targets.length)) {
    offsets.set(op, offset)
    offset += rows
  }
  let fits = true
  const write = (to: Uint8Array | undefined, at: number, values: ArrayLike<number>): void => {
    if (!writeElements(to as Uint8Array, width * at, width, values)) fits = false
  }
  const trace: Trace = ({ op, layer, position }, values) => {
    const at = offsets.get(op)
    if (op === 'head' && position >= tin - 1) write(heads[position - tin + 1], 0, values)
    if (at !== undefined) write(layers[layer], words * position + at, values)
  }
  const output = run(engine, model, input, count, trace)
  const layout = new TraceLayout(config)
  const slabs = [...layers, ...headSlabs(layout, heads, width)]
  const extent = { positions, tin, width } as const
  const depths = { linearDepth: layout.depth('linear'), derivedDepth: layout.depth('derived') }
  const head = { ...extent, ...depths, linearRoot: linearRoot(layout, extent, slabs), derivedRoot: seed }
  const job = {
    ...{ input, output, promptRoot: tokenListRoot(input), outputRoot: tokenListRoot(output), head },
    ...{
      rule: { tempQ16: 0, topK: 0, topPQ16: 65_536 },
      seed,
      maxTokens: count,
      stops: [],
      cancelled: false,
      slots: [],
    },
    rows: new Map([...input, ...output].map((token) => [token, rowOf(model, token)])),
    slabs,
    isHashed: false,
  }
  return { job, fits }
}

/** The head's records, cut into its slabs. */
function headSlabs(layout: TraceLayout, heads: readonly Uint8Array[], width: 3 | 4): Uint8Array[] {
  const slabs: Uint8Array[] = []
  let from = 0
  for (let slab = layout.config.layers + 1; slab < layout.slabs.linear; slab++) {
    const bytes = layout.recordBytes('linear', slab, 0, { positions: 1, tin: 1, width })
    slabs.push(new Uint8Array(Buffer.concat(heads.map((head) => head.subarray(from, from + bytes)))))
    from += bytes
  }
  return slabs
}

/** One layer of the middle from opened residuals, embedding, head, sampler, with the hashes of what is opened. */
function sampledCheck({ kept, pass, text }: CheckParts, job: ExactJob, layout: TraceLayout): () => void {
  const { positions, tin } = job.head
  const { layers } = kept.config
  const layer = Math.floor(layers / 2)
  const wanted = [0, layer, layer + 1, layers]
  const residuals = new Map<number, Int32Array[]>()
  const keep = (slab: number) => {
    if (!wanted.includes(slab)) return
    residuals.set(
      slab,
      Array.from({ length: positions }, (_, position) => pass.residual(position).slice()),
    )
  }
  const records =
    (slab: number, first: number) =>
    (from: number, count = 1) => {
      const bytes = job.slabs[slab] as Uint8Array
      const size = bytes.length / (positions - first)
      return bytes.subarray((from - first) * size, (from - first + count) * size)
    }
  pass.begin({ positions, tin, width: job.head.width, slots: [] })
  for (const [i, token] of [...job.input, ...job.output].slice(0, positions).entries()) {
    pass.embed(i, token, job.rows.get(token) as Int8Array)
  }
  keep(0)
  for (let i = 0; i < layers; i++) {
    pass.layer(i, (from, count) => [records(i, 0)(from, count)])
    keep(i + 1)
  }
  const headRecords = Array.from({ length: layout.slabs.linear - layers - 1 }, (_, k) => records(layers + k, tin - 1))
  return () => {
    for (let position = 0; position < positions; position++) {
      leafHashes('linear', 0, records(layer, 0)(position))
      const opened = position >= tin - 1 ? wanted : wanted.slice(0, 3)
      for (const slab of opened) leafHashes('derived', 0, bytesOf(residuals.get(slab)?.[position] as Int32Array))
      if (position >= tin - 1) for (const each of headRecords) leafHashes('linear', 0, each(position))
    }
    const { verdict } = checkSampled(
      { kept, pass, text },
      {
        ...job,
        layers: [{ layer, records: (from, count) => [records(layer, 0)(from, count)] }],
        headRecords: (position) => headRecords.map((each) => each(position)),
        residual: (slab, position) => residuals.get(slab)?.[position] as Int32Array,
      },
    )
    if (!verdict.ok) throw new Error(`an honest slab is judged ${JSON.stringify(verdict)}`)
  }
}

/** Weights that no cache holds. */
const coldBytes = 2 ** 28

/**
 * What the engine's kernel takes for all matrices one after another, milliseconds per position; the head's for one position of the
 * batch. Weights come from memory as in a run, not from what the matrix before left in a cache.
 */
function productMs({ config }: CanonicalModel, tokens: number, repeats: number): number {
  const memory = new KernelMemory()
  const kernels = loadCheckKernels(memory.memory)
  const linears = linearsOf(config)
  const largest = (size: (linear: (typeof linears)[number]) => number) => Math.max(...linears.map(size))
  const total = linears.reduce((sum, { rows, columns }) => sum + rows * columns, 0)
  const held = Math.max(
    Math.min(total, coldBytes),
    largest(({ rows, columns }) => rows * columns),
  )
  const weights = memory.take(held)
  memory.bytes(weights, held).fill(3)
  const input = memory.take(2 * tokens * largest(({ columns }) => columns))
  const out = memory.take(4 * largest(({ op, rows }) => (op === 'head' ? rows : rows * tokens)))
  const taken = best(repeats, () => {
    let at = 0
    for (const { op, rows, columns } of linears) {
      if (at + rows * columns > held) at = 0
      kernels.multiply(weights + at, input, out, rows, columns, op === 'head' ? 1 : tokens, rows)
      at += rows * columns
    }
  })
  return taken / tokens
}

type Checked = { readonly positions: number; readonly heads: number }

/** What both vectors' sums of all matrices take a check of so many positions, the head's of some of them; milliseconds per position. */
function sumsMs({ config }: CanonicalModel, { positions, heads }: Checked, repeats: number): number {
  const memory = new KernelMemory()
  const kernels = loadCheckKernels(memory.memory)
  const linears = linearsOf(config)
  const head = linears.at(-1) as Linear
  const block = blockPositions(config)
  const layer = groupsOfLayer.map((members) => members.map((member) => linears[member] as Linear))
  const groups = [...Array.from({ length: config.layers }, () => layer).flat(), [head]].map((members) => {
    const [rows, columns] = [members.reduce((sum, each) => sum + each.rows, 0), (members[0] as Linear).columns]
    const every = Math.floor(2 ** 32 / accumulatorMax(columns, config.inputMax))
    return {
      rows,
      columns,
      every,
      r: memory.take(8 * rows + 32),
      u: memory.take(8 * columns),
      isHead: members[0] === head,
    }
  })
  const largest = (size: (group: (typeof groups)[number]) => number) => Math.max(...groups.map(size))
  const y = memory.take(4 * largest(({ rows, isHead }) => (isHead ? rows : rows * block)))
  const input = memory.take(2 * block * largest(({ columns }) => columns))
  const out = memory.take(16 * block)
  const taken = best(repeats, () => {
    for (const { rows, columns, every, r, u, isHead } of groups) {
      const [all, atOnce] = isHead ? [heads, 1] : [positions, block]
      for (let from = 0; from < all; from += atOnce) {
        const count = Math.min(atOnce, all - from)
        kernels.dotRows(y, 4 * rows, count, r, rows, every, out)
        kernels.dotInputs(input, count, u, columns, inputSpan(config.inputMax), out)
      }
    }
  })
  return taken / positions
}

function timedKernels(memory: WebAssembly.Memory, times: Map<string, number>): CheckKernels {
  const kernels = Object.entries(loadCheckKernels(memory)).map(([name, kernel]) => {
    const timed = (...args: number[]) => {
      const begin = performance.now()
      const result = (kernel as (...all: number[]) => number)(...args)
      times.set(name, (times.get(name) ?? 0) + performance.now() - begin)
      return result
    }
    return [name, timed] as const
  })
  return Object.fromEntries(kernels) as unknown as CheckKernels
}

function bytesOf(words: Int32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength)
}

function best(repeats: number, work: () => unknown): number {
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < repeats; i++) {
    const begin = cpuMs()
    work()
    least = Math.min(least, cpuMs() - begin)
  }
  return least
}

/** Of this process, all its threads; both sides of a quotient run on this one alone. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
