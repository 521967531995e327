/** Why what open demands ask for was not shown, by their names: told once, not at every look. */
export class OpenFailures {
  readonly #reasons = new Map<string, string>()

  /** True where the demand did not fail so at its last try. */
  isNew(demand: string, reason: string): boolean {
    const isNew = this.#reasons.get(demand) !== reason
    this.#reasons.set(demand, reason)
    return isNew
  }

  /** Forgets demands that are not open any more. */
  keep(open: { has(demand: string): boolean }): void {
    for (const demand of this.#reasons.keys()) if (!open.has(demand)) this.#reasons.delete(demand)
  }
}
