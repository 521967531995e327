import { bytesToHex, concatBytes, FormatError, type Hex } from '../../../protocol/bytes.ts'
import { compactSignatureBytes, recoverCompact, signCompact } from '../../../protocol/compact-signature.ts'
import { type Domain, domainSeparator, encodeType, type StructTypes, typedDigest } from '../../../protocol/eip712.ts'
import { keccak256 } from '../../../protocol/keccak.ts'
import { Container, type Fields, type ObjectOf } from './container.ts'

/** Under which what workers and checkers say to each other is signed: not the market's, so that no message is money. */
export const workerRegistryAddress: Hex = '0x4f4c000000000000000000000000000000000004'

export function networkDomain(chainId: bigint): Domain {
  return { name: 'OpenLedger', version: '1', chainId, verifyingContract: workerRegistryAddress }
}

/** The first field of every message. */
export const wireVersion = 1

/**
 * A message of fixed size, signed by its author's on-chain key: the container, then 64 bytes `r ‖ vs` over its EIP-712
 * digest. The struct's fields are the container's, so what is hashed is read from the bytes as they came.
 */
export class SignedMessage<F extends Fields> {
  readonly name: string
  readonly container: Container<F>
  /** Signature included. */
  readonly byteLength: number
  readonly types: StructTypes
  readonly #authorField: keyof ObjectOf<F> & string
  /** `typeHash ‖ words`, written anew for each message. */
  readonly #words: Uint8Array

  constructor(name: string, fields: F, authorField: keyof ObjectOf<F> & string) {
    this.name = name
    this.container = new Container(fields)
    this.byteLength = this.container.byteLength + compactSignatureBytes
    this.types = { [name]: fields }
    this.#authorField = authorField
    this.#words = new Uint8Array(32 * (fields.length + 1))
    this.#words.set(keccak256(new Uint8Array(Buffer.from(encodeType(this.types, name), 'ascii'))))
  }

  /** What is signed. `bytes` with or without the signature. */
  digest(bytes: Uint8Array, separator: Uint8Array): Uint8Array {
    this.container.writeWords(bytes, this.#words, 32)
    return typedDigest(separator, keccak256(this.#words))
  }

  sign(value: ObjectOf<F>, separator: Uint8Array, privateKey: Uint8Array): Uint8Array {
    const content = this.container.encode(value)
    return concatBytes(content, signCompact(this.digest(content, separator), privateKey))
  }

  /** Checks the length only. Throws {@link FormatError}. */
  decode(bytes: Uint8Array): ObjectOf<F> {
    if (bytes.length !== this.byteLength) throw new FormatError(`${this.name} of ${bytes.length} bytes`)
    return this.container.decode(bytes.subarray(0, this.container.byteLength))
  }

  /** Who says that it is the author, of a message whose length is right. */
  author(bytes: Uint8Array): Hex {
    return this.container.get(bytes, this.#authorField) as Hex
  }

  /** True where the author signed it. */
  isSigned(bytes: Uint8Array, separator: Uint8Array): boolean {
    const signature = bytes.subarray(this.container.byteLength)
    try {
      return bytesToHex(recoverCompact(this.digest(bytes, separator), signature)) === this.author(bytes)
    } catch (error) {
      if (error instanceof FormatError) return false
      throw error
    }
  }
}

export const networkSeparator = (chainId: bigint): Uint8Array => domainSeparator(networkDomain(chainId))
