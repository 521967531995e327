import { roundDiv } from './integer.ts'
import type { SamplingRule } from './sampling-rule.ts'
import { exp2Negative } from './tables.ts'

/** `log2(e)` in 16.16. */
const log2eQ16 = 94_548
/** Weights of candidates are relative to the best one; further off than this they are 0. */
const distanceMax = 2 ** 32 - 1
/** Two logits are less than so far apart. */
const gapEnd = 2 ** 32
/** Tokens are below 2^18. */
const tokensEnd = 2 ** 18

/** The tokens that may be chosen; docs/canonical-inference.md §8. */
export type Ranked = {
  readonly max: number
  /** By token; 0 of those without. */
  readonly weights: Float64Array
  readonly order: CandidateOrder
  /** Tokens after topK, and their weight. */
  readonly candidates: number
  readonly candidateWeight: number
  /** Key of the last candidate, and of the last after topP; weight up to the latter. */
  readonly last: number
  readonly kept: number
  readonly keptWeight: number
}

/** Without temperature the weight is 1 of each largest logit, and topK 1. */
export function rankCandidates(logits: Int32Array, rule: SamplingRule, expTable: Uint32Array): Ranked {
  let max = logits[0] as number
  for (let i = 1; i < logits.length; i++) if ((logits[i] as number) > max) max = logits[i] as number
  const weigh = weightRule(rule, expTable)
  const end = firstWithoutWeight(weigh)
  const weights = weightsOf(logits, max, end, weigh)
  const order = new CandidateOrder(logits, max, end, weights)
  const topK = rule.tempQ16 === 0 ? 1 : rule.topK
  const isCut = topK !== 0 && topK < order.size
  const candidates = isCut ? topK : order.size
  const candidateWeight = isCut ? order.weightOf(candidates) : sumOf(weights)
  const kept = order.firstAbove(neededWeight(rule, candidateWeight) - 1)
  const last = isCut ? order.at(candidates - 1) : order.last
  const keptWeight = kept.before + kept.weight
  return { max, weights, order, candidates, candidateWeight, last, kept: kept.key, keptWeight }
}

/** Weight of a logit that is `gap` below the largest; it never grows with the gap. */
type Weigh = (gap: number) => number

/** §8.1: without temperature, of the largest logits 1 each. */
function weightRule({ tempQ16 }: SamplingRule, expTable: Uint32Array): Weigh {
  if (tempQ16 === 0) return (gap) => (gap === 0 ? 1 : 0)
  return (gap) => exp2Negative(expTable, Math.min(roundDiv(gap * log2eQ16, tempQ16), distanceMax), 0)
}

/** The least gap of weight 0; at least `gapEnd` where there is none. */
function firstWithoutWeight(weigh: Weigh): number {
  let [low, high] = [0, gapEnd]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (weigh(middle) === 0) high = middle
    else low = middle + 1
  }
  return low
}

/** By token; 0 from gap `end` on. */
function weightsOf(logits: Int32Array, max: number, end: number, weigh: Weigh): Float64Array {
  const weights = new Float64Array(logits.length)
  for (let token = 0; token < logits.length; token++) {
    const gap = max - (logits[token] as number)
    if (gap < end) weights[token] = weigh(gap)
  }
  return weights
}

function sumOf(weights: Float64Array): number {
  let sum = 0
  for (let i = 0; i < weights.length; i++) sum += weights[i] as number
  return sum
}

/** `⌈topP · total / 2^16⌉`; without temperature all of it. */
function neededWeight({ tempQ16, topPQ16 }: SamplingRule, total: number): number {
  return tempQ16 === 0 ? total : Number((BigInt(topPQ16) * BigInt(total) + 65535n) >> 16n)
}

/**
 * Tokens with weight by (logit descending, token ascending), put in order as far as they are asked for: a heap of keys
 * `gap · 2^18 + token`, and those taken from it.
 */
export class CandidateOrder {
  readonly size: number
  /** Key of the last of all. */
  readonly last: number
  readonly #heap: Float64Array
  readonly #weights: Float64Array
  #left: number
  readonly #taken: number[] = []

  constructor(logits: Int32Array, max: number, end: number, weights: Float64Array) {
    const heap = new Float64Array(logits.length)
    let [size, last] = [0, 0]
    for (let token = 0; token < logits.length; token++) {
      const gap = max - (logits[token] as number)
      if (gap >= end) continue
      const key = candidateKey(gap, token)
      heap[size++] = key
      if (key > last) last = key
    }
    this.size = size
    this.last = last
    this.#heap = heap
    this.#weights = weights
    this.#left = size
    for (let i = (size >> 1) - 1; i >= 0; i--) this.#sink(i)
  }

  at(index: number): number {
    while (this.#taken.length <= index) this.#take()
    return this.#taken[index] as number
  }

  /** Of the first `count` together. */
  weightOf(count: number): number {
    let sum = 0
    for (let i = 0; i < count; i++) sum += this.#weightOf(this.at(i))
    return sum
  }

  /** The first token with which the weight exceeds `mark`, its weight and that before it. */
  firstAbove(mark: number): { readonly key: number; readonly weight: number; readonly before: number } {
    let before = 0
    for (let i = 0; i < this.size; i++) {
      const key = this.at(i)
      const weight = this.#weightOf(key)
      if (before + weight > mark) return { key, weight, before }
      before += weight
    }
    throw new Error('cumulative weight ends below its total')
  }

  #weightOf(key: number): number {
    return this.#weights[candidateOf(key).token] as number
  }

  #take(): void {
    const heap = this.#heap
    this.#taken.push(heap[0] as number)
    heap[0] = heap[--this.#left] as number
    this.#sink(0)
  }

  #sink(from: number): void {
    const heap = this.#heap
    const end = this.#left
    const key = heap[from] as number
    let at = from
    for (let child = 2 * at + 1; child < end; child = 2 * at + 1) {
      if (child + 1 < end && (heap[child + 1] as number) < (heap[child] as number)) child++
      if ((heap[child] as number) >= key) break
      heap[at] = heap[child] as number
      at = child
    }
    heap[at] = key
  }
}

/** Gap and token of a key. */
export function candidateOf(key: number): { readonly gap: number; readonly token: number } {
  return { gap: Math.floor(key / tokensEnd), token: key % tokensEnd }
}

export function candidateKey(gap: number, token: number): number {
  return gap * tokensEnd + token
}
