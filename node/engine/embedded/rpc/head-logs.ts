import type { HeadEvent, StoredBlock } from '../chain-view.ts'

/** Logs a head change adds and takes back: those of reverted blocks come first, newest block first, `removed` set. */
export function headLogs(
  { reverted, added }: HeadEvent,
  logsOf: (block: StoredBlock) => readonly Record<string, unknown>[],
): Record<string, unknown>[] {
  const newestFirst = [...reverted].sort((a, b) => (a.header.number < b.header.number ? 1 : -1))
  const gone = newestFirst.flatMap((block) => logsOf(block).map((log) => ({ ...log, removed: true })))
  return [...gone, ...added.flatMap(logsOf)]
}
