import { slotsMax, weightMax } from '../../inference/adapter/adapter.ts'
import { stopList } from '../../inference/answer/stops.ts'
import type { Message } from '../../inference/answer/template.ts'
import { InferenceError } from '../../inference/inference-error.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { Adapter } from '../../protocol/inference-request.ts'
import { ProxyError } from './proxy-error.ts'

/** A request as OpenAI's clients send it, of what this endpoint serves. */
export type ChatRequest = {
  /** As it was sent: name of a model, and of adapters on it. */
  readonly model: string
  readonly base: string
  readonly adapters: readonly Adapter[]
  /** One message of role `user` for a plain completion. */
  readonly messages: readonly Message[]
  readonly isChat: boolean
  readonly maxTokens: number | undefined
  readonly tempQ16: number
  readonly topPQ16: number
  readonly topK: number
  readonly stops: readonly Uint8Array[]
  readonly stream: boolean
}

const temperatureMax = 100
const maxTokensMax = 2 ** 15
/** Fields that change an answer and that are not served: taken silently they would lie. */
const unserved = [
  'tools',
  'functions',
  'logit_bias',
  'logprobs',
  'response_format',
  'presence_penalty',
  'frequency_penalty',
  'echo',
  'suffix',
]
/** Numbers of answers, of which there is one. */
const counts = ['n', 'best_of']

/** Throws {@link ProxyError} naming the field. */
export function readChatRequest(body: unknown, isChat: boolean): ChatRequest {
  if (typeof body !== 'object' || body === null) throw bad('the body must be a JSON object')
  const field = (name: string): unknown => Reflect.get(body, name) ?? undefined
  for (const name of unserved) {
    const value = field(name)
    if (value !== undefined && value !== 0 && value !== false) throw bad(`${name} is not served here`)
  }
  for (const name of counts) {
    if (field(name) !== undefined && field(name) !== 1) throw bad(`${name} must be 1`)
  }
  if (field('seed') !== undefined) throw bad('seed is not served here: it follows from the request and the worker')
  const model = field('model')
  if (typeof model !== 'string') throw bad('model must be a string')
  const real = (name: string, min: number, max: number, fallback: number): number => {
    const value = field(name) ?? fallback
    if (typeof value !== 'number' || !(value >= min && value <= max)) throw bad(`${name} must be ${min} to ${max}`)
    return value
  }
  const whole: typeof real = (name, min, max, fallback) => {
    const value = real(name, min, max, fallback)
    if (!Number.isInteger(value)) throw bad(`${name} must be a whole number`)
    return value
  }
  const maxTokens = field('max_completion_tokens') ?? field('max_tokens')
  if (
    maxTokens !== undefined &&
    !(Number.isInteger(maxTokens) && Number(maxTokens) >= 1 && Number(maxTokens) <= maxTokensMax)
  ) {
    throw bad(`max_tokens must be a whole number from 1 to ${maxTokensMax}`)
  }
  return {
    ...{
      model,
      ...readModel(model),
      isChat,
      messages: isChat ? readMessages(field('messages')) : [readPrompt(field('prompt'))],
    },
    maxTokens: maxTokens === undefined ? undefined : Number(maxTokens),
    tempQ16: Math.round(real('temperature', 0, temperatureMax, 1) * 65_536),
    topPQ16: Math.max(1, Math.round(real('top_p', 0, 1, 1) * 65_536)),
    topK: whole('top_k', 0, 65_535, 0),
    stops: readStops(field('stop')),
    stream: readSwitch('stream', field('stream')),
  }
}

/** `NAME`, or `NAME+ROOT` or `NAME+ROOT:WEIGHT` for answers with adapters, in that order. */
function readModel(model: string): Pick<ChatRequest, 'base' | 'adapters'> {
  const [base = '', ...added] = model.split('+')
  if (added.length > slotsMax) throw bad(`model names ${added.length} adapters, at most ${slotsMax}`)
  const adapters = added.map((each) => {
    const { root, weight = String(weightMax) } =
      /^(?<root>0x[0-9a-f]{64})(:(?<weight>\d{1,5}))?$/i.exec(each)?.groups ?? {}
    if (root === undefined || Number(weight) > weightMax)
      throw bad(`model names adapters as NAME+ROOT or NAME+ROOT:WEIGHT, a hash and a number up to ${weightMax}`)
    return { root: root.toLowerCase() as Hex, weight: Number(weight) }
  })
  return { base, adapters }
}

function readSwitch(name: string, value: unknown): boolean {
  if (value !== undefined && typeof value !== 'boolean') throw bad(`${name} must be true or false`)
  return value === true
}

function readMessages(value: unknown): Message[] {
  if (!Array.isArray(value) || value.length === 0) throw bad('messages must be a list')
  return value.map((each: unknown) => {
    const [role, content] = [Reflect.get(Object(each), 'role'), Reflect.get(Object(each), 'content')]
    if (typeof role !== 'string' || typeof content !== 'string') throw bad('a message needs role and content, as text')
    return { role, text: content }
  })
}

function readPrompt(value: unknown): Message {
  if (typeof value !== 'string') throw bad('prompt must be text')
  return { role: 'user', text: value }
}

function readStops(value: unknown): readonly Uint8Array[] {
  if (value === undefined) return []
  const list = Array.isArray(value) ? (value as unknown[]) : [value]
  if (!list.every((each): each is string => typeof each === 'string')) throw bad('stop must be text or a list of texts')
  try {
    return stopList(list)
  } catch (error) {
    if (error instanceof InferenceError) throw bad(error.message)
    throw error
  }
}

const bad = (why: string) => new ProxyError('invalid_request_error', why)
