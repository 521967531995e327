import { createCipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { bytesToHex, concatBytes, FormatError, type Hex, hexToBytes, uintBytes } from './bytes.ts'
import { publicKeyOf, sharedSecret } from './secp256k1.ts'

/** The one proof class of private requests, SIGNED: all others need tokens that anybody can run again. */
export const privateClass = 0

/** The two token lists of a request: no two of them share a key stream. */
export type PrivateList = 'prompt' | 'output'

/** Whether a prompt is sealed: all of its tokens have the highest bit, which no model's have. */
export function isSealed(prompt: Uint32Array): boolean {
  return prompt.length > 0 && prompt.every((token) => token >= sealedBit)
}

/**
 * Seals the tokens of one request between its payer and the worker's host: what both lists commit to, and what batches, gossip and logs
 * hold, are sealed tokens, as many as there are. docs/WORKER-NETWORK.md §13.
 */
export class TokenSeal {
  readonly #key: Uint8Array

  private constructor(secret: Uint8Array, ephemeralX: Uint8Array, hostKey: Uint8Array) {
    this.#key = new Uint8Array(hkdfSync('sha256', secret, concatBytes(ephemeralX, hostKey), label, 32))
  }

  /** By a new key for the host; its x stands as the request's `templateHash`. Throws {@link FormatError} for what is no public key. */
  static make(hostKey: Uint8Array): { readonly seal: TokenSeal; readonly templateHash: Hex } {
    let ephemeral = randomBytes(32)
    while (!isEven(ephemeral)) ephemeral = randomBytes(32)
    const x = publicKeyOf(ephemeral).slice(1)
    return { seal: new TokenSeal(sharedSecret(hostKey, ephemeral), x, hostKey), templateHash: bytesToHex(x) }
  }

  /** By the host's private key and the request's `templateHash`. Throws {@link FormatError} where that is no key. */
  static open(templateHash: Hex, hostPrivateKey: Uint8Array): TokenSeal {
    const x = hexToBytes(templateHash)
    const secret = sharedSecret(concatBytes(Uint8Array.of(2), x), hostPrivateKey)
    return new TokenSeal(secret, x, publicKeyOf(hostPrivateKey))
  }

  /** Tokens of a list from token `first` on, sealed. Throws {@link FormatError} for one that has the highest bit. */
  seal(list: PrivateList, first: number, tokens: Uint32Array): Uint32Array {
    if (tokens.some((token) => token >= sealedBit)) throw new FormatError('a token with the highest bit is none')
    const stream = this.#stream(list, first, tokens.length)
    return tokens.map((token, i) => (((token ^ (stream[i] as number)) & tokenBits) | sealedBit) >>> 0)
  }

  /** What was sealed; other tokens where it was by another key. */
  unseal(list: PrivateList, first: number, sealed: Uint32Array): Uint32Array {
    const stream = this.#stream(list, first, sealed.length)
    return sealed.map((token, i) => (token ^ (stream[i] as number)) & tokenBits)
  }

  /** Words of AES-256 in counter mode, from word `first` on. */
  #stream(list: PrivateList, first: number, count: number): Uint32Array {
    const block = Math.floor(first / wordsPerBlock)
    const counter = concatBytes(Uint8Array.of(list === 'prompt' ? 0 : 1), uintBytes(block, 15))
    const cipher = createCipheriv('aes-256-ctr', this.#key, counter)
    const skipped = first - block * wordsPerBlock
    const bytes = cipher.update(new Uint8Array(4 * (skipped + count)))
    return Uint32Array.from({ length: count }, (_, i) => bytes.readUInt32BE(4 * (skipped + i)))
  }
}

/** Whether it is a private key whose point's y is even, so that x alone names it. */
function isEven(privateKey: Uint8Array): boolean {
  return privateKey.some((byte) => byte !== 0) && publicKeyOf(privateKey)[0] === 2
}

const label = new TextEncoder().encode('openledger private 1')
const sealedBit = 0x8000_0000
const tokenBits = 0x7fff_ffff
const wordsPerBlock = 4
