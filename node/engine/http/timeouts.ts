/**
 * Milliseconds to wait for an answer. The Engine API says how long a client must wait at least (8 s, 8 s, 1 s, 1 s);
 * these are twice that, so that an engine on a busy machine is not asked to do its work again.
 * Source: ethereum/execution-apis, `engine/paris.md` to `engine/prague.md`, "timeout".
 */
const engineTimeoutsMs = {
  engine_newPayload: 16_000,
  engine_forkchoiceUpdated: 16_000,
  engine_getPayload: 2_000,
  engine_exchangeCapabilities: 2_000,
} as const

/** For `eth_*`: a block with thousands of transactions may have to be read from disk. */
export const readTimeoutMs = 10_000

/** By the method's name without its version. */
export function timeoutMsOf(method: string): number {
  const name = method.replace(/V[0-9]+$/, '')
  return Object.entries(engineTimeoutsMs).find(([known]) => known === name)?.[1] ?? readTimeoutMs
}
