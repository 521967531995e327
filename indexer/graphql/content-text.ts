import type { Value } from '../store/store.ts'
import type { QueryContext } from './context.ts'
import { queryError } from './query-error.ts'
import { rowBy } from './rows.ts'

/** Texts of one query together: each is read from disk and hashed while other queries wait. */
export const queryTextBytesMax = 4 * 1024 * 1024
/** A text longer than this is null: it is read from the content store by its hash. */
export const textBytesMax = 1024 * 1024

/** A text by its hash, checked; null where it is not in the content store or too long. Throws LIMIT_EXCEEDED. */
export async function contentText(hash: Value | undefined, context: QueryContext): Promise<string | null> {
  const { content, text } = context
  const size = Number((await rowBy(context, 'content', 'hash', hash))?.['size'] ?? Number.POSITIVE_INFINITY)
  if (content === undefined || size > textBytesMax) return null
  text.bytesLeft -= size
  if (text.bytesLeft < 0) {
    throw queryError('LIMIT_EXCEEDED', `a query may read ${queryTextBytesMax} bytes of texts; ask for fewer with first`)
  }
  const bytes = content.get(String(hash))
  return bytes === undefined ? null : new TextDecoder().decode(bytes)
}
