import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { ProofClient } from '../../../p2p/workers/proofs/proof-client.ts'
import { leafBytes, leafHash, proofHashOf } from '../../../p2p/workers/proofs/proof-tree.ts'
import { encodeProofHead } from '../../../p2p/workers/proofs/proof-wire.ts'
import { concatBytes } from '../../../protocol/bytes.ts'
import { streamOf } from '../../fakes/part-stream.ts'

const leaves = Array.from({ length: 6 }, (_, i) => new Uint8Array(leafBytes).fill(i))
const size = leaves.length * leafBytes

function framed(bytes: Uint8Array): Uint8Array {
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, bytes.length)
  return concatBytes(length, bytes)
}

test('pulls keep to one rate together, from what may come at once on', async () => {
  let nowMs = 0
  const clock = {
    nowMs: () => nowMs,
    sleep: async (ms: number) => {
      nowMs += ms
    },
  }
  const hashes = leaves.map((leaf, i) => leafHash(i, leaf))
  const head = encodeProofHead({ status: 'found', size, retryAfterMs: 0 })
  const rate = { perSecond: 10 * leafBytes, burst: 2 * leafBytes }
  const open = async () => streamOf([head, concatBytes(...hashes), ...leaves].map(framed))
  const client = new ProofClient({ clock, metrics: new Registry(), rate, open, count: () => {} })
  const pull = () =>
    client.pull({ proofHash: proofHashOf(size, hashes), proofBytes: size }, ['holder'], new AbortController().signal)
  expect(Buffer.compare(await pull(), concatBytes(...leaves))).toBe(0)
  expect(nowMs).toBeCloseTo(400)
  await pull()
  expect(nowMs).toBeCloseTo(1_000)
})
