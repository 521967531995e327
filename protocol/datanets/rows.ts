import { bytesToHex, type Hex } from '../bytes.ts'
import { canonicalJson, type Json } from '../jcs.ts'
import { keccak256 } from '../keccak.ts'
import { canonicalText } from './canonical-text.ts'
import { ContentRefused } from './content-refused.ts'

/** How a file becomes rows, in words: its hash names the rule in a batch's metadata. */
const rule =
  'openledger rows 1: canonical text; .jsonl: each line that is not empty as canonical JSON; .csv: each line but the first, below the first; others: paragraphs between empty lines'

export const rowRuleHash: Hex = bytesToHex(keccak256(new TextEncoder().encode(rule)))

/**
 * Rows of a text file, each a text of its own; the same file always has the same ones. Throws ContentRefused `NOT_UTF8`,
 * `BAD_FIELD` for a line that is no JSON.
 */
export function rowsOf(name: string, file: Uint8Array): Uint8Array[] {
  const text = new TextDecoder().decode(canonicalText(file))
  const extension = /\.([A-Za-z0-9]+)$/.exec(name)?.[1]?.toLowerCase()
  return split(text, extension)
    .filter((row) => row.trim() !== '')
    .map((row) => canonicalText(new TextEncoder().encode(row)))
}

function split(text: string, extension: string | undefined): string[] {
  if (extension === 'jsonl')
    return text.split('\n').flatMap((line, i) => (line.trim() === '' ? [] : [jsonRow(line, i)]))
  if (extension !== 'csv') return text.split(/\n{2,}/)
  const [head = '', ...lines] = text.split('\n')
  return lines.flatMap((line) => (line.trim() === '' ? [] : [`${head}\n${line}`]))
}

function jsonRow(line: string, index: number): string {
  try {
    return canonicalJson(JSON.parse(line) as Json)
  } catch {
    throw new ContentRefused('BAD_FIELD', `line ${index + 1} is no JSON`)
  }
}
