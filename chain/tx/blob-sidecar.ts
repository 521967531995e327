import { concatBytes, hexToBytes } from '../../protocol/bytes.ts'
import { rlpDecode, rlpEncode, rlpUint } from '../../protocol/rlp.ts'
import { type BlobTx, encodeTransaction, txType } from '../../protocol/transaction.ts'
import { type Kzg, versionedHash } from './kzg.ts'

/**
 * Blobs with what a pool needs to check them. `proofs`: one a blob in version 0 (EIP-4844), 128 a blob in version 1
 * (EIP-7594, from Fusaka on).
 */
export type Sidecar = {
  readonly version: 0 | 1
  readonly blobs: readonly Uint8Array[]
  readonly commitments: readonly Uint8Array[]
  readonly proofs: readonly Uint8Array[]
}

export async function makeSidecar(blobs: readonly Uint8Array[], version: 0 | 1, kzg: Kzg): Promise<Sidecar> {
  const commitments: Uint8Array[] = []
  const proofs: Uint8Array[] = []
  for (const blob of blobs) {
    const commitment = await kzg.commitment(blob)
    commitments.push(commitment)
    if (version === 0) proofs.push(await kzg.proof(blob, commitment))
    else proofs.push(...(await kzg.cellProofs(blob)))
  }
  return { version, blobs, commitments, proofs }
}

/** Versioned hashes as the transaction lists them. */
export function sidecarHashes(sidecar: Sidecar): Uint8Array[] {
  return sidecar.commitments.map((commitment) => hexToBytes(versionedHash(commitment)))
}

/** The form for eth_sendRawTransaction: `0x03 ‖ rlp([tx, (version,) blobs, commitments, proofs])`. */
export function networkForm(tx: BlobTx, sidecar: Sidecar): Uint8Array {
  const body = rlpDecode(encodeTransaction(tx).subarray(1))
  const version = sidecar.version === 0 ? [] : [rlpUint(sidecar.version)]
  const parts = [body, ...version, [...sidecar.blobs], [...sidecar.commitments], [...sidecar.proofs]]
  return concatBytes(Uint8Array.of(txType.blob), rlpEncode(parts))
}
