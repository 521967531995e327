import { createHash } from 'node:crypto'
import { KzgWorker, versionedHash } from '../../../chain/tx/kzg.ts'
import { decodeBlob } from '../../../protocol/blob-codec.ts'
import { bytesToHex, concatBytes, equalBytes } from '../../../protocol/bytes.ts'
import { asArray } from '../../../protocol/json-fields.ts'
import {
  bytes,
  child,
  type Fields,
  failUnknownSections,
  hasAny,
  integer,
  isFields,
  list,
  requireKnown,
} from '../fields.ts'
import { expectEqual, expectThrows, type Report, type VectorRunner } from '../vector.ts'

/** Answers of a beacon node: blobs with commitments, proofs and inclusion proofs. */
export const blobSidecarsRunner: VectorRunner = {
  name: 'blob sidecars',
  matches: (folder, json) => folder === 'l1' && hasAny(json, 'sidecars'),
  run: async (json, report) => {
    failUnknownSections(json, ['sidecars', 'genesis', 'configSpec', 'expected'], report)
    const expected = child(json, 'expected')
    const kzg = new KzgWorker()
    try {
      for (const sidecar of list(child(json, 'sidecars'), 'data')) await checkSidecar(sidecar, expected, kzg, report)
    } finally {
      await kzg.stop()
    }
    if (hasAny(json, 'genesis', 'configSpec')) {
      await report.check('genesis and config spec', () => checkClock(json as Fields))
    }
  },
}

async function checkSidecar(sidecar: Fields, expected: Fields, kzg: KzgWorker, report: Report): Promise<void> {
  const index = integer(sidecar['index'])
  await report.check(`sidecar ${index}`, async () => {
    const wanted = list(expected, 'blobs').find((blob) => integer(blob['index']) === index)
    if (wanted === undefined) throw new Error('no expectation for this index')
    requireKnown(wanted, ['index', 'versionedHash', 'inclusionProofOk', 'proofDepth'])
    const blob = bytes(sidecar['blob'])
    const commitment = bytes(sidecar['kzg_commitment'])
    expectEqual(versionedHash(commitment), wanted['versionedHash'], 'versioned hash')
    // Both are functions of the blob alone, so equal values are as good as a pairing check.
    expectEqual(bytesToHex(await kzg.commitment(blob)), bytesToHex(commitment), 'commitment')
    expectEqual(bytesToHex(await kzg.proof(blob, commitment)), sidecar['kzg_proof'], 'proof')
    const header = child(child(sidecar, 'signed_block_header'), 'message')
    if (expected['slot'] !== undefined) expectEqual(integer(header['slot']), integer(expected['slot']), 'slot')
    const branch = asArray(sidecar['kzg_commitment_inclusion_proof'], 'inclusion proof').map((node) => bytes(node))
    if (wanted['proofDepth'] !== undefined)
      expectEqual(BigInt(branch.length), integer(wanted['proofDepth']), 'proof depth')
    const isIncluded = provesInclusion(commitment, Number(index), branch, bytes(header['body_root']))
    expectEqual(isIncluded, wanted['inclusionProofOk'] ?? true, 'inclusion proof')
    const codec = expected['opBlobDecode']
    if (typeof codec === 'string' && /NOT|fail/i.test(codec)) expectThrows(() => decodeBlob(blob), 'blob codec')
  })
}

/** Source: consensus-specs, deneb/p2p-interface.md, `verify_blob_sidecar_inclusion_proof`. */
function provesInclusion(
  commitment: Uint8Array,
  index: number,
  branch: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  // blob_kzg_commitments is field 11 of the body; its list has 2^12 places and a length beside the data.
  let position = 11 * 2 ** 13 + index
  let node = sha256(concatBytes(commitment, new Uint8Array(16)))
  for (const sibling of branch) {
    node = sha256(position % 2 === 0 ? concatBytes(node, sibling) : concatBytes(sibling, node))
    position = Math.floor(position / 2)
  }
  return branch.length === 17 && equalBytes(node, root)
}

function checkClock(json: Fields): void {
  const data = (key: string) => (isFields(json[key]) ? child(json[key], 'data') : {})
  const genesisTime = data('genesis')['genesis_time']
  const secondsPerSlot = data('configSpec')['SECONDS_PER_SLOT']
  for (const [key, value] of Object.entries({ genesis_time: genesisTime, SECONDS_PER_SLOT: secondsPerSlot })) {
    if (value !== undefined && (typeof value !== 'string' || integer(value) <= 0n))
      throw new Error(`${key} is no decimal string`)
  }
  if (genesisTime === undefined && secondsPerSlot === undefined)
    throw new Error('neither genesis_time nor SECONDS_PER_SLOT')
}

function sha256(data: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(data).digest())
}
