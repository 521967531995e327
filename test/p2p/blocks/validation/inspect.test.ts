import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  aheadSecondsMax,
  type InspectionRules,
  type InspectionTask,
  inspect,
} from '../../../../p2p/blocks/validation/inspect.ts'
import { bytesToHex, type Hex, hexToBytes } from '../../../../protocol/bytes.ts'
import { blockTopic, gossipBytesMax, gossipMessageId, type TopicVersion } from '../../../../protocol/gossip.ts'
import type { ForkTimes } from '../../../../protocol/hardforks.ts'
import { privateKeyAddress } from '../../../../protocol/secp256k1.ts'
import { snappyDecode, snappyEncode } from '../../../../protocol/snappy.ts'
import { encodeUvarint } from '../../../../protocol/uvarint.ts'
import { gossipMessage, presentChain, sealedBlock, sequencerKey, strangerKey } from '../../../fakes/block-net.ts'

const chain = presentChain()
const now = chain.genesis.l2Time + 1_000n
const signer = bytesToHex(privateKeyAddress(sequencerKey))
const rules: InspectionRules = { chainId: chain.l2ChainId, forkTimes: chain.forkTimes, ageSecondsMax: 60n }
const good = gossipMessage(chain, sealedBlock(chain, 1_000n))

function task(data: Uint8Array, change: Partial<InspectionTask> = {}): InspectionTask {
  const version = change.version ?? 3
  return { topic: blockTopic(chain.l2ChainId, version), version, data, signers: [signer], nowSeconds: now, ...change }
}

const reasonOf = (...args: Parameters<typeof task>) => {
  const { verdict } = inspect(task(...args), rules)
  return verdict.kind === 'accept' ? 'accept' : verdict.reason
}

test('a block of the sequencer is accepted, with the id that op-node gives it', () => {
  const { id, verdict, contentBytes } = inspect(task(good), rules)
  expect(verdict.kind).toBe('accept')
  expect(contentBytes).toBe(snappyDecode(good, gossipBytesMax).length)
  expect(id).toEqual(gossipMessageId(blockTopic(chain.l2ChainId, 3), good, 'op-node'))
})

describe('refused, and why', () => {
  const cases: readonly (readonly [
    what: string,
    reason: string,
    data: Uint8Array,
    change?: Partial<InspectionTask>,
  ])[] = [
    ['what is not compressed', 'compression', new Uint8Array(100).fill(0xff)],
    ['nothing', 'compression', new Uint8Array(0)],
    ['a message cut short', 'compression', good.subarray(0, -1)],
    ['a declared length above 10 MiB', 'size', new Uint8Array([...encodeUvarint(gossipBytesMax + 1), 0, 0])],
    ['less than a signature and a byte', 'size', snappyEncode(new Uint8Array(65))],
    ['a forged signer', 'signature', gossipMessage(chain, sealedBlock(chain, 1_000n), strangerKey)],
    [
      'a signature for another chain',
      'signature',
      gossipMessage({ ...chain, l2ChainId: 5n }, sealedBlock(chain, 1_000n)),
    ],
    ['a signature that is none', 'signature', snappyEncode(new Uint8Array(200))],
    ['a block 61 s old', 'stale', gossipMessage(chain, sealedBlock(chain, 939n))],
    ['a block 6 s ahead', 'future', gossipMessage(chain, sealedBlock(chain, 1_006n))],
    [
      'a wrong block hash',
      'block',
      gossipMessage(chain, sealedBlock(chain, 1_000n, { blockHash: `0x${'ab'.repeat(32)}` })),
    ],
    ['excess blob gas', 'block', gossipMessage(chain, sealedBlock(chain, 1_000n, { excessBlobGas: 1n }))],
    ['an encoding of another topic', 'encoding', good, { version: 2 }],
    ['an encoding of long ago', 'encoding', good, { version: 0 }],
  ]
  for (const [what, reason, data, change] of cases) {
    test(`${what}: ${reason}`, () => {
      expect(reasonOf(data, change)).toBe(reason)
    })
  }

  test('blob gas before Jovian', () => {
    const { jovian: _, ...forkTimes } = chain.forkTimes
    const early = { ...chain, forkTimes }
    const data = gossipMessage(early, sealedBlock(early, 1_000n, { blobGasUsed: 1n }))
    const { verdict } = inspect(task(data), { ...rules, forkTimes })
    expect(verdict).toMatchObject({ kind: 'reject', reason: 'block' })
    expect(reasonOf(gossipMessage(chain, sealedBlock(chain, 1_000n, { blobGasUsed: 1n })))).toBe('accept')
  })
})

