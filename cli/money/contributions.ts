import type { Contribution } from '../../attribution/epochs/receipt-entries.ts'
import { entryClasses } from '../../protocol/attribution-entry.ts'
import { FormatError, fixedHex, zeroHash } from '../../protocol/bytes.ts'
import { integer, objectOf } from './papers.ts'

const contributorClasses = ['S', 'G', 'R', 'U'] as const

/** A JSON list such as `[{"class": "S", "id": "5", "weight": 1000000}]`. Throws FormatError. */
export function readContributions(json: unknown): Contribution[] {
  if (!Array.isArray(json)) throw new FormatError('the entries must be a list')
  return json.map((each: unknown) => {
    const row = objectOf(each, 'an entry')
    const name = contributorClasses.find((known) => known === row['class'])
    if (name === undefined) throw new FormatError(`an entry's class must be one of ${contributorClasses.join(', ')}`)
    return {
      class: entryClasses[name],
      id: integer(row['id'], 64, 'id'),
      weight: integer(row['weight'], 64, 'weight'),
      evidenceHash: row['evidenceHash'] === undefined ? zeroHash : fixedHex(row['evidenceHash'], 32, 'evidenceHash'),
    }
  })
}
