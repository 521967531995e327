import fc from 'fast-check'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { MessageAuthor } from '../../../p2p/workers/message-author.ts'
import type { WorkerBook } from '../../../p2p/workers/registry-view.ts'
import { parkedMax, WorkerValidator } from '../../../p2p/workers/validation/worker-validator.ts'
import { heartbeat, proofAnnounce, verdict } from '../../../p2p/workers/wire/messages.ts'
import { networkSeparator } from '../../../p2p/workers/wire/signed-message.ts'
import { topicNames } from '../../../p2p/workers/wire/topics.ts'
import type { Deed } from '../../../p2p/workers/worker-deeds.ts'
import type { Hex } from '../../../protocol/bytes.ts'
import { ManualClock } from '../../fakes/manual-clock.ts'
import { account, accountKey, announced, announcement, bookOf, netChain, word } from '../../fakes/worker-net.ts'

type State = 'open' | 'closed' | 'unknown'

function world(globalPerSecond = 2_000) {
  const clock = new ManualClock()
  const state = {
    book: bookOf(
      [1, 2].map((n) => account(n).address),
      [account(9).address],
    ),
    job: 'open' as State,
    deeds: [] as Deed[],
    accepted: [] as Uint8Array[],
    evidence: [] as { readonly first: Uint8Array; readonly second: Uint8Array; readonly author: Hex }[],
  }
  const validator = new WorkerValidator(
    { chainId: netChain, globalRate: { perSecond: globalPerSecond, burst: globalPerSecond } },
    {
      clock,
      metrics: new Registry(),
      registry: {
        worker: (address) => state.book.worker(address),
        isChecker: (address) => state.book.isChecker(address),
      },
      jobs: { state: () => state.job },
      count: (_, deed) => void state.deeds.push(deed),
      onAccepted: ({ bytes }) => void state.accepted.push(bytes),
      onEvidence: (found) => void state.evidence.push(found),
    },
  )
  const author = (n: number) => new MessageAuthor(netChain, account(n), clock)
  const outcome = (bytes: Uint8Array, topic: (typeof topicNames)[number] = 'proofs') => {
    const { result, reason } = validator.outcome('peer', topic, bytes)
    return reason === '' ? result : `${result} ${reason}`
  }
  return { clock, state, validator, author, outcome }
}

/** An announcement with fields as they are given, head and tail too. */
function raw(n: number, change: object): Uint8Array {
  const value = {
    version: 1,
    chainId: netChain,
    nonce: 1n,
    expiry: 60n,
    ...announced(account(n).address, 1),
    ...change,
  }
  return proofAnnounce.sign(value, networkSeparator(netChain), accountKey(n))
}

test('a good announcement is accepted once; again it is a duplicate that nobody is blamed for', () => {
  const { author, outcome, state } = world()
  const bytes = announcement(author(1), 1)
  expect([outcome(bytes), outcome(bytes)]).toEqual(['accept', 'ignore duplicate'])
  expect(state.deeds).toEqual([])
  expect(state.accepted).toHaveLength(1)
})

test('of no topic anything but the exact lengths is looked at', () => {
  const { outcome, state } = world()
  const lengths = { jobs: [266], proofs: [315], verdicts: [212], workers: [133, 337] } as const
  for (const topic of topicNames) {
    const odd = fc
      .uint8Array({ maxLength: 600 })
      .filter(({ length }) => !lengths[topic].some((known) => known === length))
    fc.assert(fc.property(odd, (bytes) => outcome(bytes, topic) === 'reject length'))
  }
  expect(new Set(state.deeds)).toEqual(new Set(['malformed']))
  const exact = fc.constantFrom(...topicNames.flatMap((topic) => lengths[topic].map((length) => ({ topic, length }))))
  fc.assert(
    fc.property(exact, fc.infiniteStream(fc.nat({ max: 255 })), ({ topic, length }, stream) => {
      const bytes = Uint8Array.from({ length }, () => stream.next().value ?? 0)
      expect(outcome(bytes, topic)).not.toBe('accept')
    }),
  )
})

test.each([
  ['another version', { version: 2 }, 'reject chain'],
  ['another chain', { chainId: netChain + 1n }, 'reject chain'],
  ['an origin that is none', { origin: 2 }, 'reject values'],
  ['a class that is none', { class: 6 }, 'reject values'],
  ['an empty proof', { proofBytes: 0 }, 'reject values'],
  ['a proof beyond the limit', { proofBytes: 64 * 1024 * 1024 + 1 }, 'reject values'],
  ['an expiry too far ahead', { expiry: 126n }, 'reject too-far'],
  ['no stake', { worker: account(3).address }, 'ignore unknown-author'],
  ['another’s name', { worker: account(2).address }, 'reject forged'],
])('refused: %s', (_, change, wanted) => {
  expect(world().outcome(raw(1, change))).toBe(wanted)
})

test('what has just expired may be a clock that is off; later it counts against the peer', () => {
  const { clock, outcome, state } = world()
  const bytes = raw(1, { expiry: 10n })
  clock.advance(14_000)
  expect(outcome(bytes)).toBe('ignore just-expired')
  expect(state.deeds).toEqual([])
  clock.advance(2_000)
  expect(outcome(bytes)).toBe('reject expired')
  expect(state.deeds).toEqual(['untimely'])
})

test('a forged message uses up nothing of the author: neither its nonces nor its rate', () => {
  const { outcome } = world()
  for (let nonce = 0; nonce < 200; nonce++) {
    const bytes = raw(1, { nonce: BigInt(1_000 + nonce), worker: account(2).address })
    expect(outcome(bytes)).toBe('reject forged')
  }
  expect(outcome(raw(2, { nonce: 1n }))).toBe('accept')
})