test('the bounds of time belong to the window', () => {
  expect(reasonOf(gossipMessage(chain, sealedBlock(chain, 940n)))).toBe('accept')
  expect(reasonOf(gossipMessage(chain, sealedBlock(chain, 1_000n + aheadSecondsMax)))).toBe('accept')
})

test('without a known signer blocks are ignored, but rubbish is still refused', () => {
  expect(reasonOf(good, { signers: [] })).toBe('no-signer')
  expect(reasonOf(new Uint8Array(3), { signers: [] })).toBe('compression')
})

test('a signer before a rotation is accepted as long as it is listed', () => {
  const other = bytesToHex(privateKeyAddress(strangerKey))
  expect(reasonOf(good, { signers: [other, signer] })).toBe('accept')
  expect(reasonOf(good, { signers: [other] })).toBe('signature')
})

test('a stale block is refused for its signature first: a stranger does not pay with our time', () => {
  expect(reasonOf(gossipMessage(chain, sealedBlock(chain, 1n), strangerKey))).toBe('signature')
})

test('no message makes it throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.constantFrom<TopicVersion>(0, 1, 2, 3), (bytes, version) => {
      inspect(task(bytes, { version }), rules)
      inspect(task(snappyEncode(bytes), { version }), rules)
    }),
  )
})

test('no change of a signed block is accepted', () => {
  const content = snappyDecode(good, gossipBytesMax)
  fc.assert(
    fc.property(fc.nat(content.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const bad = content.slice()
      bad[at] = (bad[at] ?? 0) ^ change
      expect(reasonOf(snappyEncode(bad))).not.toBe('accept')
    }),
  )
})

const vectors = join(resolve(process.env['OPENLEDGER_VECTORS'] ?? '../shared/vectors'), 'p2p', 'p2p.json')
const forksOf: Readonly<Record<TopicVersion, ForkTimes>> = {
  0: {},
  1: { canyon: 0n },
  2: { canyon: 0n, ecotone: 0n },
  3: { canyon: 0n, ecotone: 0n, isthmus: 0n },
}

describe.skipIf(!existsSync(vectors))('messages of op-node (skipped without OPENLEDGER_VECTORS)', () => {
  const { gossip, messageId }: Vectors = existsSync(vectors)
    ? JSON.parse(readFileSync(vectors, 'utf8'))
    : { gossip: { cases: [] }, messageId: { invalidSnappy: [] } }

  test.each(gossip.cases)('$topic', (vector) => {
    const version = vector.topicVersion
    const { id, verdict } = inspect(
      {
        topic: vector.topic,
        version,
        data: hexToBytes(vector.message),
        signers: [vector.signer],
        nowSeconds: BigInt(vector.payload.timestamp),
      },
      { chainId: BigInt(vector.chainId), forkTimes: forksOf[version], ageSecondsMax: 60n },
    )
    expect(verdict).toMatchObject({ kind: 'accept' })
    expect(bytesToHex(id)).toBe(vector.messageIdOpNode)
  })

  test.each(messageId.invalidSnappy)('$raw has an id though it cannot be decompressed', (vector) => {
    const { id, verdict } = inspect(task(hexToBytes(vector.raw), { topic: vector.topic, version: 0 }), rules)
    expect(verdict).toMatchObject({ kind: 'reject', reason: 'compression' })
    expect(bytesToHex(id)).toBe(vector.messageIdOpNode)
  })
})

type Vectors = {
  readonly gossip: {
    readonly cases: readonly {
      readonly topicVersion: TopicVersion
      readonly topic: string
      readonly message: Hex
      readonly signer: Hex
      readonly chainId: string
      readonly payload: { readonly timestamp: string }
      readonly messageIdOpNode: Hex
    }[]
  }
  readonly messageId: { readonly invalidSnappy: readonly { topic: string; raw: Hex; messageIdOpNode: Hex }[] }
}
