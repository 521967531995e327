import { randomBytes } from 'node:crypto'
import type { Stream } from '@libp2p/interface'
import type { Clock } from '../../../common/clock.ts'
import { bytesToHex, concatBytes, FormatError, type Hex, hexToBytes } from '../../../protocol/bytes.ts'
import type { RateLimit } from '../../token-bucket.ts'
import { type FrameStream, withFrames } from '../frame-stream.ts'
import { asking, type Place, Turnstile } from '../turnstile.ts'
import { Container } from '../wire/container.ts'
import { WorkersError } from '../workers-error.ts'
import {
  commitment,
  drawRows,
  type HardwareChallenge,
  holdsUp,
  openedRows,
  rowHash,
  type Size,
  scoreOf,
  sizes,
} from './hardware-challenge.ts'

/** The worker has computed and opened by then. */
export const challengeMsMax = 60_000
/** A worker is challenged rarely, and by one at a time. */
const challengeRate: RateLimit = { perSecond: 1 / 60, burst: 3 }

const challengeFields = new Container([
  ['seed', 'bytes32'],
  ['size', 'uint32'],
] as const)
const hashBytes = 32

/** Challenges a worker: multiply-adds a second, as seen from here. Throws WorkersError, `lied` for a false product. */
export async function challenge(
  stream: Stream,
  { size, clock, signal }: { readonly size: Size; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<{ readonly score: bigint; readonly seed: Hex }> {
  return await withFrames(stream, { msMax: challengeMsMax, signal }, async (frames) => {
    const asked: HardwareChallenge = { seed: bytesToHex(randomBytes(32)), size }
    const startMs = clock.nowMs()
    await frames.send(challengeFields.encode(asked))
    const committed = bytesToHex(await expect(frames, hashBytes))
    const score = scoreOf(asked, clock.nowMs() - startMs)
    const rows = drawRows(size)
    await frames.send(Uint8Array.from(rows.flatMap((row) => [row & 0xff, row >> 8])))
    const list = await expect(frames, hashBytes * size)
    const hashes = Array.from({ length: size }, (_, i) => list.subarray(hashBytes * i, hashBytes * (i + 1)))
    const opened = []
    for (const index of rows) opened.push({ index, row: readRow(await expect(frames, 4 * size)) })
    if (!holdsUp(asked, committed, hashes, rows, opened)) throw new WorkersError('lied', 'the product is false')
    return { score, seed: asked.seed }
  })
}

/** Answers challenges with the worker's own means. */
export class ChallengeServer {
  readonly #clock: Clock
  readonly #multiply: (challenge: HardwareChallenge) => Promise<Int32Array>
  readonly #gate = new Turnstile({ perPeerMax: 1, totalMax: 1, rate: challengeRate })

  constructor(parts: {
    readonly clock: Clock
    readonly multiply: (challenge: HardwareChallenge) => Promise<Int32Array>
  }) {
    this.#clock = parts.clock
    this.#multiply = parts.multiply
  }

  async serve(stream: Stream, peerId: string, signal: AbortSignal): Promise<void> {
    const place = this.#gate.enter(peerId, this.#clock.nowMs())
    if (typeof place === 'string') return stream.abort(new WorkersError('slow', 'challenged too often'))
    try {
      await withFrames(stream, { msMax: challengeMsMax, signal }, (frames) => this.#answer(frames, place))
    } finally {
      place.leave()
    }
  }

  async #answer(frames: FrameStream, place: Place): Promise<void> {
    const asked = await asking(place, frames, () => expect(frames, challengeFields.byteLength))
    const { seed, size } = challengeFields.decode(asked)
    const known = sizes.find((each) => each === size)
    if (known === undefined) throw new FormatError(`a product of size ${size}`)
    const result = await this.#multiply({ seed, size: known })
    const hashes = Array.from({ length: size }, (_, i) => rowHash(i, result.subarray(i * size, (i + 1) * size)))
    await frames.send(hexToBytes(commitment({ seed, size: known }, hashes)))
    const drawn = await expect(frames, 2 * openedRows)
    await frames.send(concatBytes(...hashes))
    for (let i = 0; i < drawn.length; i += 2) {
      const index = (drawn[i] ?? 0) + 256 * (drawn[i + 1] ?? 0)
      if (index >= size) throw new FormatError(`row ${index} of ${size}`)
      await frames.send(writeRow(result.subarray(index * size, (index + 1) * size)))
    }
  }
}

function readRow(bytes: Uint8Array): Int32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return Int32Array.from({ length: bytes.length / 4 }, (_, i) => view.getInt32(4 * i, true))
}

function writeRow(row: Int32Array): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * row.length))
  for (const [i, value] of row.entries()) view.setInt32(4 * i, value, true)
  return new Uint8Array(view.buffer)
}

async function expect(frames: FrameStream, length: number): Promise<Uint8Array> {
  const bytes = await frames.receive(length)
  if (bytes?.length === length) return bytes
  throw new WorkersError('protocol', `${bytes?.length ?? 0} bytes where ${length} belong`)
}
