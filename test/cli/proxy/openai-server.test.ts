import { once } from 'node:events'
import { get, request } from 'node:http'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { AskEvent } from '../../../cli/proxy/ask-worker.ts'
import { OpenAiServer } from '../../../cli/proxy/openai-server.ts'
import type { ServedModel } from '../../../cli/proxy/served-models.ts'
import { silentLog } from '../../../common/log.ts'

let server: OpenAiServer
let port: number
let events: (signal: AbortSignal) => AsyncGenerator<AskEvent>

beforeEach(async () => {
  // Names are all that is asked of a model here.
  const models = () => [{ names: ['base'] }] as unknown as ServedModel[]
  const asker = { ask: (_model: unknown, _chat: unknown, signal: AbortSignal) => events(signal) }
  server = new OpenAiServer({ asker, models, nowMs: () => 0, log: silentLog })
  port = await server.listen('127.0.0.1', 0)
})
afterEach(() => server.close())

const post = (body: string) =>
  fetch(`http://127.0.0.1:${port}/v1/completions`, { method: 'POST', body }).then((answer) => answer.status)
const asked = JSON.stringify({ model: 'base', prompt: 'a', stream: true })

test('clients that are gone in the midst of a stream keep no place, even where more of it comes', async () => {
  let ended = 0
  events = async function* (signal) {
    try {
      yield { kind: 'text', text: 'a' }
      if (!signal.aborted) await once(signal, 'abort')
      // What had come before the end was heard of.
      yield { kind: 'text', text: 'b' }
    } finally {
      ended++
    }
  }
  const clients = Array.from({ length: 64 }, async () => {
    const client = request({ port, method: 'POST', path: '/v1/completions', agent: false })
    client.on('error', () => undefined)
    client.end(asked)
    await once(client, 'response')
    client.destroy()
  })
  await Promise.all(clients)
  events = async function* () {}
  while (ended < 64) await new Promise((resolve) => setImmediate(resolve))
  expect(await post(asked)).toBe(200)
})

test.each([
  ['no JSON', '{"model":'],
  ['no object', '7'],
  ['a list', '[]'],
  ['nothing', ''],
  ['bytes that are no text', '\u0000\ud800'],
  ['an unknown model', '{"model":"other","prompt":"a"}'],
  ['a name of the language', '{"model":"__proto__","prompt":"a"}'],
])('a body of %s is refused by name', async (_, body) => {
  expect([400, 404]).toContain(await post(body))
})

test.each(['//', '/v1/models/..//', '*', '/?', 'http://[', '/v1/completions/'])('the path %s is none', async (path) => {
  const asking = get({ port, path, agent: false })
  const [answer] = (await once(asking, 'response')) as [{ statusCode: number; resume(): void }]
  answer.resume()
  expect(answer.statusCode).toBe(404)
})
