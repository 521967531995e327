import type { BlockNetwork } from '../blocks/block-network.ts'

/** Dials, for at most `msMax`. Throws P2pError. */
export async function dial(
  network: Pick<BlockNetwork, 'connect'>,
  address: string,
  msMax: number,
  signal: AbortSignal,
): Promise<void> {
  // By hand and not with AbortSignal.any, which on Node 20 keeps what it made for as long as `signal` lives.
  const over = new AbortController()
  const end = () => over.abort()
  const timer = setTimeout(end, msMax)
  signal.addEventListener('abort', end, { once: true })
  try {
    await network.connect(address, over.signal)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', end)
  }
}
