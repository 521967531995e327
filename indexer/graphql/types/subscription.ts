import type { SyncEvent } from '../../sync/sync.ts'
import type { QueryContext } from '../context.ts'
import { entity } from '../rows.ts'

/** What is pushed as the index changes. */
export const Subscription = {
  chain: {
    subscribe: (_: unknown, __: unknown, { events, store }: QueryContext) =>
      events.subscribe((event) => [{ chain: chainEvent(event, store) }]),
  },
  attributionLabels: {
    subscribe: (_: unknown, __: unknown, { events, store }: QueryContext) =>
      events.subscribe((event) => {
        if (event.kind === 'reorg') return []
        const sql =
          'select label.* from label join block on block.number = label.block where block.hash = ? order by id'
        return store.all(sql, event.hash).map((row) => ({ attributionLabels: { row } }))
      }),
  },
}

function chainEvent(event: SyncEvent, store: QueryContext['store']) {
  if (event.kind === 'reorg') return { kind: 'reorg', number: event.to, from: event.from, block: null }
  const block = entity(store.get('select * from block where hash = ?', event.hash))
  return { kind: 'block', number: event.number, from: null, block }
}
