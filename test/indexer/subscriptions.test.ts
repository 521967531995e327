import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { systemClock } from '../../common/clock.ts'
import { silentLog } from '../../common/log.ts'
import { IndexEvents, queuedEventsMax, subscribersMax } from '../../indexer/graphql/events.ts'
import { type RunningIndexer, startIndexer } from '../../indexer/indexer.ts'
import { address } from '../fakes/indexed-chain.ts'
import { createDatanet, IndexWorld, submit } from '../fakes/test-index.ts'
import { patienceMs } from '../fakes/until.ts'

const patience = { timeout: patienceMs }

let world: IndexWorld
let indexer: RunningIndexer
const streams: EventStream[] = []

beforeEach(async () => {
  world = await IndexWorld.start()
  world.chain.mine([createDatanet(1n)])
  indexer = await startIndexer(
    { dataDir: `${world.dir}/served`, l2Url: world.chain.url, host: '127.0.0.1', port: 0 },
    { log: silentLog, clock: systemClock },
  )
  await vi.waitFor(async () => expect(await metric('indexer_block')).toBe(1), patience)
})

afterEach(async () => {
  for (const stream of streams.splice(0)) stream.close()
  await indexer.stop()
  await world.stop()
})

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${indexer.url}/metrics`)).text()
  return Number(new RegExp(`^${name} (.+)$`, 'm').exec(text)?.[1])
}

/** What a browser's EventSource does, over a real connection. */
class EventStream {
  readonly #sent: ClientRequest
  // biome-ignore lint/suspicious/noExplicitAny: the test says what it expects by what it reads.
  readonly messages: any[] = []
  isEnded = false

  private constructor(sent: ClientRequest, response: IncomingMessage) {
    this.#sent = sent
    let text = ''
    response.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8')
      for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
        const data = /^data: (\{.*)$/m.exec(text.slice(0, end))?.[1]
        if (data !== undefined) this.messages.push(JSON.parse(data))
        text = text.slice(end + 2)
      }
    })
    response.on('close', () => {
      this.isEnded = true
    })
    response.on('error', () => {})
  }

  static async open(query: string): Promise<EventStream> {
    const url = `${indexer.url}/graphql?query=${encodeURIComponent(query)}`
    const sent = request(url, { headers: { accept: 'text/event-stream' }, agent: false })
    sent.on('error', () => {})
    sent.end()
    const response = await new Promise<IncomingMessage>((resolve) => sent.once('response', resolve))
    const stream = new EventStream(sent, response)
    streams.push(stream)
    return stream
  }

  close(): void {
    this.#sent.destroy()
  }
}

describe('subscriptions over SSE', () => {
  test('a new block, its labels and a reorg are pushed, in order', async () => {
    const chainEvents = await EventStream.open(
      'subscription { chain { kind number from block { hash transactions { nodes { from } } } } }',
    )
    const labels = await EventStream.open('subscription { attributionLabels { code status transaction { from } } }')
    await vi.waitFor(async () => expect(await metric('indexer_subscribers')).toBe(2), patience)
    const [a, b] = [address(0xa1), address(0xb2)]
    world.chain.mine([submit(1n, 1n, a, 'one')])
    await vi.waitFor(() => expect(chainEvents.messages).toHaveLength(1), patience)
    const old = world.chain.head.hash
    world.chain.drop(1)
    world.chain.mine([submit(1n, 1n, b, 'other')])
    world.chain.mine([])
    await vi.waitFor(() => expect(chainEvents.messages).toHaveLength(4), patience)
    const [first, second, third, fourth] = chainEvents.messages.map((message) => message.data.chain)
    const by = (from: string) => ({ nodes: [{ from }] })
    expect(first).toEqual({ kind: 'block', number: 2, from: null, block: { hash: old, transactions: by(a) } })
    expect(second).toEqual({ kind: 'reorg', number: 1, from: 2, block: null })
    expect(third).toMatchObject({ kind: 'block', number: 2, block: { transactions: by(b) } })
    expect(fourth).toMatchObject({ kind: 'block', number: 3, block: { hash: world.chain.head.hash } })
    await vi.waitFor(() => expect(labels.messages).toHaveLength(2), patience)
    expect(labels.messages.map((message) => message.data.attributionLabels)).toEqual(
      [a, b].map((from) => ({ code: 'app', status: 'linked', transaction: { from } })),
    )
  })

  test('a client that goes away frees its place at once, though no event ever comes', async () => {
    const opened = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        EventStream.open(`subscription { ${i % 2 === 0 ? 'chain { kind }' : 'attributionLabels { id }'} }`),
      ),
    )
    await vi.waitFor(async () => expect(await metric('indexer_subscribers')).toBe(20), patience)
    for (const stream of opened) stream.close()
    await vi.waitFor(async () => expect(await metric('indexer_subscribers')).toBe(0), patience)
  })

  test('a subscription that is refused says why', async () => {
    const stream = await EventStream.open('subscription { chain { nothing } }')
    await vi.waitFor(() => expect(stream.messages).toHaveLength(1), patience)
    expect(stream.messages[0].errors[0].extensions.code).toBe('BAD_QUERY')
    expect(await metric('indexer_subscribers')).toBe(0)
  })

  test('a stop ends the streams and does not wait for their clients', async () => {
    const stream = await EventStream.open('subscription { chain { kind } }')
    await indexer.stop()
    await vi.waitFor(() => expect(stream.isEnded).toBe(true), patience)
  })
})

describe('subscribers', () => {
  const block = { kind: 'block', number: 1, hash: '0x' } as const

  test('are bounded, and a place that is left is taken again', async () => {
    const events = new IndexEvents()
    const all = Array.from({ length: subscribersMax }, () => events.subscribe(() => [1]))
    const refused = expect.objectContaining({ extensions: { code: 'LIMIT_EXCEEDED' } })
    expect(() => events.subscribe(() => [1])).toThrow(refused)
    await all[0]?.return?.()
    expect(events.size).toBe(subscribersMax - 1)
    events.subscribe(() => [1])
  })

  test('that do not read are cut with a code, and hold nothing back from those that do', async () => {
    const events = new IndexEvents()
    const slow = events.subscribe(() => [1])
    const quick = events.subscribe((event) => [event.kind])
    for (let i = 0; i <= queuedEventsMax; i++) {
      events.publish(block)
      expect((await quick.next()).value).toBe('block')
    }
    expect(events.size).toBe(1)
    await expect(slow.next()).rejects.toMatchObject({ extensions: { code: 'LIMIT_EXCEEDED' } })
    expect(await slow.next()).toEqual({ done: true, value: undefined })
  })

  test('that wait are ended by return and by stop', async () => {
    const events = new IndexEvents()
    const [first, second] = [events.subscribe(() => [1]), events.subscribe(() => [1])]
    const waiting = [first.next(), second.next()]
    await first.return?.()
    events.stop()
    expect(await Promise.all(waiting)).toEqual(
      [{ done: true }, { done: true }].map((end) => ({ ...end, value: undefined })),
    )
    expect(events.size).toBe(0)
  })
})
