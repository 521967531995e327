import type { StateStore } from '../../node/engine/embedded/state/state-store.ts'
import { bytesToHex, FormatError, hexToBytes } from '../../protocol/bytes.ts'
import { decodeHeader } from '../../protocol/header.ts'
import { asObject } from '../../protocol/json-fields.ts'
import { keccakHex } from '../../protocol/keccak.ts'

/** State read from preimages by hash, as a stateless execution has it. Each is checked to have its hash. */
export class Witness implements StateStore {
  readonly #preimages = new Map<string, Uint8Array>()

  constructor(preimages: unknown) {
    for (const [hash, value] of Object.entries(asObject(preimages, 'preimages'))) {
      if (typeof value !== 'string') throw new FormatError(`preimage of ${hash} is no hex string`)
      const bytes = hexToBytes(value)
      const key = keccakHex(bytes)
      if (key !== hash.toLowerCase()) throw new FormatError(`preimage of ${hash} hashes to ${key}`)
      this.#preimages.set(key, bytes)
    }
  }

  node(_owner: Uint8Array | undefined, _path: Uint8Array, hash: Uint8Array): Uint8Array | undefined {
    return this.#preimages.get(bytesToHex(hash))
  }

  code(hash: Uint8Array): Uint8Array | undefined {
    return this.#preimages.get(bytesToHex(hash))
  }

  /** Hash of the ancestor at `number`, found over parent hashes from the block `from`. Undefined where a header is missing. */
  ancestorHash(from: { readonly hash: Uint8Array; readonly number: bigint }, number: bigint): Uint8Array | undefined {
    let { hash } = from
    for (let at = from.number; at > number; at--) {
      const raw = this.#preimages.get(bytesToHex(hash))
      if (raw === undefined) return undefined
      hash = decodeHeader(raw).parentHash
    }
    return hash
  }
}