test('nonces may come out of order within 64, each once, and never from before that', () => {
  const { clock, outcome } = world()
  const each = (nonce: number) => {
    clock.advance(1_000)
    return outcome(raw(1, { nonce: BigInt(nonce), expiry: BigInt(Math.floor(clock.nowMs() / 1_000) + 30) }))
  }
  expect(each(100)).toBe('accept')
  expect(each(37)).toBe('accept')
  expect(each(36)).toBe('ignore replayed')
  expect(each(99)).toBe('accept')
  expect(each(1_000)).toBe('accept')
  expect(each(100)).toBe('ignore replayed')
})

test('two messages under one nonce are evidence, kept whole, whichever comes first; a forged second is none', () => {
  const { outcome, state } = world()
  const [first, second] = [raw(1, { nonce: 5n }), raw(1, { nonce: 5n, outputRoot: word(77) })]
  const forged = new Uint8Array(second)
  forged[200] = (forged[200] ?? 0) ^ 1
  expect([outcome(first), outcome(forged), outcome(second)]).toEqual(['accept', 'reject forged', 'reject equivocation'])
  expect(state.evidence).toEqual([{ kind: 'proof', author: account(1).address, first, second }])
})

test('a worker says 40 things at once and 20 a second; what is beyond that costs the peer nothing', () => {
  const { author, outcome, state, clock } = world()
  const one = author(1)
  const results = Array.from({ length: 60 }, (_, i) => outcome(announcement(one, i)))
  expect(results.filter((result) => result === 'accept')).toHaveLength(40)
  expect(results.at(-1)).toBe('ignore author-rate')
  expect(outcome(announcement(author(2), 1))).toBe('accept')
  clock.advance(1_000)
  expect(
    Array.from({ length: 30 }, (_, i) => outcome(announcement(one, i))).filter((r) => r === 'accept'),
  ).toHaveLength(20)
  expect(state.deeds).toEqual([])
})

test('no more signatures are looked at than the whole node’s limit', () => {
  const { author, outcome } = world(10)
  const one = author(1)
  expect(Array.from({ length: 12 }, (_, i) => outcome(announcement(one, i))).slice(9)).toEqual([
    'accept',
    'ignore busy',
    'ignore busy',
  ])
})

test('a worker in jail, or one that unbonds its stake, is not heard; verdicts are heard of checkers only', () => {
  const { author, outcome, state } = world()
  const said = (n: number) =>
    author(n).message(
      verdict,
      {
        requestId: word(1),
        checker: account(n).address,
        worker: account(1).address,
        proofHash: word(5),
        kind: 0,
        slab: 0,
        op: 0,
        position: 0,
        part: 0,
        row: 0,
      },
      60,
    )
  expect([outcome(said(9), 'verdicts'), outcome(said(1), 'verdicts')]).toEqual(['accept', 'ignore unknown-author'])
  const book: WorkerBook = state.book
  book.apply({ kind: 'jailed', worker: account(1).address })
  book.apply({ kind: 'unbonding', worker: account(2).address, amount: 1n })
  expect([1, 2].map((n) => outcome(announcement(author(n), 1)))).toEqual([
    'ignore inactive-author',
    'ignore inactive-author',
  ])
  book.apply({ kind: 'unjailed', worker: account(1).address })
  expect(outcome(announcement(author(1), 2))).toBe('accept')
})

test('an announcement of a request that our head does not know waits for it, and only so many do', () => {
  const { clock, outcome, state, validator } = world()
  state.job = 'unknown'
  const bytes = raw(1, { origin: 1, nonce: 1n })
  expect(outcome(bytes)).toBe('ignore parked')
  for (let nonce = 2; nonce <= parkedMax; nonce++) {
    clock.advance(50)
    outcome(raw(1, { origin: 1, nonce: BigInt(nonce) }))
  }
  expect(outcome(raw(1, { origin: 1, nonce: 5_000n }))).toBe('ignore park-full')
  expect(validator.parked).toBe(parkedMax)
  expect(state.accepted).toEqual([])
  state.job = 'open'
  validator.retryParked()
  // Of their nonces only the last 64 may come out of order; they came in order.
  expect(state.accepted).toHaveLength(parkedMax)
  expect(validator.parked).toBe(0)
  state.job = 'closed'
  expect(outcome(raw(2, { origin: 1, nonce: 1n }))).toBe('ignore closed')
})

test('a forged announcement of a request that is not known takes no place, least of all that of the true one', () => {
  const { outcome, state, validator } = world()
  state.job = 'unknown'
  const [bytes, other] = [raw(1, { origin: 1, nonce: 1n }), raw(1, { origin: 1, nonce: 2n })]
  expect(outcome(bytes)).toBe('ignore parked')
  const spoilt = bytes.slice()
  spoilt[100] = (spoilt[100] ?? 0) ^ 1
  expect(outcome(spoilt)).toBe('reject forged')
  for (let i = 0; i < 40; i++) outcome(other)
  expect(outcome(other)).toBe('ignore author-rate')
  state.job = 'open'
  validator.retryParked()
  expect(state.accepted).toEqual([bytes, other])
})

test('a kind of message does not use up the nonces of another', () => {
  const { outcome, clock } = world()
  const one = new MessageAuthor(netChain, account(1), clock)
  const beat = one.message(
    heartbeat,
    { worker: one.address, running: 1, queued: 0, tokensPerMinute: 60, block: 1n, capability: 0n },
    60,
  )
  expect(outcome(raw(1, { nonce: 2n ** 60n }))).toBe('accept')
  expect(outcome(beat, 'workers')).toBe('accept')
})
