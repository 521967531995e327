import { termsOf } from '../terms.ts'
import { RetrievalError } from './retrieval-error.ts'

/** Terms of a passage: a few sentences, so that several fit a prompt. */
export const passageTerms = 64
/** Start and length of a citation are u32. */
export const contentBytesMax = 2 ** 32 - 1

export type RetrievalDocument = { readonly contribId: bigint; readonly content: Uint8Array }

/** Bytes start … end − 1 of a contribution's content. */
export type Passage = { readonly contribId: bigint; readonly start: number; readonly end: number }

export type PassageText = Passage & { readonly terms: readonly string[] }

/** A content in passages of 64 terms, from the first letter of one to the last of another. Throws {@link RetrievalError}. */
export function passagesOf({ contribId, content }: RetrievalDocument): PassageText[] {
  checkContent(contribId, content)
  const terms = termsOf(content)
  const passages: PassageText[] = []
  for (let first = 0; first < terms.length; first += passageTerms) {
    const own = terms.slice(first, first + passageTerms)
    const [start, end] = [own[0]?.start ?? 0, own.at(-1)?.end ?? 0]
    passages.push({ contribId, start, end, terms: own.map(({ form }) => form) })
  }
  return passages
}

/** A byte range in characters (code points) of the content. */
export function characterRange(content: Uint8Array, { start, end }: Pick<Passage, 'start' | 'end'>): [number, number] {
  const before = codePoints(content, 0, start)
  return [before, before + codePoints(content, start, end)]
}

function codePoints(content: Uint8Array, from: number, to: number): number {
  let count = 0
  for (let at = from; at < to; at++) if (((content[at] as number) & 0xc0) !== 0x80) count++
  return count
}

function checkContent(contribId: bigint, content: Uint8Array): void {
  if (content.length > contentBytesMax) throw new RetrievalError('size', `contribution ${contribId} is too long`)
  if (content.includes(0)) throw new RetrievalError('binary', `contribution ${contribId} has a zero byte: no text`)
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(content)
  } catch (cause) {
    throw new RetrievalError('encoding', `contribution ${contribId} is no UTF-8`, { cause })
  }
}
