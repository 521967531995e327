import type { Stream } from '@libp2p/interface'
import { concatBytes } from '../../protocol/bytes.ts'
import { WorkersError } from './workers-error.ts'

const lengthBytes = 4

/**
 * A stream as frames, `length u32 ‖ bytes`, in both directions at once. `send` resolves when the stream took the frame: who
 * reads slowly holds up who writes. Any failure aborts the stream.
 */
export class FrameStream {
  readonly #stream: Stream
  readonly #source: AsyncIterator<Uint8Array>
  readonly #outgoing: { readonly bytes: Uint8Array; readonly done: () => void }[] = []
  readonly #closed = new AbortController()
  readonly #sinking: Promise<void>
  #wake: (() => void) | undefined
  #ended = false
  #rest: Uint8Array = new Uint8Array(0)

  constructor(stream: Stream) {
    this.#stream = stream
    this.#source = parts(stream)[Symbol.asyncIterator]()
    this.#sinking = stream.sink(this.#frames()).catch((error: unknown) => this.abort(asError(error)))
  }

  /** Throws WorkersError `protocol` where the stream is gone. */
  async send(bytes: Uint8Array): Promise<void> {
    const { signal } = this.#closed
    const head = new Uint8Array(lengthBytes)
    new DataView(head.buffer).setUint32(0, bytes.length)
    await new Promise<void>((resolve, reject) => {
      const fail = () => reject(gone(signal.reason))
      if (signal.aborted) return fail()
      signal.addEventListener('abort', fail, { once: true })
      const done = () => {
        signal.removeEventListener('abort', fail)
        resolve()
      }
      this.#outgoing.push({ bytes: concatBytes(head, bytes), done })
      this.#wake?.()
    })
  }

  /** The next frame; undefined at the end. Throws WorkersError `too-large` and `protocol`. */
  async receive(bytesMax: number): Promise<Uint8Array | undefined> {
    const head = await this.#take(lengthBytes, true)
    if (head === undefined) return undefined
    const length = new DataView(head.buffer, head.byteOffset).getUint32(0)
    if (length > bytesMax) {
      const error = new WorkersError('too-large', `a frame of ${length} bytes where ${bytesMax} are allowed`)
      this.abort(error)
      throw error
    }
    return (await this.#take(length, false)) ?? new Uint8Array(0)
  }

  /** Aborts when the stream is given up, by either side. */
  get signal(): AbortSignal {
    return this.#closed.signal
  }

  /** Nothing more from us; what was sent still goes out. */
  async end(): Promise<void> {
    this.#ended = true
    this.#wake?.()
    await this.#sinking
  }

  /** Ends both directions at once. */
  abort(error: Error): void {
    if (this.#closed.signal.aborted) return
    this.#closed.abort(error)
    this.#wake?.()
    this.#stream.abort(error)
  }

  async *#frames(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const next = this.#outgoing.shift()
      if (next !== undefined) {
        yield next.bytes
        // The stream asks for more when it has taken this.
        next.done()
      } else if (this.#ended || this.#closed.signal.aborted) return
      else await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  async #take(count: number, mayEnd: boolean): Promise<Uint8Array | undefined> {
    const held = new Gathered(this.#rest)
    while (held.length < count) {
      const { value, done } = await this.#next()
      if (done === true) {
        if (mayEnd && held.length === 0) return undefined
        throw new WorkersError('protocol', `the stream ends after ${held.length} of ${count} bytes`)
      }
      held.add(value)
    }
    this.#rest = held.bytes.subarray(count)
    return held.bytes.subarray(0, count)
  }

  async #next(): Promise<IteratorResult<Uint8Array>> {
    try {
      return await this.#source.next()
    } catch (cause) {
      throw gone(this.#closed.signal.reason ?? cause)
    }
  }
}

/** Parts in one buffer: who sends a frame byte by byte takes no more memory than who sends it whole. */
class Gathered {
  #buffer: Uint8Array
  #length: number

  constructor(first: Uint8Array) {
    this.#buffer = first
    this.#length = first.length
  }

  get length(): number {
    return this.#length
  }

  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length)
  }

  add(part: Uint8Array): void {
    const end = this.#length + part.length
    if (end > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(end, 2 * this.#buffer.length))
      larger.set(this.bytes)
      this.#buffer = larger
    }
    this.#buffer.set(part, this.#length)
    this.#length = end
  }
}

async function* parts(stream: Stream): AsyncGenerator<Uint8Array> {
  for await (const part of stream.source) yield part.subarray()
}

function gone(reason: unknown): WorkersError {
  if (reason instanceof WorkersError) return reason
  return new WorkersError('protocol', 'the stream is gone', { cause: reason })
}

const asError = (error: unknown) => (error instanceof Error ? error : new Error(String(error)))

/**
 * Does `work` on a stream within `msMax`, and ends the stream. Who waits on it when the time is over gets WorkersError
 * `slow`, when `signal` aborts `cancelled`.
 */
export async function withFrames<T>(
  stream: Stream,
  { msMax, signal }: { readonly msMax: number; readonly signal: AbortSignal },
  work: (frames: FrameStream) => Promise<T>,
): Promise<T> {
  const frames = new FrameStream(stream)
  const timer = setTimeout(() => frames.abort(new WorkersError('slow', `not done within ${msMax} ms`)), msMax)
  const cancel = () => frames.abort(new WorkersError('cancelled', 'given up'))
  signal.addEventListener('abort', cancel, { once: true })
  if (signal.aborted) cancel()
  try {
    const result = await work(frames)
    await frames.end()
    await stream.close({ signal: AbortSignal.timeout(closeMsMax) }).catch(() => stream.abort(new Error('not closed')))
    return result
  } catch (error) {
    frames.abort(asError(error))
    throw error
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', cancel)
  }
}

/** The other end has nothing more to say by then. */
const closeMsMax = 5_000

/** One step of an exchange: where it is not done within `msMax` the stream is given up, with WorkersError `slow`. */
export async function inTime<T>(
  frames: FrameStream,
  { msMax, what }: { readonly msMax: number; readonly what: string },
  step: () => Promise<T>,
): Promise<T> {
  const timer = setTimeout(() => frames.abort(new WorkersError('slow', what)), msMax)
  try {
    return await step()
  } finally {
    clearTimeout(timer)
  }
}
