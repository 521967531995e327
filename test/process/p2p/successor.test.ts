import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { blockTopic } from '../../../protocol/gossip.ts'
import { gossipMessage, meshed, presentChain, sealedBlock, startNode, type TestNode } from '../../fakes/block-net.ts'
import { until } from '../../fakes/until.ts'
import { hasSuccessor, successorDir } from '../../p2p/successor/packages.ts'

if (!hasSuccessor) process.stdout.write('\nSUCCESSOR TEST SKIPPED: install it by `npm run get:successor`\n\n')

const chain = presentChain()
const topic = blockTopic(chain.l2ChainId, 3)

type Said =
  | { readonly kind: 'listening'; readonly address: string }
  | { readonly kind: 'message'; readonly topic: string; readonly data: string }
  | { readonly kind: 'mesh'; readonly peers: readonly string[] }

describe.skipIf(!hasSuccessor)('@libp2p/gossipsub, which may replace our gossip library', () => {
  let child: ChildProcess
  let sequencer: TestNode
  let verifier: TestNode
  const messages: string[] = []
  let meshPeers = 0

  beforeAll(async () => {
    const program = join(successorDir, 'node.mjs')
    copyFileSync(resolve(import.meta.dirname, '../../p2p/successor/node.mjs'), program)
    child = fork(
      program,
      [0, 1, 2, 3].map((version) => blockTopic(chain.l2ChainId, version as 0 | 1 | 2 | 3)),
      {
        cwd: successorDir,
        execArgv: [],
      },
    )
    let address: string | undefined
    child.on('message', (said: Said) => {
      if (said.kind === 'listening') address = said.address
      if (said.kind === 'message') messages.push(said.data)
      if (said.kind === 'mesh') meshPeers = said.peers.length
    })
    sequencer = await startNode(chain, { sequencer: true })
    verifier = await startNode(chain)
    await until(() => address !== undefined, 30_000)
    for (const { network } of [sequencer, verifier]) await network.connect(address ?? '')
    await meshed([sequencer, verifier])
    await until(() => {
      child.send({ kind: 'mesh', topic })
      return meshPeers === 2
    })
  })

  afterAll(async () => {
    if (child.connected) {
      child.send({ kind: 'stop' })
      await once(child, 'exit')
    }
    await Promise.all([sequencer, verifier].map(({ network }) => network.stop()))
  })

  test('it takes our blocks and hands them on to another node of ours', async () => {
    const blocks = Array.from({ length: 20 }, (_, i) => sealedBlock(chain, 1_000n - BigInt(i)))
    for (const block of blocks) await sequencer.network.publish(block)
    await until(() => verifier.received.length === blocks.length)
    const numbers = (list: readonly { executionPayload: { blockNumber: bigint } }[]) =>
      list.map(({ executionPayload }) => executionPayload.blockNumber).sort()
    expect(numbers(verifier.received.map(({ envelope }) => envelope))).toEqual(numbers(blocks))
    expect(messages).toHaveLength(blocks.length)
  })

  test('we take a block that it publishes', async () => {
    const block = sealedBlock(chain, 1_002n)
    const data = Buffer.from(gossipMessage(chain, block)).toString('base64')
    child.send({ kind: 'publish', topic, data })
    await until(() =>
      [sequencer, verifier].every(({ received }) =>
        received.some(({ envelope }) => envelope.executionPayload.blockNumber === 1_002n),
      ),
    )
    expect(verifier.received.at(-1)?.envelope).toEqual(block)
  })
})
