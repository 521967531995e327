import type { Clock } from '../../common/clock.ts'
import { bytesToHex, concatBytes, type Hex } from '../../protocol/bytes.ts'
import { signCompact } from '../../protocol/compact-signature.ts'
import { privateKeyAddress } from '../../protocol/secp256k1.ts'
import type { Fields, ObjectOf } from './wire/container.ts'
import { peerBinding } from './wire/messages.ts'
import { networkSeparator, type SignedMessage, wireVersion } from './wire/signed-message.ts'

/** Signs with an on-chain key: 64 bytes `r ‖ vs`. */
export type AccountSigner = { readonly address: Hex; readonly sign: (digest: Uint8Array) => Uint8Array }

export function keySigner(privateKey: Uint8Array): AccountSigner {
  return { address: bytesToHex(privateKeyAddress(privateKey)), sign: (digest) => signCompact(digest, privateKey) }
}

/** Nonces of one millisecond: a restarted author goes on above what it said before. */
const noncesPerMs = 1_024n

/** Makes the messages of one account: version, chain, rising nonce, expiry, signature. */
export class MessageAuthor {
  readonly #chainId: bigint
  readonly #signer: AccountSigner
  readonly #clock: Clock
  readonly #separator: Uint8Array
  #nonce = 0n

  constructor(chainId: bigint, signer: AccountSigner, clock: Clock) {
    this.#chainId = chainId
    this.#signer = signer
    this.#clock = clock
    this.#separator = networkSeparator(chainId)
  }

  get address(): Hex {
    return this.#signer.address
  }

  /** A message of gossip that expires in `seconds`. */
  message<F extends Fields>(
    kind: SignedMessage<F>,
    value: Omit<ObjectOf<F>, 'version' | 'chainId' | 'nonce' | 'expiry'>,
    seconds: number,
  ): Uint8Array {
    const nowMs = this.#clock.nowMs()
    const least = BigInt(nowMs) * noncesPerMs
    this.#nonce = this.#nonce >= least ? this.#nonce + 1n : least
    const expiry = BigInt(Math.floor(nowMs / 1_000) + seconds)
    return this.#sign(kind, { ...value, nonce: this.#nonce, expiry })
  }

  /** A binding of this account to a host. */
  binding(host: Hex, epoch: bigint, seconds: number): Uint8Array {
    const expiry = BigInt(Math.floor(this.#clock.nowMs() / 1_000) + seconds)
    return this.#sign(peerBinding, { account: this.address, peerIdHash: host, epoch, expiry })
  }

  #sign<F extends Fields>(kind: SignedMessage<F>, value: object): Uint8Array {
    // The caller's value and what is added here are together the fields of `F`.
    const fields = { version: wireVersion, chainId: this.#chainId, ...value } as unknown as ObjectOf<F>
    const content = kind.container.encode(fields)
    return concatBytes(content, this.#signer.sign(kind.digest(content, this.#separator)))
  }
}
