/** A term of a content: its bytes start … end − 1, and the form by which terms are compared. */
export type Term = { readonly form: string; readonly start: number; readonly end: number }

/** The terms of a UTF-8 content, in order. docs/RETRIEVAL.md §1. */
export function termsOf(content: Uint8Array): Term[] {
  const terms: Term[] = []
  eachTerm(content, (start, end, isAscii) => {
    terms.push({ form: termForm(content.subarray(start, end), isAscii), start, end })
  })
  return terms
}

/** The forms of a text's terms. */
export function termForms(text: string): string[] {
  return termsOf(Buffer.from(text)).map(({ form }) => form)
}

/** ASCII letters small, the rest in NFC. */
export function termForm(bytes: Uint8Array, isAscii: boolean): string {
  if (isAscii) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1').toLowerCase()
  const text = new TextDecoder().decode(bytes)
  return text.normalize('NFC').replace(/[A-Z]/g, (letter) => letter.toLowerCase())
}

/** Calls `visit` for each term, in order. `isAscii`: all its bytes are. */
export function eachTerm(content: Uint8Array, visit: (start: number, end: number, isAscii: boolean) => void): void {
  let start = -1
  let isAscii = true
  const endTerm = (end: number) => {
    if (start >= 0) visit(start, end, isAscii)
    start = -1
    isAscii = true
  }
  let at = 0
  while (at < content.length) {
    const byte = content[at] as number
    const size = byte < 0x80 ? 1 : sequenceBytes(byte)
    const point = byte < 0x80 ? byte : codePoint(content, at, size)
    const isLoose = start < 0 && isMark(point)
    const kind = byte < 0x80 ? (isWordByte[byte] as number) : isLoose ? between : kindOf(point)
    if (kind === inWord) {
      if (start < 0) start = at
      if (byte >= 0x80) isAscii = false
    } else {
      endTerm(at)
      if (kind === aWord) {
        const end = at + size + (isVoicingMark(content, at + size) ? voicingMarkBytes : 0)
        visit(at, end, false)
        at = end
        continue
      }
    }
    at += size
  }
  endTerm(content.length)
}

const [between, inWord, aWord] = [0, 1, 2]

/** Of each ASCII byte, whether it is a letter or a digit. */
const isWordByte = Uint8Array.from({ length: 128 }, (_, byte) =>
  /[0-9A-Za-z]/.test(String.fromCharCode(byte)) ? inWord : between,
)

/** Ranges instead of Unicode's tables, of which every version of a runtime has others. First and last code points. */
const betweenRanges: readonly (readonly [number, number])[] = [
  [0x80, 0xbf],
  // Greek signs that decompose into ones from above and below this line.
  [0x37e, 0x37e],
  [0x384, 0x385],
  [0x387, 0x387],
  [0x1fbd, 0x1fbd],
  [0x1fbf, 0x1fc1],
  [0x1fcd, 0x1fcf],
  [0x1fdd, 0x1fdf],
  [0x1fed, 0x1fef],
  [0x1ffd, 0x1ffe],
  // Punctuation, arrows, mathematical and other signs.
  [0x2000, 0x206f],
  [0x2190, 0x2bff],
  [0x3000, 0x303f],
  [0xfeff, 0xfeff],
]

/** Scripts that set no spaces: every sign is a word. */
const wordRanges: readonly (readonly [number, number])[] = [
  [0x2e80, 0xa4cf],
  [0xf900, 0xfaff],
  [0x20000, 0x10ffff],
]

function kindOf(point: number): number {
  const isIn = ([first, last]: readonly [number, number]) => point >= first && point <= last
  if (betweenRanges.some(isIn)) return between
  return wordRanges.some(isIn) ? aWord : inWord
}

/** Marks change the letter before them; without one they are nothing. */
function isMark(point: number): boolean {
  return point >= 0x300 && point <= 0x36f
}

/** U+3099 and U+309A, which stand behind the kana that they change. */
function isVoicingMark(content: Uint8Array, at: number): boolean {
  const last = content[at + 2]
  return content[at] === 0xe3 && content[at + 1] === 0x82 && (last === 0x99 || last === 0x9a)
}

const voicingMarkBytes = 3

function sequenceBytes(first: number): number {
  return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
}

function codePoint(content: Uint8Array, at: number, size: number): number {
  let point = (content[at] as number) & (0xff >> (size + 1))
  for (let i = 1; i < size; i++) point = point * 64 + ((content[at + i] ?? 0x80) & 0x3f)
  return point
}
