import type { Target } from '../../inference/adapter/adapter.ts'
import { targets } from '../../inference/adapter/adapter.ts'
import type { CheckOutcome, ExactJob } from '../../inference/check/check-answer.ts'
import { fieldPrime } from '../../inference/check/field.ts'
import { linearsOf, secretVectors } from '../../inference/check/secret-vectors.ts'
import { recordWords } from '../../inference/check/weightless-pass.ts'
import { wrongRow } from '../../inference/check/wrong-row.ts'
import type { CanonicalModel } from '../../inference/model.ts'
import { Oracle } from '../../inference/oracle.ts'
import { sample } from '../../inference/sampler.ts'
import type { Op, Trace, Unit } from '../../inference/trace.ts'
import { tokenListRoot } from '../../protocol/token-list.ts'
import { type AnswerOptions, answerOf } from './check-world.ts'
import { randomModel, randomNumbers } from './random-model.ts'
import { targetOffsets } from './sent-trace.ts'

/** What a checker should say of a spoilt answer. */
export type Expected =
  | { readonly kind: 'unit'; readonly slab: number; readonly op: Op; readonly position: number; readonly row: number }
  | { readonly kind: 'answer'; readonly position: number }

export type Tamper = { readonly kind: string; readonly job: ExactJob; readonly expected: Expected }
export type Campaign = {
  readonly tampers: number
  /** By kind. */
  readonly escaped: ReadonlyMap<string, number>
  readonly misplaced: readonly string[]
  readonly kinds: ReadonlyMap<string, number>
}

/** Lets a checker judge spoilt answers; a faulty linear's row is then found with the weights. */
export function runCampaign(
  model: CanonicalModel,
  check: (job: ExactJob) => CheckOutcome,
  tampers: Iterable<Tamper>,
): Campaign {
  const [escaped, kinds, misplaced] = [new Map<string, number>(), new Map<string, number>(), [] as string[]]
  let count = 0
  for (const { kind, job, expected } of tampers) {
    count++
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
    const found = placeOf(model, check(job))
    if (found === undefined) escaped.set(kind, (escaped.get(kind) ?? 0) + 1)
    else if (found !== JSON.stringify(expected)) misplaced.push(`${kind}: ${found}, not ${JSON.stringify(expected)}`)
  }
  return { tampers: count, escaped, misplaced, kinds }
}

function placeOf(model: CanonicalModel, { verdict, linear }: CheckOutcome): string | undefined {
  if (verdict.ok) return undefined
  if (verdict.kind !== 'unit')
    return JSON.stringify({ kind: verdict.kind, position: 'position' in verdict ? verdict.position : -1 })
  const { slab, op, position } = verdict
  const matrix = op === 'head' ? model.head : model.layers[slab - 1]?.[op as Target]
  const row = linear === undefined || matrix === undefined ? undefined : wrongRow(linear, matrix.weights)
  return JSON.stringify({ kind: 'unit', slab, op, position, row } satisfies Record<
    keyof Extract<Expected, { kind: 'unit' }>,
    unknown
  >)
}

/** Answers of one model and the ways to spoil them; `secret` is the seed of the checker's vectors. */
export class Saboteur {
  readonly honest: ExactJob
  readonly #model: CanonicalModel
  readonly #other: CanonicalModel
  readonly #secret: Uint8Array
  readonly #options: AnswerOptions
  readonly #random: () => number
  readonly #orthogonal = new Map<string, readonly (readonly [row: number, error: number])[][]>()

