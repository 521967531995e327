/** GPT-2 writes bytes as printable characters: itself where it is one, U+0100 and on for the others in their order. */
const characters: readonly string[] = byteCharacters()
const bytesByCharacter = new Map(characters.map((character, byte) => [character, byte]))

/** Bytes of a token of a byte-level vocabulary; undefined where a character stands for none. */
export function bytesOfCharacters(text: string): Uint8Array | undefined {
  const bytes = Array.from(text, (character) => bytesByCharacter.get(character))
  return bytes.every((byte) => byte !== undefined) ? Uint8Array.from(bytes) : undefined
}

function byteCharacters(): string[] {
  let moved = 0x100
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae
    return String.fromCodePoint(printable ? byte : moved++)
  })
}
