import { type ChannelTx, type ClosedChannel, channelTxs } from './closed-channel.ts'

type TxState =
  | { readonly kind: 'unsent' }
  | { readonly kind: 'sending' }
  | { readonly kind: 'mined'; readonly l1Block: bigint }

/** A closed channel on its way to L1: which of its transactions are there. */
export class PostedChannel {
  readonly channel: ClosedChannel
  readonly txs: readonly ChannelTx[]
  readonly #states: TxState[]

  constructor(channel: ClosedChannel, blobsPerTx: number) {
    this.channel = channel
    this.txs = channelTxs(channel, blobsPerTx)
    this.#states = this.txs.map(() => ({ kind: 'unsent' }))
  }

  state(index: number): TxState {
    return this.#states[index] ?? { kind: 'unsent' }
  }

  set(index: number, state: TxState): void {
    this.#states[index] = state
  }

  /** Index of the first transaction that is still to be sent; undefined: none. */
  nextUnsent(): number | undefined {
    const index = this.#states.findIndex((state) => state.kind === 'unsent')
    return index === -1 ? undefined : index
  }

  get inFlight(): number {
    return this.#states.filter((state) => state.kind === 'sending').length
  }

  get isMined(): boolean {
    return this.#states.every((state) => state.kind === 'mined')
  }

  /** First and last L1 block with a transaction of the channel; undefined: none is mined. */
  get inclusion(): { readonly first: bigint; readonly last: bigint } | undefined {
    const blocks = this.#states.flatMap((state) => (state.kind === 'mined' ? [state.l1Block] : []))
    const [head, ...rest] = blocks
    if (head === undefined) return undefined
    return rest.reduce(
      ({ first, last }, block) => ({ first: block < first ? block : first, last: block > last ? block : last }),
      { first: head, last: head },
    )
  }
}
