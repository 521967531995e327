import type { ExplainThread } from '../../attribution/explain/explain-thread.ts'
import type { ContentStore } from '../../common/content-store.ts'
import type { GovernanceParameters } from '../../protocol/governance-parameters.ts'
import type { PayoutTrees } from '../content/payout-trees.ts'
import type { Store } from '../store/store.ts'
import type { EscrowState } from '../sync/escrow-watch.ts'
import type { SyncState } from '../sync/sync.ts'
import type { IndexEvents } from './events.ts'
import type { Loaders } from './loaders.ts'

/** Explains answers by the indexes, models and tables of influences that the operator keeps. */
export type WordsAtHand = Pick<ExplainThread, 'contributions' | 'explain'>

/** What the server reads from. */
export type QuerySources = {
  readonly store: Store
  readonly content: ContentStore | undefined
  /** What claims are proven with; absent where there is no content store. */
  readonly payouts: PayoutTrees | undefined
  readonly chainId: () => bigint
  readonly syncState: () => SyncState
  readonly escrowStates: () => readonly EscrowState[]
  /** Of Governor and Timelock, as last read; undefined where there are none. */
  readonly governance: () => GovernanceParameters | undefined
  readonly events: IndexEvents
  /** What words of answers are looked up in. */
  readonly words: WordsAtHand
}

/** What the resolvers of one request read. */
export type QueryContext = QuerySources & {
  readonly loaders: Loaders
  /** Bytes of texts that the request may still read. */
  readonly text: { bytesLeft: number }
  /** Receipts whose answers the request may still have looked up. */
  readonly spans: { receiptsLeft: number }
}
