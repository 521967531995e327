import { separator } from '../suffix/suffix-sort.ts'

/** Bytes of a token; of one that stands for none, no bytes. */
export type TokenBytes = (token: number) => Uint8Array

/** A part of a text: bytes and UTF-16 code units from … to − 1. */
export type TextRange = { readonly bytes: readonly [number, number]; readonly characters: readonly [number, number] }

export type TextPart = TextRange & { readonly words: string }

/** What tokens start … start + length − 1 of a list say, and where in its text. */
export function textOf(tokens: Uint32Array, start: number, length: number, tokenBytes: TokenBytes): TextPart {
  const words = new TextDecoder().decode(joined(tokens.subarray(start, start + length), tokenBytes))
  return { ...rangeOf(tokens, start, length, tokenBytes), words }
}

export function rangeOf(tokens: Uint32Array, start: number, length: number, tokenBytes: TokenBytes): TextRange {
  const before = joined(tokens.subarray(0, start), tokenBytes)
  const through = joined(tokens.subarray(0, start + length), tokenBytes)
  return {
    bytes: [before.length, through.length],
    characters: [characters(before), characters(through)],
  }
}

/** UTF-16 code units of what the bytes decode to; a character that is not whole yet does not count. */
function characters(bytes: Uint8Array): number {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes, { stream: true }).length
}

function joined(tokens: Uint32Array, tokenBytes: TokenBytes): Uint8Array {
  return new Uint8Array(
    Buffer.concat(Array.from(tokens, (token) => (token === separator ? noBytes : tokenBytes(token)))),
  )
}

const noBytes = new Uint8Array(0)
