import { readFileSync } from 'node:fs'
import { allEvents, topicOf } from '../../chain/ledger/all-events.ts'
import type { Decoded } from '../../chain/ledger/money-contracts.ts'
import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import { contentHash } from '../../protocol/content-hash.ts'
import type { ChainAccess } from './action.ts'
import { RefusedError } from './refused.ts'

const signatureBytes = 512

/** What SignatureProofs opens of a contribution made alone, whose content is in a file. Throws RefusedError where it is not. */
export async function signatureItem(chain: ChainAccess, id: bigint, path: string) {
  const { encodeSignature, signatureOf } = await import('../../attribution/near-duplicates/signature.ts')
  return await itemWith(chain, id, readFileSync(path), encodeSignature(signatureOf(readFileSync(path))))
}

/** Arguments of `proveHiddenShingle`. */
export async function hiddenShingle(chain: ChainAccess, id: bigint, path: string, signaturePath: string) {
  const { item, proof } = await falseSignatureOf(chain, id, path, signaturePath)
  if (proof?.kind !== 'hidden') {
    throw new RefusedError(`no run of three ASCII words of ${path} shows that the signature is false`)
  }
  return [item, BigInt(proof.total), proof.run, BigInt(proof.place)]
}

/** Arguments of `proveFalseSignature`. */
export async function wholeContent(chain: ChainAccess, id: bigint, path: string, signaturePath: string) {
  const { item } = await falseSignatureOf(chain, id, path, signaturePath)
  return [item, { first: 0, data: bytesToHex(readFileSync(path)), siblings: [] }]
}

async function falseSignatureOf(chain: ChainAccess, id: bigint, path: string, signaturePath: string) {
  const { falseSignature } = await import('../../attribution/near-duplicates/signature-proofs.ts')
  const [content, signature] = [readFileSync(path), readFileSync(signaturePath)]
  if (signature.length !== signatureBytes) {
    throw new RefusedError(`${signaturePath} has ${signature.length} bytes; a signature has ${signatureBytes}`)
  }
  const entries = Uint32Array.from({ length: signatureBytes / 4 }, (_, i) => signature.readUInt32BE(4 * i))
  return { item: await itemWith(chain, id, content, signature), proof: falseSignature(content, entries) }
}

async function itemWith(chain: ChainAccess, id: bigint, content: Uint8Array, signature: Uint8Array) {
  const [submitted] = await allEvents(chain, 'DatanetRegistry', 'ContributionSubmitted', [null, topicOf(id)])
  if (submitted === undefined) throw new RefusedError(`contribution ${id} was not made alone`)
  const {
    contentHash: hash,
    simHash,
    consent,
    size,
    metaHash,
  } = submitted.args as Decoded & { readonly contentHash: Hex }
  if (contentHash(content) !== hash)
    throw new RefusedError(`the file is not the content of contribution ${id}, ${hash}`)
  const record = { contentHash: hash, simHash, consent, size, metaHash }
  return { id, record, siblings: [], signature: bytesToHex(signature) }
}
