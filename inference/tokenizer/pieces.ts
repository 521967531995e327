/**
 * Cuts bytes into the pieces that merges never cross: a run of letters and bytes above 127, a run of digits, a run of other
 * signs, each with at most one space before it; runs of white space. By bytes alone, so that no Unicode version matters.
 */
export function pieces(text: Uint8Array): Uint8Array[] {
  const out: Uint8Array[] = []
  let start = 0
  while (start < text.length) {
    let end = start + 1
    let kind = kindOf(text[start])
    // One space belongs to the word that follows it.
    if (text[start] === space && kindOf(text[end]) !== 'blank' && end < text.length) kind = kindOf(text[end])
    while (end < text.length && kindOf(text[end]) === kind) end++
    // Of a run of blanks before a word, the last space goes with the word.
    if (kind === 'blank' && end < text.length && end - start > 1 && text[end - 1] === space) end--
    out.push(text.subarray(start, end))
    start = end
  }
  return out
}

const space = 32

type Kind = 'letter' | 'digit' | 'blank' | 'sign'

function kindOf(byte: number | undefined): Kind {
  if (byte === undefined) return 'sign'
  if (byte === space || (byte >= 9 && byte <= 13)) return 'blank'
  if (byte >= 48 && byte <= 57) return 'digit'
  const lower = byte | 32
  return byte >= 128 || (lower >= 97 && lower <= 122) ? 'letter' : 'sign'
}
