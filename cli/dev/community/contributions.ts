import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Name } from './people.ts'

/** What is contributed, and what the validators think of it, in basis points. */
export const contributions: readonly {
  readonly by: Name
  readonly file: string
  readonly text: string
  readonly scores: readonly number[]
}[] = [
  {
    by: 'Ben',
    file: 'fever.txt',
    text: 'A fever in an adult that lasts for more than three days is seen by a physician.\nDrink, rest, and write down the temperature twice a day.\n',
    scores: [9_000, 8_800, 9_200],
  },
  {
    by: 'Cleo',
    file: 'wound.txt',
    text: 'Small wounds are rinsed under running water before they are covered.\nA plaster is changed when it is wet, and at the latest every second day.\n',
    scores: [8_000, 8_500, 8_200],
  },
  {
    by: 'Dan',
    file: 'cure.txt',
    text: 'My uncle says that this one root cures everything and doctors hate it.\n',
    scores: [500, 900, 300],
  },
]

/** Files that are to be refused: a twin of Ben's text with other line ends, and sound where text belongs. */
export const twinFile = 'fever-again.txt'
export const soundFile = 'song.txt'

/** Writes the files that people contribute, and who gets how many of the version's units. */
export function writeFiles(folder: string, allotment: readonly (readonly [address: string, units: number])[]): void {
  mkdirSync(folder, { recursive: true })
  for (const { file, text } of contributions) writeFileSync(join(folder, file), text)
  writeFileSync(join(folder, twinFile), (contributions[0]?.text ?? '').replaceAll('\n', '\r\n'))
  // An ID3 tag, as an mp3 begins.
  writeFileSync(join(folder, soundFile), Uint8Array.of(0x49, 0x44, 0x33, 4, 0, 0, 0, 0, 0, 0))
  writeFileSync(join(folder, 'allotment.csv'), allotment.map((row) => `${row.join(',')}\n`).join(''))
}
