import type { Stream } from '@libp2p/interface'
import { concatBytes } from '../protocol/bytes.ts'
import { P2pError } from './p2p-error.ts'

/** The first `count` bytes of a stream. Throws P2pError `request` where it ends before. */
export async function readExactly(stream: Stream, count: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of stream.source) {
    parts.push(part.slice())
    length += part.length
    if (length >= count) return concatBytes(...parts).subarray(0, count)
  }
  throw new P2pError('request', `the peer sent ${length} bytes where ${count} belong`)
}

/** A stream to its end. Throws P2pError `request` beyond `bytesMax`. */
export async function readToEnd(stream: Stream, bytesMax: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of stream.source) {
    length += part.length
    if (length > bytesMax) throw new P2pError('request', `the peer sends more than ${bytesMax} bytes`)
    parts.push(part.slice())
  }
  return concatBytes(...parts)
}

/**
 * Does `work` on a stream and closes it; aborts it where the work fails, is aborted or takes longer than `msMax`. A
 * stream that is aborted ends all waiting on it.
 */
export async function withStream<T>(
  stream: Stream,
  { msMax, signal }: { readonly msMax: number; readonly signal?: AbortSignal | undefined },
  work: (stream: Stream) => Promise<T>,
): Promise<T> {
  const timeout = AbortSignal.timeout(msMax)
  const stop = signal === undefined ? timeout : AbortSignal.any([timeout, signal])
  const abort = () => stream.abort(new P2pError('request', `no progress within ${msMax} ms`))
  stop.addEventListener('abort', abort, { once: true })
  try {
    stop.throwIfAborted()
    const result = await work(stream)
    stop.throwIfAborted()
    await stream.close({ signal: stop })
    return result
  } catch (error) {
    stream.abort(error instanceof Error ? error : new Error(String(error)))
    throw error
  } finally {
    stop.removeEventListener('abort', abort)
  }
}
