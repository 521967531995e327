import { createHash } from 'node:crypto'
import type { Row, Value } from '../store/store.ts'
import { queryError } from './query-error.ts'

/** Binds a cursor to its list: used on another it is refused instead of giving a wrong page. */
export function cursorTag(list: unknown): string {
  const text = JSON.stringify(list, (_, value) => (value instanceof Uint8Array ? [...value] : value))
  return createHash('sha256').update(text).digest('base64url').slice(0, 8)
}

/** The key of `row` in an order by `key`, opaque to the client. */
export function encodeCursor(row: Row, key: readonly string[], tag: string): string {
  return Buffer.from(JSON.stringify([tag, ...key.map((column) => row[column])])).toString('base64url')
}

/** Throws BAD_INPUT for what {@link encodeCursor} did not write for the list of `tag`. */
export function decodeCursor(cursor: string, argument: string, tag: string, length: number): Value[] {
  const parts = parsed(cursor)
  const isCursor =
    Array.isArray(parts) &&
    parts.length === length + 1 &&
    parts.every((part) => typeof part === 'string' || typeof part === 'number')
  if (!isCursor) throw queryError('BAD_INPUT', `${argument} is no cursor of this list`)
  if (parts[0] !== tag) throw queryError('BAD_INPUT', `${argument} belongs to a list with another filter or order`)
  return parts.slice(1)
}

function parsed(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
  } catch {
    return undefined
  }
}
