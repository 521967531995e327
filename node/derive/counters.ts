/** Data that derivation dropped, by reason; the node publishes them as metrics. */
export type DeriveCounters = { readonly count: (what: DroppedData) => void }

export type DroppedData =
  | 'batcher_datum'
  | 'blob'
  | 'frame'
  | 'channel'
  | 'batch'
  | 'span_batch_invalid'
  | 'system_config_update'

export const noCounters: DeriveCounters = { count: () => {} }
