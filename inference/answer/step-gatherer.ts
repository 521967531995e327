import { setImmediate as turn } from 'node:timers/promises'
import type { Engine, Step } from '../engine.ts'
import { InferenceError } from '../inference-error.ts'

/** Runs a step of one session; resolves to its logits. */
export type StepRunner = (step: Step) => Promise<Int32Array>

type Waiting = {
  readonly step: Step
  readonly resolve: (logits: Int32Array) => void
  readonly reject: (error: unknown) => void
}

/** Positions of one pass: about where more of them at once make no position cheaper. */
const positionsMaxDefault = 64
/** Steps that wait; each session has one at most. */
const waitingMax = 1_024

/** A step by itself, when other work had its turn. */
export const runAlone: StepRunner = async ({ session, tokens, trace, headFrom }) => {
  await turn()
  return session.append(tokens, trace, headFrom)
}

/**
 * Continuous batching: steps of all answers that are under way are run together, oldest first, as many positions at once as pay.
 * An answer has one step in the queue at most, so each gets one before any gets two, and its outcome is the one it has alone.
 */
export class StepGatherer {
  readonly #engine: Pick<Engine, 'step'>
  readonly #positionsMax: number
  #waiting: Waiting[] = []
  #isRunning = false
  /** Passes run, and steps in them. */
  readonly counts = { passes: 0, steps: 0 }

  constructor(engine: Pick<Engine, 'step'>, positionsMax = positionsMaxDefault) {
    this.#engine = engine
    this.#positionsMax = positionsMax
  }

  /** Rejects with what the engine throws for this step, and {@link InferenceError} `memory` where too many wait. */
  readonly run: StepRunner = (step) =>
    new Promise((resolve, reject) => {
      if (this.#waiting.length >= waitingMax) {
        reject(new InferenceError('memory', `${waitingMax} steps wait`))
        return
      }
      this.#waiting.push({ step, resolve, reject })
      if (!this.#isRunning) void this.#work()
    })

  async #work(): Promise<void> {
    this.#isRunning = true
    while (this.#waiting.length > 0) {
      // Whoever got its logits asks for the next step before this turn.
      await turn()
      this.#pass(this.#take())
    }
    this.#isRunning = false
  }

  #take(): Waiting[] {
    let positions = 0
    const end = this.#waiting.findIndex(({ step }, i) => {
      positions += step.tokens.length
      return i > 0 && positions > this.#positionsMax
    })
    return this.#waiting.splice(0, end < 0 ? this.#waiting.length : end)
  }

  #pass(batch: readonly Waiting[]): void {
    this.counts.passes++
    this.counts.steps += batch.length
    try {
      const logits = this.#engine.step(batch.map(({ step }) => step))
      for (const [i, { resolve }] of batch.entries()) resolve(logits[i] ?? new Int32Array(0))
    } catch (error) {
      // No session has moved: the one that is refused is told so, the others go on without it.
      if (batch.length === 1) batch[0]?.reject(error)
      else for (const each of batch) this.#pass([each])
    }
  }
}
