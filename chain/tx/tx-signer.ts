import { bytesToHex, type Hex, hexToBytes } from '../../protocol/bytes.ts'
import { keccakHex } from '../../protocol/keccak.ts'
import { privateKeyAddress } from '../../protocol/secp256k1.ts'
import { encodeTransaction, signTransaction } from '../../protocol/transaction.ts'
import { makeSidecar, networkForm, type Sidecar, sidecarHashes } from './blob-sidecar.ts'
import type { Kzg } from './kzg.ts'
import type { GasCandidate } from './tx-candidate.ts'
import type { TxFees } from './tx-fees.ts'

/** A transaction as eth_sendRawTransaction takes it. */
export type SignedForm = { readonly raw: Uint8Array; readonly hash: Hex }

/** Signs for one account: fee-market transactions, and blob transactions with their sidecars. */
export class TxSigner {
  readonly address: Hex
  readonly #privateKey: Uint8Array
  readonly #chainId: bigint
  readonly #kzg: Kzg
  /** Proofs take long; a replacement carries those of its first attempt. */
  readonly #sidecars = new Map<string, Sidecar>()
  #sidecarVersion: 0 | 1 = 0

  constructor(options: { readonly privateKey: Hex; readonly chainId: bigint }, parts: { readonly kzg: Kzg }) {
    this.#privateKey = hexToBytes(options.privateKey)
    this.#chainId = options.chainId
    this.#kzg = parts.kzg
    this.address = bytesToHex(privateKeyAddress(this.#privateKey))
  }

  /** The same candidate, nonce and fees give the same bytes: signatures are deterministic (RFC 6979). */
  async sign(candidate: GasCandidate, nonce: bigint, fees: TxFees): Promise<SignedForm> {
    const fields = {
      chainId: this.#chainId,
      nonce,
      maxPriorityFeePerGas: fees.tip,
      maxFeePerGas: fees.feeCap,
      gasLimit: candidate.gasLimit,
      to: hexToBytes(candidate.to),
      value: candidate.value ?? 0n,
      data: candidate.data,
      accessList: [],
      yParity: 0 as const,
      r: 0n,
      s: 0n,
    }
    if (candidate.blobs === undefined) {
      const raw = encodeTransaction(signTransaction({ ...fields, type: 2 as const }, this.#privateKey))
      return { raw, hash: keccakHex(raw) }
    }
    const sidecar = await this.#sidecar(candidate.key, candidate.blobs)
    const blobVersionedHashes = sidecarHashes(sidecar)
    const maxFeePerBlobGas = fees.blobFeeCap ?? 0n
    const unsigned = { ...fields, type: 3 as const, maxFeePerBlobGas, blobVersionedHashes }
    const tx = signTransaction(unsigned, this.#privateKey)
    return { raw: networkForm(tx, sidecar), hash: keccakHex(encodeTransaction(tx)) }
  }

  /** Makes the other kind of proofs from now on, after L1 refused those of that key. Answers the version. */
  changeSidecarVersion(key: string): 0 | 1 {
    const refused = this.#sidecars.get(key)?.version ?? this.#sidecarVersion
    this.#sidecarVersion = refused === 0 ? 1 : 0
    return this.#sidecarVersion
  }

  /** Drops the proofs of a key that is done. */
  forget(key: string): void {
    this.#sidecars.delete(key)
  }

  async #sidecar(key: string, blobs: readonly Uint8Array[]): Promise<Sidecar> {
    const known = this.#sidecars.get(key)
    if (known?.version === this.#sidecarVersion) return known
    const sidecar = await makeSidecar(blobs, this.#sidecarVersion, this.#kzg)
    this.#sidecars.set(key, sidecar)
    return sidecar
  }
}
