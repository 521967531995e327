import type { L1BlockRef, L2BlockRef } from '../../protocol/block-ref.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { PayloadAttributes } from '../../protocol/engine-api.ts'
import type { SystemConfig } from '../../protocol/system-config.ts'

/** The next block as L1 says it. */
export type Derived = {
  readonly attributes: PayloadAttributes
  readonly parent: L2BlockRef
  /** The last block of its span batch; from Holocene always true. */
  readonly isLastInSpan: boolean
  /** The L1 block that completed the data. */
  readonly derivedFrom: L1BlockRef
}

/** Derivation as the driver steps it; `DerivationPipeline` is one. */
export type Pipeline = {
  readonly origin: L1BlockRef | undefined
  readonly reset: (base: L1BlockRef, safeHead: L2BlockRef, systemConfig: SystemConfig) => void
  readonly step: (
    safeHead: L2BlockRef,
  ) => Promise<
    | { readonly kind: 'attributes'; readonly derived: Derived }
    | { readonly kind: 'progress' }
    | { readonly kind: 'idle' }
  >
  /** Discards the channel and span being read (Holocene). */
  readonly flushChannel: () => void
}

/** L1 as the driver reads it. `blockRefByNumber` answers undefined above the (possibly delayed) head. */
export type DriverL1 = {
  readonly blockRefByNumber: (number: bigint) => Promise<L1BlockRef | undefined>
  readonly blockInfoByHash: (hash: Hex) => Promise<L1BlockRef>
}
