import { asSwitch } from '../../common/flag-parsers.ts'
import { sectionsOf } from '../../inference/model-file.ts'
import { listedRoot, listSection } from '../../inference/sections.ts'
import { readTokenizer } from '../../inference/tokenizer/model-tokenizer.ts'
import { defineCommand, exitCodes } from '../command.ts'
import { positional } from './positional.ts'
import { readModel } from './read-model.ts'

export const inspect = defineCommand({
  summary: 'Shows what a model file holds: its root, config, tokenizer, and on request each section.',
  positionals: 'MODEL',
  positionalsMax: 1,
  flags: {
    sections: { help: 'show each section with its size and root', parse: asSwitch, default: 'false' },
  },
  run: async ({ flags, positionals, print }) => {
    const model = readModel(positional(positionals, 'a model file'))
    const sections = sectionsOf(model).map(listSection)
    print(`root            ${listedRoot(sections)}`)
    print(`bytes           ${sections.reduce((sum, { length }) => sum + length, 0)}`)
    for (const [name, value] of Object.entries(model.config)) print(`${name.padEnd(15)} ${value}`)
    const version = new DataView(model.tokenizer.buffer, model.tokenizer.byteOffset).getUint32(0)
    print(`tokenizer       version ${version}, ${readTokenizer(model.tokenizer).vocab} tokens`)
    if (flags.sections) for (const { name, length, root } of sections) print(`${name.padEnd(18)} ${length} ${root}`)
    return exitCodes.ok
  },
})
