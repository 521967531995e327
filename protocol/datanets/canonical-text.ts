import { ContentRefused } from './content-refused.ts'

/**
 * The one form of a text: NFC, lines ended by LF, no byte order mark, no spaces or tabs at the end of a line, no empty lines at the
 * end. Equal texts of different editors so have one content hash; the form of a form is itself. Throws ContentRefused `NOT_UTF8`.
 */
export function canonicalText(bytes: Uint8Array): Uint8Array {
  const form = decodeText(bytes)
    .replace(/^\ufeff+/, '')
    .normalize('NFC')
    .replaceAll(/\r\n?/g, '\n')
    .replaceAll(/[ \t]+(?=\n|$)/g, '')
    .replace(/\n+$/, '')
  return new TextEncoder().encode(form)
}

/** A text without its byte order mark. Throws ContentRefused `NOT_UTF8`. */
export function decodeText(bytes: Uint8Array): string {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new ContentRefused('NOT_UTF8', 'a text must be UTF-8')
  }
  if (text.includes('\0')) throw new ContentRefused('NOT_UTF8', 'a text has no zero byte')
  return text
}
