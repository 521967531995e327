import type { Hex } from '../../protocol/bytes.ts'
import type { Spoken } from './contracts.ts'
import { errorTexts } from './error-texts.ts'
import { eventTexts } from './event-texts.ts'
import { asText, licenceUnits } from './licence-words.ts'
import { Amount, Time, toJson } from './values.ts'

/** What a contract's error means and what to do. One without words is shown by name with its arguments. */
export function errorWords(error: Spoken): string {
  return wordsOf(errorTexts, error)
}

/** What happened, in words. */
export function eventWords(event: Spoken): string {
  return wordsOf(eventTexts, event)
}

/** Text with the values of `{name}`, `{name:open}` (wei), `{name:time}` (Unix seconds), `{name:text}` (ASCII in a word) and the units of licence-words.ts. */
export function fill(text: string, args: Readonly<Record<string, unknown>>): string {
  return text.replace(/\{(\w+)(?::(\w+))?\}/g, (_, name: string, unit: string | undefined) => {
    const value = args[name]
    if (unit === 'open') return String(new Amount(BigInt(value as bigint)))
    if (unit === 'time') return String(new Time(BigInt(value as bigint)))
    if (unit === 'text') return asText(value as Hex)
    return licenceUnits[unit ?? '']?.(value) ?? shown(value)
  })
}

/** Of two errors with one name, that of the contract named is meant. */
function wordsOf(texts: Readonly<Record<string, string>>, { contract, name, args }: Spoken): string {
  const text = texts[`${contract}.${name}`] ?? texts[name]
  if (text !== undefined) return fill(text, args)
  const list = Object.entries(args).map(([arg, value]) => `${arg} ${shown(value)}`)
  return list.length === 0 ? name : `${name}: ${list.join(', ')}`
}

function shown(value: unknown): string {
  return typeof value === 'object' ? toJson(value) : String(value)
}
