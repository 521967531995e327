import { readFileSync } from 'node:fs'
import { bytesToHex } from '../../protocol/bytes.ts'
import { contentHash } from '../../protocol/content-hash.ts'
import type { ChainAccess } from './action.ts'
import { type Places, shownRecord } from './contribution-fault.ts'
import { RefusedError } from './refused.ts'

const signatureBytes = 512

/** A contribution, alone or of a batch, whose content is in a file. */
export type FiledItem = { readonly id: bigint; readonly path: string; readonly places: Places }

/** What SignatureProofs opens of a contribution. Throws RefusedError where the file is not its content. */
export async function signatureItem(chain: ChainAccess, item: FiledItem) {
  const { encodeSignature, signatureOf } = await import('../../attribution/near-duplicates/signature.ts')
  const content = readFileSync(item.path)
  return await itemWith(chain, item, content, encodeSignature(signatureOf(content)))
}

/** Arguments of `proveHiddenShingle`. */
export async function hiddenShingle(chain: ChainAccess, filed: FiledItem, signaturePath: string) {
  const { item, proof } = await falseSignatureOf(chain, filed, signaturePath)
  if (proof?.kind !== 'hidden') {
    throw new RefusedError(`no run of three ASCII words of ${filed.path} shows that the signature is false`)
  }
  return [item, BigInt(proof.total), proof.run, BigInt(proof.place)]
}

/** Arguments of `proveFalseSignature`. */
export async function wholeContent(chain: ChainAccess, filed: FiledItem, signaturePath: string) {
  const { item } = await falseSignatureOf(chain, filed, signaturePath)
  return [item, { first: 0, data: bytesToHex(readFileSync(filed.path)), siblings: [] }]
}

async function falseSignatureOf(chain: ChainAccess, filed: FiledItem, signaturePath: string) {
  const { falseSignature } = await import('../../attribution/near-duplicates/signature-proofs.ts')
  const { decodeSignature } = await import('../../attribution/near-duplicates/signature.ts')
  const [content, signature] = [readFileSync(filed.path), readFileSync(signaturePath)]
  if (signature.length !== signatureBytes) {
    throw new RefusedError(`${signaturePath} has ${signature.length} bytes; a signature has ${signatureBytes}`)
  }
  const item = await itemWith(chain, filed, content, signature)
  return { item, proof: falseSignature(content, decodeSignature(signature)) }
}

async function itemWith(chain: ChainAccess, { id, places }: FiledItem, content: Uint8Array, signature: Uint8Array) {
  const { record, siblings } = await shownRecord(id, places, chain)
  if (contentHash(content) !== record.contentHash) {
    throw new RefusedError(`the file is not the content of contribution ${id}, ${record.contentHash}`)
  }
  return { id, record, siblings, signature: bytesToHex(signature) }
}
