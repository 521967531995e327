import type { ContentStore } from '../../common/content-store.ts'
import type { Store } from '../store/store.ts'
import type { SyncState } from '../sync/sync.ts'
import type { IndexEvents } from './events.ts'

/** What resolvers read. */
export type QueryContext = {
  readonly store: Store
  readonly content: ContentStore | undefined
  readonly chainId: bigint
  readonly syncState: () => SyncState
  readonly events: IndexEvents
}
