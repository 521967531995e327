import { expect, test } from 'vitest'
import { readChatRequest } from '../../../cli/proxy/chat-request.ts'

const read = (model: string) => readChatRequest({ model, prompt: 'What is a river?' }, false)
const root = `0x${'ab'.repeat(32)}`

test('a model’s name alone asks for no adapter, and the answer tells the name as it was sent', () => {
  expect(read('base')).toMatchObject({ model: 'base', base: 'base', adapters: [] })
  expect(read(`base+${root}`)).toMatchObject({
    model: `base+${root}`,
    base: 'base',
    adapters: [{ root, weight: 65_535 }],
  })
})

test.each([
  ['no root', 'base+'],
  ['a root too short', `base+${root.slice(0, -1)}`],
  ['no weight', `base+${root}:`],
  ['a weight above 65535', `base+${root}:65536`],
  ['a weight that is no whole number', `base+${root}:0.5`],
  ['five of them', `base${`+${root}`.repeat(5)}`],
])('adapters with %s are refused, not left out', (_, name) => {
  expect(() => read(name)).toThrow(/adapters/)
})

test.each([
  ['stream', 'yes'],
  ['stream', 1],
  ['seed', 0],
  ['n', 2],
  ['n', true],
  ['best_of', 3],
  ['echo', true],
  ['suffix', 'x'],
  ['top_k', 0.4],
  ['top_k', -1],
  ['top_p', 2],
  ['temperature', '1'],
  ['temperature', -0.1],
  ['max_tokens', -5],
  ['max_tokens', 1.5],
  ['max_tokens', 1e9],
  ['stop', [1]],
  ['stop', ''],
  ['stop', ['a', 'b', 'c', 'd', 'e']],
  ['stop', '\u{1f600}'.repeat(9)],
  ['prompt', ['a']],
  ['tools', []],
])('%s of %j is refused by its name, not left out', (name, value) => {
  const request = () => readChatRequest({ model: 'base', prompt: 'What is a river?', [name]: value }, false)
  expect(request).toThrow(expect.objectContaining({ code: 'invalid_request_error', status: 400 }))
  expect(request).toThrow(name === 'stop' ? /stop/ : name)
})
