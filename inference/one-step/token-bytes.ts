import { FormatError } from '../../protocol/bytes.ts'

/** Bytes `at` … `at + size` − 1 of a tokenizer's section. */
export type TokenizerReader = (at: number, size: number) => Uint8Array

const merges = { version: 1, head: 12, byteTokens: 256 } as const
const table = { version: 2, head: 24, text: 0, added: 2 } as const
const rowBytes = 8

/** Bytes of tokens, as contracts/src/lib/TokenBytes.sol reads them; `last` is where those of the last token begin. */
export function readTokenBytes(
  read: TokenizerReader,
  tokens: readonly number[],
): { readonly bytes: Uint8Array; readonly last: number } {
  const word = (at: number) => new DataView(Uint8Array.from(read(at, 4)).buffer).getUint32(0)
  const version = word(0)
  if (version !== merges.version && version !== table.version) throw new FormatError(`tokenizer format ${version}`)
  const out: number[] = []
  let last = 0
  for (const token of tokens) {
    last = out.length
    if (version === merges.version) appendMerged(word, token, out)
    else appendListed(word, read, token, out)
  }
  return { bytes: Uint8Array.from(out), last }
}

/** A merge is taken apart until bytes are left. */
function appendMerged(word: (at: number) => number, token: number, out: number[]): void {
  const specials = word(4)
  const stack = [token]
  for (let part = stack.pop(); part !== undefined; part = stack.pop()) {
    if (part < specials) continue
    if (part < specials + merges.byteTokens) {
      out.push(part - specials)
      continue
    }
    const merge = merges.head + rowBytes * (part - specials - merges.byteTokens)
    stack.push(word(merge + 4), word(merge))
  }
}

/** A row is `offset u32 ‖ length u16 ‖ kind u16`. */
function appendListed(word: (at: number) => number, read: TokenizerReader, token: number, out: number[]): void {
  const row = table.head + rowBytes * token
  const [offset, rest] = [word(row), word(row + 4)]
  const [size, kind] = [rest >>> 16, rest & 0xffff]
  if ((kind !== table.text && kind !== table.added) || size === 0) return
  out.push(...read(table.head + rowBytes * (word(12) + word(16)) + offset, size))
}
