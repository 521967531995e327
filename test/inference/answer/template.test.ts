import { describe, expect, test } from 'vitest'
import {
  chatTemplate,
  decodeTemplate,
  encodeTemplate,
  inputTokens,
  plainTemplate,
  templateHash,
} from '../../../inference/answer/template.ts'

/** A letter is its code; `<end>` is token 7. */
const tokenizer = {
  encode: (text: string) => [...Buffer.from(text)],
  special: (name: string) => (name === '<end>' ? 7 : undefined),
}

describe('template', () => {
  test('a conversation becomes bos, the turns, and what stands before the answer', () => {
    const messages = [
      { role: 'system', text: 'S' },
      { role: 'user', text: ' A ' },
      { role: 'assistant', text: 'B' },
      { role: 'user', text: 'C' },
    ]
    expect(inputTokens(chatTemplate, tokenizer, 0, messages)).toEqual([0, 4, 83, 2, 65, 3, 66, 1, 2, 67, 3])
    expect(inputTokens(plainTemplate, tokenizer, 0, [{ role: 'user', text: ' A' }])).toEqual([0, 32, 65])
  })

  test('a message never makes a special token', () => {
    const named = { ...plainTemplate, roles: { user: { before: [{ special: '<end>' }], after: ['\n'] } } }
    const tokens = inputTokens(named, tokenizer, 0, [{ role: 'user', text: '<end>' }])
    expect(tokens).toEqual([0, 7, ...Buffer.from('<end>'), 10])
  })

  test('unknown roles and special tokens are refused', () => {
    const roleOf = (role: string) => () => inputTokens(chatTemplate, tokenizer, 0, [{ role, text: '' }])
    expect(roleOf('tool')).toThrow(expect.objectContaining({ code: 'template' }))
    expect(roleOf('toString')).toThrow(expect.objectContaining({ code: 'template' }))
    const unknown = { ...plainTemplate, answer: [{ special: '<none>' }] }
    expect(() => inputTokens(unknown, tokenizer, 0, [])).toThrow(expect.objectContaining({ code: 'template' }))
  })

  test('a file is the template that it was made of, under one hash', () => {
    for (const template of [plainTemplate, chatTemplate]) {
      expect(decodeTemplate(encodeTemplate(template))).toEqual(template)
    }
    expect(templateHash(encodeTemplate(plainTemplate))).not.toBe(templateHash(encodeTemplate(chatTemplate)))
  })

  test.each([
    ['text', 'hello'],
    ['another version', '{"version":2}'],
    ['no trim', '{"version":1,"name":"a","roles":{},"answer":[]}'],
    ['a role without after', '{"version":1,"name":"a","roles":{"user":{"before":[]}},"answer":[],"trim":false}'],
    ['a part of two kinds', '{"version":1,"name":"a","roles":{},"answer":[{"token":1,"special":"x"}],"trim":false}'],
    ['a negative token', '{"version":1,"name":"a","roles":{},"answer":[{"token":-1}],"trim":false}'],
    ['a list', '[]'],
  ])('%s is no template', (_, file) => {
    expect(() => decodeTemplate(Buffer.from(file))).toThrow(expect.objectContaining({ code: 'template' }))
  })
})
