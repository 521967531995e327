import type { Clock } from '../../common/clock.ts'
import type { Log } from '../../common/log.ts'

/** A state that lasts is told again after this time. */
const againMs = 10 * 60_000
/** Subjects that are remembered. */
const subjectsMax = 1_000

/** Warnings about states that last: told when they begin or change, and every ten minutes, instead of at every look. */
export class Notices {
  readonly #parts: { readonly clock: Clock; readonly log: Log }
  readonly #told = new Map<string, { readonly text: string; readonly atMs: number }>()

  constructor(parts: { readonly clock: Clock; readonly log: Log }) {
    this.#parts = parts
  }

  warn(message: string, fields: Readonly<Record<string, unknown>>): void {
    const { clock, log } = this.#parts
    const text = Object.values(fields).map(String).join(' ')
    const last = this.#told.get(message)
    const nowMs = clock.nowMs()
    if (last?.text === text && nowMs - last.atMs < againMs) return
    if (this.#told.size >= subjectsMax) this.#told.clear()
    this.#told.set(message, { text, atMs: nowMs })
    log.warn(message, fields)
  }
}
