import { afterEach, expect, test } from 'vitest'
import { Inspector, queueMessagesMax } from '../../../../p2p/blocks/validation/inspector.ts'
import { bytesToHex } from '../../../../protocol/bytes.ts'
import { blockTopic } from '../../../../protocol/gossip.ts'
import { privateKeyAddress } from '../../../../protocol/secp256k1.ts'
import { gossipMessage, presentChain, sealedBlock, sequencerKey } from '../../../fakes/block-net.ts'

const chain = presentChain()
const rules = { chainId: chain.l2ChainId, forkTimes: chain.forkTimes, ageSecondsMax: 60n }
const signers = [bytesToHex(privateKeyAddress(sequencerKey))]
const nowSeconds = chain.genesis.l2Time + 1_000n
const topic = blockTopic(chain.l2ChainId, 3)
const taskOf = (data: Uint8Array) => ({ topic, version: 3 as const, data, signers, nowSeconds })

let inspector: Inspector | undefined
afterEach(async () => inspector?.stop())

async function started(): Promise<Inspector> {
  inspector = new Inspector(rules)
  await inspector.start()
  return inspector
}

test('a large block is validated without stopping the event loop', async () => {
  const transactions = Array.from({ length: 10_000 }, (_, i) => new Uint8Array(300).fill(i))
  const large = gossipMessage(chain, sealedBlock(chain, 1_000n, { transactions }))
  const thread = await started()
  let turns = 0
  let turning = setImmediate(function turn() {
    turns++
    turning = setImmediate(turn)
  })
  const { verdict } = await thread.inspect(taskOf(large))
  clearImmediate(turning)
  expect(verdict.kind).toBe('accept')
  expect(turns).toBeGreaterThan(10)
})

test('a message that is part of a frame is still whole afterwards', async () => {
  const message = gossipMessage(chain, sealedBlock(chain, 1_000n))
  const frame = Buffer.from(new Uint8Array([1, 2, 3, 4, 5, 6, ...message, 7]).buffer)
  const before = Buffer.from(frame)
  const { verdict } = await (await started()).inspect(taskOf(frame.subarray(6, 6 + message.length)))
  expect(verdict.kind).toBe('accept')
  expect(frame.equals(before)).toBe(true)
})

test('more messages than the queue holds are turned away at once', async () => {
  const thread = await started()
  const tasks = Array.from({ length: queueMessagesMax + 5 }, () => thread.inspect(taskOf(new Uint8Array(100))))
  const results = await Promise.allSettled(tasks)
  const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []))
  expect(refused).toHaveLength(5)
  expect(refused[0]).toMatchObject({ name: 'P2pError', code: 'busy' })
  expect(thread.queued).toBe(0)
})

test('messages in work when it stops are given up', async () => {
  const thread = await started()
  const result = thread.inspect(taskOf(new Uint8Array(100)))
  const given = expect(result).rejects.toMatchObject({ code: 'stopped' })
  await thread.stop()
  await given
})
