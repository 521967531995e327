import { UsageError } from '../../common/errors.ts'
import { chatTemplate, plainTemplate, type Template } from '../../inference/answer/template.ts'
import type { ModelTokenizer } from '../../inference/tokenizer/model-tokenizer.ts'

const mark = (special: string) => ({ special })
/** A turn behind the begin mark that bos, or the turn before, has left. */
const chatMlTurn = (role: string) => ({
  before: [`${role}\n`],
  after: [mark('<|im_end|>'), '\n', mark('<|im_start|>')],
})
const llama3Head = (role: string) => [mark('<|start_header_id|>'), role, mark('<|end_header_id|>'), '\n\n']
const llama3Turn = (role: string) => ({ before: llama3Head(role), after: [mark('<|eot_id|>')] })

/** Templates of models that were trained elsewhere, and our own. `chatml` is for those whose bos is `<|im_start|>`. */
export const templates = {
  plain: plainTemplate,
  chat: chatTemplate,
  chatml: {
    version: 1,
    name: 'chatml',
    roles: { system: chatMlTurn('system'), user: chatMlTurn('user'), assistant: chatMlTurn('assistant') },
    answer: ['assistant\n'],
    trim: false,
  },
  llama3: {
    version: 1,
    name: 'llama3',
    roles: { system: llama3Turn('system'), user: llama3Turn('user'), assistant: llama3Turn('assistant') },
    answer: llama3Head('assistant'),
    trim: true,
  },
} as const satisfies Readonly<Record<string, Template>>

export type TemplateName = keyof typeof templates | 'auto'

/** `auto` goes by the marks that the tokenizer has; without any it is our own chat. Throws {@link UsageError} for missing marks. */
export function templateFor(name: TemplateName, tokenizer: ModelTokenizer, bos: number): Template {
  const has = (mark: string) => tokenizer.special(mark) !== undefined
  const chatMl = has('<|im_end|>') && tokenizer.special('<|im_start|>') === bos
  if (name === 'chatml' && !chatMl) throw new UsageError("the model's bos is not <|im_start|>")
  if (name !== 'auto') return templates[name]
  if (chatMl) return templates.chatml
  if (has('<|start_header_id|>') && has('<|eot_id|>')) return templates.llama3
  return tokenizer.special('<|endoftext|>') === undefined ? templates.chat : templates.plain
}
