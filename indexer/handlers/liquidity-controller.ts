import type { Row } from '../store/store.ts'
import { amountIn, contractHandlers, type EventContext, noChange } from './event.ts'

/** Index of the LiquidityController's events: OPEN that it let out into circulation and took back. */
export const liquidityController = contractHandlers({
  'LiquidityMinted(address,address,uint256)': (event, context) =>
    move(context, event.index, event.uint(0), {
      kind: 'mint',
      minter: event.topicAddress(1),
      account: event.topicAddress(2),
    }),
  'LiquidityBurned(address,uint256)': (event, context) =>
    move(context, event.index, event.uint(0), { kind: 'burn', minter: event.topicAddress(1), account: null }),
  'MinterAuthorized(address)': noChange,
  'MinterDeauthorized(address)': noChange,
  'Initialized(uint64)': noChange,
})

function move({ block, tx, writer }: EventContext, idx: number, amount: bigint, columns: Row): void {
  writer.insert('liquidity_move', { block, idx, ...columns, amount: String(amount), tx_hash: tx.hash })
  const before = writer.state('liquidity', 'open')
  const [minted, burned] = [amountIn(before, 'minted'), amountIn(before, 'burned')]
  writer.set('liquidity', 'open', {
    minted: String(columns['kind'] === 'mint' ? minted + amount : minted),
    burned: String(columns['kind'] === 'burn' ? burned + amount : burned),
  })
}
