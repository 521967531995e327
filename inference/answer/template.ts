import type { Hex } from '../../protocol/bytes.ts'
import { contentHash } from '../../protocol/content-hash.ts'
import { InferenceError } from '../inference-error.ts'

/** Text, or a special token by its number or its name in the tokenizer. */
export type TemplatePart = string | { readonly token: number } | { readonly special: string }

/** How input tokens are made of messages. docs/canonical-inference.md §11. */
export type Template = {
  readonly version: 1
  readonly name: string
  /** What stands around a message of each role. */
  readonly roles: {
    readonly [role: string]: { readonly before: readonly TemplatePart[]; readonly after: readonly TemplatePart[] }
  }
  /** What stands before the answer. */
  readonly answer: readonly TemplatePart[]
  /** Whether blanks around a message's text are left out. */
  readonly trim: boolean
}

export type Message = { readonly role: string; readonly text: string }

/** What a template needs of a tokenizer. */
export type TemplateTokenizer = {
  encode(text: string): number[]
  /** Token of a special one's name. */
  special(name: string): number | undefined
}

/** The text alone. */
export const plainTemplate: Template = {
  version: 1,
  name: 'plain',
  roles: { user: { before: [], after: [] } },
  answer: [],
  trim: false,
}

/** Turns of a conversation between special tokens 2 (user), 3 (assistant), 4 (system); each answer ends with eos, 1. */
export const chatTemplate: Template = {
  version: 1,
  name: 'chat',
  roles: {
    system: { before: [{ token: 4 }], after: [] },
    user: { before: [{ token: 2 }], after: [] },
    assistant: { before: [{ token: 3 }], after: [{ token: 1 }] },
  },
  answer: [{ token: 3 }],
  trim: true,
}

/** A template as the file that its hash names. */
export function encodeTemplate(template: Template): Uint8Array {
  const { version, name, roles, answer, trim } = template
  return new TextEncoder().encode(`${JSON.stringify({ version, name, roles, answer, trim }, null, 2)}\n`)
}

/** `templateHash` of a request. */
export function templateHash(file: Uint8Array): Hex {
  return contentHash(file)
}

/** Throws {@link InferenceError} for a file that is not a template. */
export function decodeTemplate(file: Uint8Array): Template {
  const value = parseJson(file)
  if (!isRecord(value) || value['version'] !== 1) throw new InferenceError('template', 'not a template of version 1')
  const { name, roles, answer, trim } = value
  const isParts = (list: unknown): list is TemplatePart[] => Array.isArray(list) && list.every(isPart)
  const isRole = (role: unknown) => isRecord(role) && isParts(role['before']) && isParts(role['after'])
  if (typeof name !== 'string' || typeof trim !== 'boolean' || !isParts(answer)) {
    throw new InferenceError('template', 'a template needs a name, trim and the parts before an answer')
  }
  if (!isRecord(roles) || !Object.values(roles).every(isRole)) {
    throw new InferenceError('template', `template ${name}: every role needs the parts before and after a message`)
  }
  return { version: 1, name, roles: roles as Template['roles'], answer, trim }
}

/**
 * Input tokens: bos, then each message between the parts of its role, then what stands before the answer. A message's text is
 * encoded apart, so that it never makes a special token. Throws {@link InferenceError} for a role or special token that there is not.
 */
export function inputTokens(
  template: Template,
  tokenizer: TemplateTokenizer,
  bos: number,
  messages: readonly Message[],
): number[] {
  const parts = (list: readonly TemplatePart[]) => list.flatMap((part) => partTokens(part, tokenizer))
  const tokens = messages.flatMap(({ role, text }) => {
    const around = Object.hasOwn(template.roles, role) ? template.roles[role] : undefined
    if (around === undefined) throw new InferenceError('template', `template ${template.name} has no role ${role}`)
    return [...parts(around.before), ...tokenizer.encode(template.trim ? text.trim() : text), ...parts(around.after)]
  })
  return [bos, ...tokens, ...parts(template.answer)]
}

function partTokens(part: TemplatePart, tokenizer: TemplateTokenizer): number[] {
  if (typeof part === 'string') return tokenizer.encode(part)
  if ('token' in part) return [part.token]
  const token = tokenizer.special(part.special)
  if (token === undefined) throw new InferenceError('template', `the tokenizer has no special token ${part.special}`)
  return [token]
}

function isPart(part: unknown): part is TemplatePart {
  if (typeof part === 'string') return true
  if (!isRecord(part) || Object.keys(part).length !== 1) return false
  return typeof part['special'] === 'string' || (Number.isInteger(part['token']) && (part['token'] as number) >= 0)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parseJson(file: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(file))
  } catch (error) {
    throw new InferenceError('template', 'a template is a JSON file', { cause: error })
  }
}
