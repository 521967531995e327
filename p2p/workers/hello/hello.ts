import { randomBytes } from 'node:crypto'
import type { PeerId, Stream } from '@libp2p/interface'
import { bytesToHex, FormatError, type Hex } from '../../../protocol/bytes.ts'
import { signCompact } from '../../../protocol/compact-signature.ts'
import { type FrameStream, withFrames } from '../frame-stream.ts'
import { WorkersError } from '../workers-error.ts'
import type { Admission } from './admission.ts'
import {
  challengeDigest,
  decodeHello,
  encodeHello,
  type Hello,
  type HelloStatus,
  helloBytes,
  helloStatuses,
  isSignedByHost,
  proofBytes,
  type Role,
} from './hello-wire.ts'

/** Both sides have said who they are by then. */
export const exchangeMsMax = 10_000

type Parts = {
  readonly chainId: bigint
  readonly role: Role
  readonly self: () => PeerId
  /** Of the host. */
  readonly privateKey: Uint8Array
  /** Our binding as it is now; undefined for a client. */
  readonly binding: () => Uint8Array | undefined
  readonly admission: Pick<Admission, 'admit'>
}

/**
 * Who is who, in four frames: hello of the dialler, hello of the listener with its proof, proof of the dialler, status. A
 * proof is a signature of the host's key over the other's fresh challenge, so a hello cannot be replayed. docs/WORKER-NETWORK.md §4.
 */
export class HelloExchange {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** As the dialler. The status of both: what we think of the peer, and the peer of us. Throws WorkersError. */
  async greet(stream: Stream, peer: PeerId, signal: AbortSignal): Promise<{ theirs: HelloStatus; ours: HelloStatus }> {
    return await withFrames(stream, { msMax: exchangeMsMax, signal }, async (frames) => {
      const challenge = freshChallenge()
      await frames.send(this.#hello(challenge))
      const hello = readHello(await expect(frames, helloBytes))
      const theirs = this.#admit(peer, challenge, hello, await expect(frames, proofBytes))
      await frames.send(this.#prove(peer, hello.challenge))
      const [status = 255] = await expect(frames, 1)
      const ours = helloStatuses[status]
      if (ours === undefined) throw new WorkersError('hello', `status ${status} of a hello`)
      return { theirs, ours }
    })
  }

  /** As the listener. Throws WorkersError. */
  async answer(stream: Stream, peer: PeerId, signal: AbortSignal): Promise<HelloStatus> {
    return await withFrames(stream, { msMax: exchangeMsMax, signal }, async (frames) => {
      const hello = readHello(await expect(frames, helloBytes))
      const challenge = freshChallenge()
      await frames.send(this.#hello(challenge))
      await frames.send(this.#prove(peer, hello.challenge))
      const status = this.#admit(peer, challenge, hello, await expect(frames, proofBytes))
      await frames.send(Uint8Array.of(helloStatuses.indexOf(status)))
      return status
    })
  }

  #hello(challenge: Hex): Uint8Array {
    const { chainId, role, binding } = this.#parts
    return encodeHello({ chainId, role, challenge, binding: binding() })
  }

  #prove(peer: PeerId, challenge: Hex): Uint8Array {
    const { chainId, self, privateKey } = this.#parts
    return signCompact(challengeDigest(chainId, challenge, self(), peer), privateKey)
  }

  #admit(peer: PeerId, challenge: Hex, hello: Hello, proof: Uint8Array): HelloStatus {
    const digest = challengeDigest(this.#parts.chainId, challenge, peer, this.#parts.self())
    return isSignedByHost(digest, proof, peer) ? this.#parts.admission.admit(peer, hello) : 'bad-proof'
  }
}

const freshChallenge = (): Hex => bytesToHex(randomBytes(32))

function readHello(bytes: Uint8Array): Hello {
  try {
    return decodeHello(bytes)
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause
    throw new WorkersError('hello', `no hello: ${cause.message}`, { cause })
  }
}

/** A frame of so many bytes. */
async function expect(frames: FrameStream, length: number): Promise<Uint8Array> {
  const bytes = await frames.receive(length)
  if (bytes?.length === length) return bytes
  throw new WorkersError('hello', `${bytes?.length ?? 0} bytes where ${length} belong`)
}
