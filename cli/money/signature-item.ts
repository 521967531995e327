import { readFileSync } from 'node:fs'
import type { ShownRecord } from '../../chain/datanets/shown-record.ts'
import { bytesToHex } from '../../protocol/bytes.ts'
import { contentHash } from '../../protocol/content-hash.ts'
import { canonicalText } from '../../protocol/datanets/canonical-text.ts'
import { ContentRefused } from '../../protocol/datanets/content-refused.ts'
import type { ChainAccess } from './action.ts'
import { type Places, shownRecord } from './contribution-fault.ts'
import { RefusedError } from './refused.ts'

const signatureBytes = 512

/** A contribution, alone or of a batch, whose content is in a file: as it is, or as the text that it was contributed from. */
export type FiledItem = { readonly id: bigint; readonly path: string; readonly places: Places }

/** What SignatureProofs opens of a contribution. Throws RefusedError where the file is not its content. */
export async function signatureItem(chain: ChainAccess, item: FiledItem) {
  const { encodeSignature, signatureOf } = await import('../../attribution/near-duplicates/signature.ts')
  const { shown, content } = await contentOf(chain, item)
  return signedItem(shown, encodeSignature(signatureOf(content)))
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
  const { item, content } = await falseSignatureOf(chain, filed, signaturePath)
  return [item, { first: 0, data: bytesToHex(content), siblings: [] }]
}

async function falseSignatureOf(chain: ChainAccess, filed: FiledItem, signaturePath: string) {
  const { falseSignature } = await import('../../attribution/near-duplicates/signature-proofs.ts')
  const { decodeSignature } = await import('../../attribution/near-duplicates/signature.ts')
  const signature = readFileSync(signaturePath)
  if (signature.length !== signatureBytes) {
    throw new RefusedError(`${signaturePath} has ${signature.length} bytes; a signature has ${signatureBytes}`)
  }
  const { shown, content } = await contentOf(chain, filed)
  return { item: signedItem(shown, signature), content, proof: falseSignature(content, decodeSignature(signature)) }
}

async function contentOf(chain: ChainAccess, { id, path, places }: FiledItem) {
  const shown = await shownRecord(id, places, chain)
  const file = new Uint8Array(readFileSync(path))
  const content = [file, ...canonicalForm(file)].find((bytes) => contentHash(bytes) === shown.record.contentHash)
  if (content === undefined) {
    throw new RefusedError(`the file is not the content of contribution ${id}, ${shown.record.contentHash}`)
  }
  return { shown, content }
}

/** None of what is no text. */
function canonicalForm(file: Uint8Array): readonly Uint8Array[] {
  try {
    return [canonicalText(file)]
  } catch (error) {
    if (error instanceof ContentRefused) return []
    throw error
  }
}

function signedItem({ contribId, record, siblings }: ShownRecord, signature: Uint8Array) {
  return { id: contribId, record, siblings, signature: bytesToHex(signature) }
}
