import type { Registry } from 'prom-client'
import type { Content } from '../../chain/ledger/content.ts'
import type { L2Rpc } from '../../chain/ledger/l2-rpc.ts'
import type { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import type { LedgerSync } from '../../chain/ledger/ledger-sync.ts'
import type { Sender } from '../../chain/ledger/sender.ts'
import type { Clock } from '../../common/clock.ts'
import type { Log } from '../../common/log.ts'
import type { HeardHeartbeats } from '../../p2p/workers/heard-heartbeats.ts'

export type AttributorOptions = {
  /** Least time between two epochs, seconds. */
  readonly epochIntervalSeconds: bigint
  /** wei of unclaimed credit in a final epoch from which a payee is paid out unasked; 0: nobody is. */
  readonly claimThreshold: bigint
  /** wei of gas fees in the vaults from which they are disbursed unasked; 0: never. */
  readonly disburseMinimum: bigint
  /** Least time between two disbursements, seconds. */
  readonly disburseIntervalSeconds: bigint
  readonly pollMs: number
}

export const attributorDefaults: AttributorOptions = {
  epochIntervalSeconds: 3_600n,
  claimThreshold: 10n ** 16n,
  disburseMinimum: 10n ** 19n,
  disburseIntervalSeconds: 86_400n,
  pollMs: 1_000,
}

export type AttributorParts = {
  readonly rpc: L2Rpc
  readonly book: LedgerBook
  readonly sync: Pick<LedgerSync, 'isCurrent'>
  readonly content: Content
  readonly sender: Pick<Sender, 'address' | 'send' | 'balance'>
  readonly clock: Clock
  readonly log: Log
  readonly registry: Registry
  /** What the node hears of workers; absent where it is not in their network. */
  readonly heard?: HeardHeartbeats | undefined
}
