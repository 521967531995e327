import { expect, test } from 'vitest'
import { BlockPublisher, type BlockPublisherParts } from '../../../p2p/blocks/block-publisher.ts'
import { bytesToHex } from '../../../protocol/bytes.ts'
import { blockTopic, decodeGossipBlock, gossipMessageId, gossipSigner } from '../../../protocol/gossip.ts'
import { privateKeyAddress } from '../../../protocol/secp256k1.ts'
import { presentChain, sealedBlock, sequencerKey, signBlock } from '../../fakes/block-net.ts'
import { ManualClock } from '../../fakes/manual-clock.ts'

const chain = presentChain()

function publisher(change: Partial<BlockPublisherParts> = {}) {
  const sent: { topic: string; data: Uint8Array; id: Uint8Array }[] = []
  const made = new BlockPublisher({
    rollup: chain,
    ageSecondsMax: 60n,
    clock: new ManualClock(Number(chain.genesis.l2Time + 1_000n) * 1_000),
    sign: signBlock,
    send: async (topic, data, id) => sent.push({ topic, data, id }),
    onOwn: () => {},
    ...change,
  })
  return { made, sent }
}

test.each([
  ['0 or 1', signBlock],
  [
    '27 or 28',
    async (digest: Uint8Array) => {
      const signature = await signBlock(digest)
      signature[64] = (signature[64] ?? 0) + 27
      return signature
    },
  ],
])('a block signed with v of %s carries the signer that is recovered', async (_, sign) => {
  const { made, sent } = publisher({ sign })
  expect(await made.publish(sealedBlock(chain, 1_000n))).toBe(1)
  const [message] = sent
  if (message === undefined) throw new Error('nothing sent')
  expect(message.topic).toBe(blockTopic(chain.l2ChainId, 3))
  expect(message.id).toEqual(gossipMessageId(message.topic, message.data, 'op-node'))
  const signer = gossipSigner(decodeGossipBlock(message.data), chain.l2ChainId)
  expect(signer).toBe(bytesToHex(privateKeyAddress(sequencerKey)))
})

test('a block goes to the topic of its fork', async () => {
  const forkTimes = { ...chain.forkTimes, isthmus: chain.genesis.l2Time + 1_001n, jovian: undefined }
  const forking = { ...chain, forkTimes }
  const { made, sent } = publisher({ rollup: forking })
  const { withdrawalsRoot: _, ...before } = sealedBlock(chain, 1_000n).executionPayload
  await made.publish({ ...sealedBlock(chain, 1_000n), executionPayload: before })
  await made.publish(sealedBlock(forking, 1_001n))
  expect(sent.map(({ topic }) => topic)).toEqual([2, 3].map((version) => blockTopic(901n, version as 2 | 3)))
})

test('blocks that peers would refuse as stale are not sent', async () => {
  const { made, sent } = publisher()
  expect(await made.publish(sealedBlock(chain, 939n))).toBe(0)
  expect(sent).toEqual([])
  expect(await made.publish(sealedBlock(chain, 940n))).toBe(1)
})

test('without a key, or with too large a block, the error says so', async () => {
  await expect(publisher({ sign: undefined }).made.publish(sealedBlock(chain, 1_000n))).rejects.toMatchObject({
    code: 'no-signer',
  })
  const transactions = Array.from({ length: 11 }, () => new Uint8Array(1024 * 1024))
  await expect(publisher().made.publish(sealedBlock(chain, 1_000n, { transactions }))).rejects.toMatchObject({
    code: 'too-large',
  })
})
