import { existsSync } from 'node:fs'
import { UsageError } from '../../common/errors.ts'
import { asText } from '../../common/flag-parsers.ts'
import { decodeModel, modelMagic, sectionsOf } from '../../inference/model-file.ts'
import { type ListedSection, listedRoot, listSection, SectionReader } from '../../inference/sections.ts'
import { FormatError, type Hex } from '../../protocol/bytes.ts'
import { defineCommand, exitCodes } from '../command.ts'
import { listingPath, readListing } from './listing.ts'
import { positional } from './positional.ts'
import { readModelBytes } from './read-model.ts'
import { asRoot } from './root-flag.ts'

export const verify = defineCommand({
  summary:
    'Reads a model file as an engine does and computes its root. Where the root is not the expected one and the list of sections is at hand, says which sections differ. Exits with 1 where anything is wrong.',
  positionals: 'MODEL',
  positionalsMax: 1,
  flags: {
    root: { help: 'root that the model must have', value: 'HASH', parse: asRoot },
    sections: { help: 'list of its sections; absent: MODEL.json where there is one', value: 'FILE', parse: asText },
  },
  run: async ({ flags, positionals, print }) => {
    const path = positional(positionals, 'a model file')
    const listing = flags.sections ?? (existsSync(listingPath(path)) ? listingPath(path) : undefined)
    if (flags.root === undefined && listing === undefined) {
      throw new UsageError('give --root or --sections: without either there is nothing to compare with')
    }
    const expected = listing === undefined ? undefined : readListing(listing, flags.root)
    const bytes = readModelBytes(path)
    const problems = expected === undefined ? [] : differences(bytes, expected)
    const root = flags.root ?? listedRoot(expected ?? [])
    const found = readRoot(bytes)
    if (found.root !== root) problems.push(found.problem ?? `root ${found.root}, expected ${root}`)
    for (const problem of problems) print(`${path}: ${problem}`)
    if (problems.length > 0) return exitCodes.failed
    print(`${path}: root ${root}, as expected`)
    return exitCodes.ok
  },
})

function readRoot(bytes: Uint8Array): { root?: Hex; problem?: string } {
  try {
    return { root: listedRoot(sectionsOf(decodeModel(bytes)).map(listSection)) }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    return { problem: error.message }
  }
}

/** Compares section by section, without asking what is in them. */
function differences(bytes: Uint8Array, expected: readonly ListedSection[]): string[] {
  const problems: string[] = []
  try {
    const reader = new SectionReader(bytes, modelMagic, 'model')
    for (const section of expected) {
      const found = listSection({ ...section, bytes: reader.nextUpTo(Number.MAX_SAFE_INTEGER) })
      if (found.length !== section.length) {
        problems.push(`section ${section.name} has ${found.length} bytes, expected ${section.length}`)
      } else if (found.root !== section.root) {
        problems.push(`section ${section.name} has root ${found.root}, expected ${section.root}`)
      }
    }
    reader.end()
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    problems.push(error.message)
  }
  return problems
}
