/** Counts one more of a kind. */
export function tally(counts: Map<string, number>, kind: string): void {
  counts.set(kind, (counts.get(kind) ?? 0) + 1)
}

/** A line for each kind, the most frequent first. */
export function tableOf(counts: ReadonlyMap<string, number>): string {
  const rows = [...counts].sort(([, a], [, b]) => b - a)
  return rows.map(([kind, count]) => `${String(count).padStart(8)}  ${kind}`).join('\n')
}
