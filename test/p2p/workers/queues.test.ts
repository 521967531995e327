import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { silentLog } from '../../../common/log.ts'
import { type MessageHandlers, MessageQueues, queueLengthMax } from '../../../p2p/workers/message-queues.ts'
import {
  decodeSubmitAnswer,
  encodeSubmitAnswer,
  rejectCodes,
  type SubmitAnswer,
} from '../../../p2p/workers/submit/submit.ts'
import { submissionTaker } from '../../../p2p/workers/submit/take-submission.ts'
import type { Accepted } from '../../../p2p/workers/validation/worker-validator.ts'
import { heartbeat, proofAnnounce, verdict } from '../../../p2p/workers/wire/messages.ts'
import { word } from '../../fakes/worker-net.ts'

const zero = (message: { decode: (bytes: Uint8Array) => object; byteLength: number }) =>
  message.decode(new Uint8Array(message.byteLength))

function proof(n: number): Accepted {
  const value = { ...proofAnnounce.decode(new Uint8Array(proofAnnounce.byteLength)), requestId: word(n) }
  return { message: { kind: 'proof', value }, author: word(1), bytes: new Uint8Array(0), from: 'peer' }
}
function said(kind: 'heartbeat' | 'verdict', author: number, nonce: bigint): Accepted {
  const value = { ...zero(kind === 'heartbeat' ? heartbeat : verdict), nonce }
  return {
    message: { kind, value } as Accepted['message'],
    author: word(author),
    bytes: new Uint8Array(0),
    from: 'peer',
  }
}

function queuesOf(handlers: MessageHandlers) {
  const metrics = new Registry()
  return { queues: new MessageQueues(handlers, { log: silentLog, metrics }), metrics }
}
const turn = () => new Promise((resolve) => setImmediate(resolve))

test('a slow checker drops the newest proofs beyond its queue, and goes through the rest in order', async () => {
  let release = () => {}
  const gate = new Promise<void>((resolve) => (release = resolve))
  const seen: string[] = []
  const { queues } = queuesOf({
    proof: async ({ requestId }) => {
      await gate
      seen.push(requestId)
    },
  })
  const pushed = Array.from({ length: queueLengthMax + 10 }, (_, n) => queues.push(proof(n)))
  // One is with the handler, the queue is full, nine are dropped.
  expect(pushed.filter((taken) => !taken)).toHaveLength(9)
  expect(pushed.slice(0, queueLengthMax + 1).every((taken) => taken)).toBe(true)
  expect(queues.length('proof')).toBe(queueLengthMax)
  release()
  while (queues.length('proof') > 0) await turn()
  await turn()
  expect(seen).toEqual(Array.from({ length: queueLengthMax + 1 }, (_, n) => word(n)))
})

test('of heartbeats that wait only the latest of a worker is left; of verdicts the oldest goes first', async () => {
  let release = () => {}
  const gate = new Promise<void>((resolve) => (release = resolve))
  const beats: bigint[] = []
  const verdicts: bigint[] = []
  const { queues } = queuesOf({
    heartbeat: async ({ nonce }) => {
      await gate
      beats.push(nonce)
    },
    verdict: async ({ nonce }) => {
      await gate
      verdicts.push(nonce)
    },
  })
  for (let nonce = 0n; nonce < 10n; nonce++) queues.push(said('heartbeat', Number(nonce % 2n), nonce))
  for (let nonce = 0n; nonce < 4_100n; nonce++) queues.push(said('verdict', 1, nonce))
  release()
  while (queues.length('heartbeat') + queues.length('verdict') > 0) await turn()
  await turn()
  expect(beats).toEqual([0n, 9n, 8n].toSorted((a, b) => beats.indexOf(a) - beats.indexOf(b)))
  expect([verdicts[0], verdicts[1], verdicts.at(-1)]).toEqual([0n, 4n, 4_099n])
})

test('a handler that throws does not stop the queue, and one that is not there takes nothing', async () => {
  const seen: string[] = []
  const { queues } = queuesOf({
    proof: ({ requestId }) => {
      seen.push(requestId)
      if (seen.length === 1) throw new Error('once')
    },
  })
  expect([queues.push(proof(1)), queues.push(proof(2)), queues.push(said('verdict', 1, 1n))]).toEqual([
    true,
    true,
    false,
  ])
  await turn()
  expect(seen).toEqual([word(1), word(2)])
  queues.stop()
  expect(queues.push(proof(3))).toBe(false)
})

test.each([
  [{ result: 'accept', reason: '' }, { kind: 'accepted' }],
  [{ result: 'ignore', reason: 'duplicate' }, { kind: 'accepted' }],
  [
    { result: 'ignore', reason: 'author-rate' },
    { kind: 'busy', retryAfterMs: 2_000 },
  ],
  [
    { result: 'ignore', reason: 'parked' },
    { kind: 'busy', retryAfterMs: 2_000 },
  ],
  [
    { result: 'ignore', reason: 'closed' },
    { kind: 'rejected', code: 'closed' },
  ],
  [
    { result: 'ignore', reason: 'inactive-author' },
    { kind: 'rejected', code: 'not-admitted' },
  ],
  [
    { result: 'reject', reason: 'forged' },
    { kind: 'rejected', code: 'invalid' },
  ],
] as const)('a submission judged %o is answered %o', (outcome, answer) => {
  const take = (length: number, role: 'worker' | 'client') =>
    submissionTaker({
      admission: { role: () => role },
      validator: { outcome: () => outcome },
      queues: { length: () => length },
      onSubmit: undefined,
    })(new Uint8Array(proofAnnounce.byteLength), 'peer')
  expect(take(0, 'worker')).toEqual(answer)
  expect(take(queueLengthMax / 2, 'worker')).toEqual({ kind: 'busy', retryAfterMs: 2_000 })
  expect(take(0, 'client')).toEqual({ kind: 'rejected', code: 'not-admitted' })
})

test('each answer to a submission has one form on the wire', () => {
  const answers: SubmitAnswer[] = [
    { kind: 'accepted' },
    { kind: 'busy', retryAfterMs: 70_000 },
    ...rejectCodes.map((code) => ({ kind: 'rejected', code }) as const),
  ]
  for (const answer of answers) expect(decodeSubmitAnswer(encodeSubmitAnswer(answer))).toEqual(answer)
  for (const bytes of [[3, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0], [1, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 9], [0]])
    expect(() => decodeSubmitAnswer(Uint8Array.from(bytes))).toThrow()
})

test('the owner gets a message with the bytes that its author signed', async () => {
  const heard: Uint8Array[] = []
  const { queues } = queuesOf({ heartbeat: (_value, _from, bytes) => void heard.push(bytes) })
  const bytes = Uint8Array.of(1, 2, 3)
  queues.push({ ...said('heartbeat', 1, 1n), bytes })
  await turn()
  expect(heard).toEqual([bytes])
})
