import { readFileSync, writeFileSync } from 'node:fs'
import { UsageError } from '../../common/errors.ts'
import { Fields } from '../../inference/loaders/fields.ts'
import { type ListedSection, listedRoot } from '../../inference/sections.ts'
import { fixedHex, type Hex } from '../../protocol/bytes.ts'

/** Where the list of a model file's sections is. */
export function listingPath(model: string): string {
  return `${model}.json`
}

export function writeListing(model: string, sections: readonly ListedSection[]): void {
  writeFileSync(listingPath(model), `${JSON.stringify({ root: listedRoot(sections), sections }, null, 1)}\n`)
}

/** Throws {@link UsageError} for a list that is damaged or whose root is not `root`: such a one would blame the wrong section. */
export function readListing(path: string, root: Hex | undefined): ListedSection[] {
  try {
    const fields = Fields.ofJson(path, readFileSync(path, 'utf8'))
    const sections = fields.list('sections').map((item): ListedSection => {
      const section = Fields.of(`${path}: section`, item)
      return {
        name: section.text('name'),
        length: section.count('length'),
        leafBytes: section.count('leafBytes'),
        root: fixedHex(section.get('root'), 32, 'root'),
      }
    })
    const expected = root ?? fields.text('root')
    if (listedRoot(sections) !== expected) throw new Error(`it is of root ${listedRoot(sections)}, not ${expected}`)
    return sections
  } catch (cause) {
    throw new UsageError(`${path} is no list of the sections`, { cause })
  }
}
