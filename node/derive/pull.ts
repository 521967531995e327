/**
 * What a stage answers when asked for its next item: the item; `retry`: nothing this time, ask again
 * (op-node: NotEnoughData); `end`: nothing before the next L1 block (op-node: io.EOF).
 */
export type Pull<T> =
  | { readonly kind: 'item'; readonly item: T }
  | { readonly kind: 'retry' }
  | { readonly kind: 'end' }

export const retry = { kind: 'retry' } as const
export const end = { kind: 'end' } as const
export const item = <T>(value: T): Pull<T> => ({ kind: 'item', item: value })
