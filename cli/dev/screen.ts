/** Time between two lines where the output is no terminal. */
const plainMs = 10_000

/** One line that is replaced in place on a terminal, or written now and then elsewhere. */
export class StatusScreen {
  readonly #print: (line: string) => void
  #lastMs = 0

  constructor(print: (line: string) => void) {
    this.#print = print
  }

  show(line: string): void {
    if (process.stdout.isTTY) {
      process.stdout.write(`\r\u001b[2K${line.slice(0, (process.stdout.columns ?? 120) - 1)}`)
      return
    }
    const now = Date.now()
    if (now - this.#lastMs < plainMs) return
    this.#lastMs = now
    this.#print(line)
  }

  /** A line that stays, above the status. */
  write(line: string): void {
    if (process.stdout.isTTY) process.stdout.write('\r\u001b[2K')
    this.#print(line)
  }

  end(): void {
    if (process.stdout.isTTY) process.stdout.write('\n')
  }
}
