import { chatTemplate, inputTokens, type Message } from '../../inference/answer/template.ts'
import type { Document } from './document.ts'

/** Tokens without text: bos, eos, user, assistant, system, and three spare; see `chatTemplate`. */
export const specials = 8
export const [bos, eos] = [0, 1]

/** A document's tokens: text from bos to eos, a talk as the template has it. */
export function documentTokens(tokenizer: { encode(text: string): number[] }, document: Document): number[] {
  if (document.kind === 'text') return [bos, ...tokenizer.encode(document.text), eos]
  const messages: Message[] = [
    ...(document.system === undefined ? [] : [{ role: 'system', text: document.system }]),
    ...document.turns.flatMap(({ question, answer }) => [
      { role: 'user', text: question },
      { role: 'assistant', text: answer },
    ]),
  ]
  const asked = inputTokens(
    chatTemplate,
    { encode: (text) => tokenizer.encode(text), special: () => undefined },
    bos,
    messages,
  )
  // Of a finished talk nothing stands before a next answer.
  return asked.slice(0, asked.length - chatTemplate.answer.length)
}

/** Bytes that a document's tokens stand for. */
export function textBytes(document: Document): number {
  return Buffer.byteLength(textOf(document))
}

export function textOf(document: Document): string {
  if (document.kind === 'text') return document.text
  return [document.system ?? '', ...document.turns.flatMap(({ question, answer }) => [question, answer])].join('\n')
}
