import type { Row, Value } from '../../store/store.ts'
import type { SyncEvent } from '../../sync/sync.ts'
import type { QueryContext } from '../context.ts'
import { entity } from '../rows.ts'

/** What is pushed as the index changes. */
export const Subscription = {
  chain: {
    subscribe: (_: unknown, __: unknown, { events, store }: QueryContext) =>
      events.subscribe((event) => [{ chain: chainEvent(event, store) }]),
  },
  attributionLabels: rowsOf('attributionLabels', 'select * from label where block = ? order by id'),
  batches: rowsOf('batches', 'select * from receipt_batch where ? in (block, settled_block) order by key'),
  epochs: rowsOf('epochs', 'select * from epoch where ? in (block, final_block, gone_block) order by key'),
  claims: rowsOf('claims', 'select * from claim where block = ? and payee = ifnull(?, payee) order by idx', 'payee'),
  disputes: rowsOf('disputes', 'select * from dispute where block = ? order by idx'),
}

/** Pushes the rows of each new block; `sql` takes its number, and where one is named an argument of the field. */
function rowsOf(field: string, sql: string, argument?: string) {
  return {
    subscribe: (_: unknown, args: Readonly<Record<string, Value | undefined>>, { events, store }: QueryContext) =>
      events.subscribe((event): readonly Record<string, { readonly row: Row }>[] => {
        // Of a block that is gone again there is nothing to tell.
        if (event.kind === 'reorg' || store.blockHash(event.number) !== event.hash) return []
        const values = argument === undefined ? [event.number] : [event.number, args[argument] ?? null]
        return store.all(sql, ...values).map((row) => ({ [field]: { row } }))
      }),
  }
}

function chainEvent(event: SyncEvent, store: QueryContext['store']) {
  if (event.kind === 'reorg') return { kind: 'reorg', number: event.to, from: event.from, block: null }
  const block = entity(store.get('select * from block where hash = ?', event.hash))
  return { kind: 'block', number: event.number, from: null, block }
}
