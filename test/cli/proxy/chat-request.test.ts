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
