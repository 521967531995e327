import type { Clock } from '../../common/clock.ts'
import type { ContentState } from '../store/schema.ts'
import type { Row, Store } from '../store/store.ts'

/** Rows written in one transaction: a file may have a million, and blocks and queries want their turn. */
const sliceRows = 2000

type Parts = { readonly store: Store; readonly clock: Clock }

/** What a data file belongs to: a batch, or a proposal of an epoch, in the block that it stands in. */
export type FileParent = {
  readonly kind: 'batch' | 'epoch'
  readonly row: Row
  readonly blockHash: string
}

/** Undefined where a reorg took it away. */
export function fileParent(store: Store, kind: FileParent['kind'], key: number): FileParent | undefined {
  const row = store.state(kind === 'epoch' ? 'epoch' : 'receipt_batch', key)
  const blockHash = store.blockHash(Number(row?.['block'] ?? -1))
  return row === undefined || blockHash === undefined ? undefined : { kind, row, blockHash }
}

/**
 * Writes a file's rows in slices; `next` writes some and says how many, 0 where none are left. Starts over after a stop in
 * the middle; ends where a reorg takes the parent away. Then the file is present.
 */
export async function expandFile(
  parent: FileParent,
  next: () => number,
  { store, clock }: Parts,
  signal: AbortSignal,
): Promise<void> {
  const key = Number(parent.row['key'])
  for (let isDone = false; !isDone && !signal.aborted; ) {
    const isThere = store.transaction(() => {
      if (fileParent(store, parent.kind, key)?.blockHash !== parent.blockHash) return false
      for (let written = 0; written < sliceRows && !isDone; ) {
        const count = next()
        written += count
        isDone = count === 0
      }
      if (isDone) setFileState(store, parent.kind, key, 'present', null)
      return true
    })
    if (!isThere) return
    if (!isDone) await clock.sleep(0, signal)
  }
}

export function setFileState(
  store: Store,
  kind: FileParent['kind'],
  key: number,
  state: ContentState,
  problem: string | null,
): void {
  store.run('update ledger_file set state = ?, problem = ? where kind = ? and key = ?', state, problem, kind, key)
}
