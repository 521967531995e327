/** One figure. `gas` is null where what it measures does not exist yet; `note` says how it was taken, or why not. */
export type GasFigure = {
  readonly field: string
  readonly gas: number | null
  readonly limit?: number
  readonly note: string
}

/** Rows of docs/GAS.md. */
export function gasTable(figures: readonly GasFigure[]): string {
  const number = (value: number | null | undefined) => (value == null ? '' : value.toLocaleString('en'))
  const rows = figures.map(
    ({ field, gas, limit, note }) => `| \`${field}\` | ${number(gas)} | ${number(limit)} | ${note} |`,
  )
  return ['| figure | gas | at most | what |', '|---|---|---|---|', ...rows, ''].join('\n')
}