  constructor(model: CanonicalModel, secret: Uint8Array, seed: number, options: Partial<AnswerOptions> = {}) {
    this.#model = model
    this.#other = randomModel(seed + 1000, model.config)
    this.#secret = secret
    this.#random = randomNumbers(seed + 7)
    const rule = { tempQ16: 65_536, topK: 12, topPQ16: 62_000 }
    this.#options = { input: [0, 9, 17, 4], rule, maxTokens: 5, width: 4, ...options }
    this.honest = answerOf(model, this.#options)
  }

  /** Changes of sent numbers alone: what comes after was computed from the right ones. */
  *edits(count: number): Generator<Tamper> {
    const ways = Object.entries(this.#editWays())
    for (let i = 0; i < count; i++) {
      const [kind, way] = ways[i % ways.length] as (typeof ways)[number]
      const slabs = this.honest.slabs.map((slab) => Int32Array.from(words(slab)))
      way(slabs)
      const expected = this.#firstDifference(slabs)
      if (expected !== undefined) {
        yield { kind, job: { ...this.honest, slabs: slabs.map((slab) => new Uint8Array(slab.buffer)) }, expected }
      }
    }
  }

  /** Lies that the worker went on from honestly, and answers that are wrong otherwise. */
  *runs(count: number, only?: readonly string[]): Generator<Tamper> {
    const ways = Object.entries(this.#runWays()).filter(([kind]) => only?.includes(kind) ?? true)
    for (let i = 0; i < count; i++) {
      const [kind, way] = ways[i % ways.length] as (typeof ways)[number]
      const made = way()
      if (made !== undefined) yield { kind, ...made }
    }
  }

  #editWays(): Record<string, (slabs: Int32Array[]) => void> {
    const spot = () => this.#spot()
    const add = (slabs: Int32Array[], { slab, at, rows }: Spot, row: number, error: number) => {
      const values = slabs[slab] as Int32Array
      values[at + (row % rows)] = (values[at + (row % rows)] ?? 0) + error
    }
    return {
      single: (slabs) => add(slabs, spot(), this.#below(1 << 16), this.#error()),
      several: (slabs) => {
        for (let i = this.#below(8); i >= 0; i--) add(slabs, spot(), this.#below(1 << 16), this.#error())
      },
      severalOfOne: (slabs) => {
        const one = spot()
        for (let i = this.#below(8); i >= 0; i--) add(slabs, one, this.#below(1 << 16), this.#error())
      },
      zeroSum: (slabs) => {
        const [one, error] = [spot(), this.#error()]
        const row = this.#below(one.rows)
        add(slabs, one, row, error)
        add(slabs, one, row + 1 + this.#below(one.rows - 1), -error)
      },
      rowSwap: (slabs) => {
        const { slab, at, rows } = spot()
        const values = slabs[slab] as Int32Array
        const [a, b] = [at + this.#below(rows), at + this.#below(rows)]
        ;[values[a], values[b]] = [values[b] as number, values[a] as number]
      },
      /** As a matrix with two columns swapped gives it: the difference of two of its columns times any number. */
      columnSwap: (slabs) => {
        const one = spot()
        const { weights, columns } = this.#matrixOf(one)
        const [a, b, times] = [this.#below(columns), this.#below(columns), this.#below(127) + 1]
        for (let row = 0; row < one.rows; row++) {
          add(slabs, one, row, times * ((weights[row * columns + a] ?? 0) - (weights[row * columns + b] ?? 0)))
        }
      },
      tokenSwap: (slabs) => {
        const [a, b] = [spot(), this.#below(this.honest.head.positions)]
        const other = this.#at(a.slab, a.op, b)
        const values = slabs[a.slab] as Int32Array
        const mine = values.slice(a.at, a.at + a.rows)
        values.copyWithin(a.at, other, other + a.rows)
        values.set(mine, other)
      },
      alias: (slabs) => {
        const one = spot()
        const row = this.#below(one.rows)
        const value = (slabs[one.slab] as Int32Array)[one.at + row] ?? 0
        add(slabs, one, row, value > 0 ? -fieldPrime : fieldPrime)
      },
      extreme: (slabs) => {
        const one = spot()
        ;(slabs[one.slab] as Int32Array)[one.at + this.#below(one.rows)] =
          this.#below(2) === 0 ? -(2 ** 31) : 2 ** 31 - 1
      },
      zeroed: (slabs) => {
        const { slab, at, rows } = spot()
        slabs[slab]?.fill(0, at, at + rows)
      },
      orthogonal: (slabs) => {
        const one = spot()
        for (const [row, error] of this.#orthogonalTo(one, this.#below(2) as 0 | 1)) add(slabs, one, row, error)
      },
    }
  }

  #runWays(): Record<string, () => Pick<Tamper, 'job' | 'expected'> | undefined> {
    const adding = (errorsOf: (spot: Spot, values: Int32Array) => readonly (readonly [number, number])[]) => () => {
      const spot = this.#spot()
      const lie = this.#at1(spot, (values) => {
        for (const [row, error] of errorsOf(spot, values as Int32Array)) {
          ;(values as Int32Array)[row] = ((values as Int32Array)[row] ?? 0) + error
        }
      })
      return this.#judged(answerOf(this.#model, { ...this.#options, lie }))
    }
    const any = ({ rows }: Spot): readonly [number, number] => [this.#below(rows), this.#error()]
    return {
      goneOn: adding((spot) => [any(spot)]),
      goneOnZeroSum: adding((spot) => {
        const [row, error] = any(spot)
        return [
          [row, error],
          [(row + 1 + this.#below(spot.rows - 1)) % spot.rows, -error],
        ]
      }),
      goneOnOrthogonalToFirst: adding((spot) => this.#orthogonalTo(spot, 0)),
      goneOnOrthogonalToSecond: adding((spot) => this.#orthogonalTo(spot, 1)),
      goneOnAlias: adding((spot, values) => {
        const row = this.#below(spot.rows)
        return [[row, (values[row] ?? 0) > 0 ? -fieldPrime : fieldPrime]]
      }),
      derived: () => this.#judged(answerOf(this.#model, { ...this.#options, lie: this.#derivedLie() })),
      otherModel: () => {
        const input = this.#input()
        const { job, expected } = this.#judged(answerOf(this.#other, { ...this.#options, input })) ?? {}
        // The rows of the embedding are shown by proofs, so they are the model's own.
        return job && expected && { job: { ...job, rows: this.honest.rows }, expected }
      },
      teacherForced: () => {
        const input = this.#input()
        const forced = answerOf(this.#other, { ...this.#options, input }).output
        return this.#judged(answerOf(this.#model, { ...this.#options, input, forced }))
      },
      swappedToken: () => {
        const input = this.#input()
        const forced = [...answerOf(this.#model, { ...this.#options, input }).output]
        forced[this.#below(forced.length)] = 2 + this.#below(this.#model.config.vocab - 2)
        return this.#judged(answerOf(this.#model, { ...this.#options, input, forced }))
      },
      earlyStop: () => {
        const input = this.#input()
        const { output } = answerOf(this.#model, { ...this.#options, input })
        if (output.length < 2) return undefined
        const forced = output.slice(0, 1 + this.#below(output.length - 1))
        const job = answerOf(this.#model, { ...this.#options, input, forced })
        return { job, expected: { kind: 'answer', position: input.length + forced.length - 1 } }
      },
      lateStop: () => {
        const input = this.#input()
        const longer = answerOf(this.#model, { ...this.#options, input, maxTokens: 7 })
        if (longer.output.length < 7) return undefined
        const job = { ...longer, maxTokens: 5 }
        return { job, expected: { kind: 'answer', position: input.length + 4 } }
      },
      otherSeed: () => {
        const seed = Uint8Array.from({ length: 32 }, () => this.#below(256))
        return this.#judged({ ...this.honest, seed })
      },
      otherPrompt: () => {
        const promptRoot = tokenListRoot([...this.honest.input.slice(0, -1), this.#below(40)])
        const isOther = !Buffer.from(promptRoot).equals(this.honest.promptRoot)
        return isOther ? { job: { ...this.honest, promptRoot }, expected: { kind: 'answer', position: 0 } } : undefined
      },
      otherOutput: () => {
        const outputRoot = tokenListRoot([...this.honest.output, this.#below(40)])
        return { job: { ...this.honest, outputRoot }, expected: { kind: 'answer', position: this.honest.input.length } }
      },
      otherCounts: () => {
        const head = { ...this.honest.head, positions: this.honest.head.positions + 1 + this.#below(3) }
        return { job: { ...this.honest, head }, expected: { kind: 'answer', position: 0 } }
      },
    }
  }

  /** What is first wrong by the oracle: it runs the tokens, compares each linear with the one sent, and goes on from that. */
  #judged(job: ExactJob): Pick<Tamper, 'job' | 'expected'> | undefined {
    const sent = job.slabs.map(words)
    const { input, output, head } = job
    const faults: Extract<Expected, { kind: 'unit' }>[] = []
    const tokens = [...input, ...output]
    const wrong: number[] = []
    const trace: Trace = (unit, values) => {
      const at = this.#place(unit, head.tin)
      if (at === undefined) return
      const given = (sent[at.slab] as Int32Array).subarray(at.from, at.from + values.length)
      const row = Array.prototype.findIndex.call(values, (value: number, i: number) => value !== given[i])
      if (row >= 0) faults.push({ kind: 'unit', slab: at.slab + 1, op: unit.op, position: unit.position, row })
      ;(values as Int32Array).set(given)
    }
    const session = new Oracle(this.#model).start()
    for (let position = 0; position < head.positions; position++) {
      const logits = session.append([tokens[position] as number], trace, 0)
      const isSampled = position >= head.tin - 1
      if (isSampled && this.#sampled(job, logits, position) !== tokens[position + 1]) wrong.push(position + 1)
    }
    const order = (fault: (typeof faults)[number]) =>
      (fault.slab * 1000 + fault.position) * 10 + targets.indexOf(fault.op as Target)
    const [first] = faults.sort((a, b) => order(a) - order(b))
    if (first !== undefined) return { job, expected: first }
    return wrong[0] === undefined ? undefined : { job, expected: { kind: 'answer', position: wrong[0] } }
  }

  #sampled({ rule, seed }: ExactJob, logits: Int32Array, position: number): number {
    return sample(logits, rule, seed, position + 1, this.#model.expTable)
  }

  /** Where a unit's accumulators are in the slabs. */
  #place({ op, layer, position }: Unit, tin: number): { readonly slab: number; readonly from: number } | undefined {
    const { config } = this.#model
    if (op === 'head') {
      return position < tin - 1 ? undefined : { slab: config.layers, from: config.vocab * (position - tin + 1) }
    }
    if (!targets.includes(op as Target)) return undefined
    return { slab: layer, from: recordWords(config) * position + targetOffsets(config)[op as Target] }
  }

  #firstDifference(slabs: readonly Int32Array[]): Expected | undefined {
    const { config } = this.#model
    for (const [slab, values] of slabs.entries()) {
      const right = words(this.honest.slabs[slab] as Uint8Array)
      const index = values.findIndex((value, i) => value !== right[i])
      if (index < 0) continue
      if (slab === config.layers) {
        const position = this.honest.head.tin - 1 + Math.floor(index / config.vocab)
        return { kind: 'unit', slab: slab + 1, op: 'head', position, row: index % config.vocab }
      }
      const [position, offset] = [Math.floor(index / recordWords(config)), index % recordWords(config)]
      const offsets = targetOffsets(config)
      const op = targets.findLast((target) => offsets[target] <= offset) as Target
      return { kind: 'unit', slab: slab + 1, op, position, row: offset - offsets[op] }
    }
    return undefined
  }

  /** A linear of a position, all alike likely. */
  #spot(): Spot {
    const { config } = this.#model
    const { tin, positions } = this.honest.head
    const linears = linearsOf(config)
    const index = this.#below(linears.length)
    const { op, layer, rows } = linears[index] as (typeof linears)[number]
    const from = op === 'head' ? tin - 1 : 0
    const position = from + this.#below(positions - from)
    const slab = op === 'head' ? config.layers : layer
    return { index, op, layer, rows, slab, position, at: this.#at(slab, op, position) }
  }

  #at(slab: number, op: Spot['op'], position: number): number {
    const unit = {
      op,
      layer: slab,
      position: Math.max(position, op === 'head' ? this.honest.head.tin - 1 : 0),
      part: 0,
    }
    return this.#place(unit, this.honest.head.tin)?.from as number
  }

  #at1({ op, layer, position }: Spot, change: (values: ArrayLike<number>) => void): Trace {
    return (unit, values) => {
      if (unit.op === op && unit.layer === layer && unit.position === position) change(values)
    }
  }

  #derivedLie(): Trace {
    const ops: readonly Op[] = [
      ...(['embedding', 'attentionNorm', 'attentionInput', 'rotatedQuery', 'cachedKey', 'cachedValue'] as const),
      ...(['attentionMix', 'outputInput', 'attentionResidual', 'ffnNorm', 'ffnInput', 'activation'] as const),
      ...(['downInput', 'ffnResidual', 'finalNorm', 'headInput', 'logits'] as const),
    ]
    const op = ops[this.#below(ops.length)]
    const { layers } = this.#model.config
    const isOutside = op === 'embedding' || op === 'finalNorm' || op === 'headInput' || op === 'logits'
    const layer = isOutside ? 0 : this.#below(layers)
    const [position, place, error] = [this.#below(this.honest.head.positions), this.#below(1 << 16), this.#error()]
    return (unit, values) => {
      if (unit.op !== op || unit.layer !== layer || unit.position !== position) return
      const list = values as Int32Array
      const at = place % list.length
      list[at] = op.endsWith('Input') ? -(list[at] ?? 0) + 1 : (list[at] ?? 0) + error * 400
    }
  }

  /** Small errors whose product with one of the secret vectors is 0: two sums of two meet in the field. */
  #orthogonalTo(spot: Spot, which: 0 | 1): readonly (readonly [number, number])[] {
    const key = `${spot.index} ${which}`
    let found = this.#orthogonal.get(key)
    if (found === undefined) {
      found = orthogonalErrors(secretVectors(this.#secret, spot.index, spot.rows)[which])
      this.#orthogonal.set(key, found)
    }
    return found[this.#below(found.length)] ?? []
  }

  #matrixOf({ op, layer }: Spot) {
    const { head, layers } = this.#model
    return op === 'head' ? head : (layers[layer] as (typeof layers)[number])[op]
  }

  #input(): number[] {
    return [0, ...Array.from({ length: 3 }, () => 2 + this.#below(this.#model.config.vocab - 2))]
  }

  #error(): number {
    const sizes = [1, 2, 3, 100, 5000]
    return (sizes[this.#below(sizes.length)] as number) * (this.#below(2) === 0 ? 1 : -1)
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }
}

type Spot = {
  readonly index: number
  readonly op: Target | 'head'
  readonly layer: number
  readonly rows: number
  readonly slab: number
  readonly position: number
  /** Of the first accumulator in the slab. */
  readonly at: number
}

function orthogonalErrors(r: Int32Array): (readonly [number, number])[][] {
  const limit = 150
  const residue = (x: number) => ((x % fieldPrime) + fieldPrime) % fieldPrime
  const seen = new Map<number, readonly [number, number]>()
  const each = (i: number, use: (a: number, b: number, sum: number) => void) => {
    for (let a = -limit; a <= limit; a++) {
      for (let b = -limit; b <= limit; b++) use(a, b, residue(a * (r[i] ?? 0) + b * (r[i + 1] ?? 0)))
    }
  }
  each(0, (a, b, sum) => seen.set(sum, [a, b]))
  const found: (readonly [number, number])[][] = []
  for (let i = 2; i + 1 < r.length && found.length < 8; i += 2) {
    each(i, (c, d, sum) => {
      const first = seen.get(residue(-sum))
      if (first === undefined || (c === 0 && d === 0)) return
      found.push([
        [0, first[0]],
        [1, first[1]],
        [i, c],
        [i + 1, d],
      ])
    })
  }
  return found
}

function words(slab: Uint8Array): Int32Array {
  return new Int32Array(slab.buffer, slab.byteOffset, slab.length / 4)
}
