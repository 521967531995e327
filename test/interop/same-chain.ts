import { expect } from 'vitest'
import type { InteropNet } from './net.ts'
import { blockHashes, type Peer, statusOf, until } from './rollup-status.ts'
import { deposit, included, type Traffic } from './traffic.ts'

/**
 * `rounds` of transactions and deposits; then, at a safe block of the sequencer that is newer than all of them, every
 * follower's chain is the sequencer's from genesis on and has the transactions.
 */
export async function expectSameChain(
  { net, traffic, sequencer }: { readonly net: InteropNet; readonly traffic: Traffic; readonly sequencer: Peer },
  followers: readonly Peer[],
  rounds: number,
): Promise<void> {
  const sent: `0x${string}`[] = []
  for (let round = 0; round < rounds; round++) {
    sent.push(...(await traffic.send()))
    await deposit(net, `0x${'d'.repeat(39)}${round % 10}`, '0x1234')
    await new Promise((done) => setTimeout(done, 500))
  }
  await expect.poll(() => included(sequencer, sent), { timeout: 60_000, interval: 200 }).toBe(sent.length)
  const { unsafe_l2 } = await statusOf(sequencer)
  const safe = await until(sequencer, ({ safe_l2 }) => safe_l2.number > unsafe_l2.number, 'its blocks are safe')
  const upTo = safe.safe_l2.number
  const expected = await blockHashes(sequencer, 0, upTo)
  for (const follower of followers) {
    await until(follower, ({ safe_l2 }) => safe_l2.number >= upTo, 'follows')
    expect(await blockHashes(follower, 0, upTo)).toEqual(expected)
    expect(await included(follower, sent)).toBe(sent.length)
  }
}
