import { readFileSync } from 'node:fs'
import { UsageError } from '../../common/errors.ts'
import { asText } from '../../common/flag-parsers.ts'
import { FormatError } from '../../protocol/bytes.ts'
import { defineCommand, exitCodes } from '../command.ts'
import { asList } from '../worker/lists.ts'
import { positional } from './positional.ts'

export const shareAdapter = defineCommand({
  summary:
    "Puts an adapter file into a node's content store under its root, by which workers that are asked for it fetch it from the node.",
  positionals: 'ADAPTER',
  positionalsMax: 1,
  flags: {
    models: { help: 'folders with the file of its base model (.olm)', value: 'DIR,…', parse: asList, many: true },
    'content.dir': { help: "the node's content store", value: 'DIR', parse: asText },
  },
  run: async ({ flags, positionals, print }) => {
    const path = positional(positionals, 'an adapter file')
    const { models, 'content.dir': dir } = flags
    if (models === undefined) throw new UsageError('--models is required')
    if (dir === undefined) throw new UsageError('--content.dir is required')
    const [{ openModelFolder, readAdapterFile }, { ContentStore }, { merkleRoot }] = await Promise.all([
      import('../../worker/backends/model-folder.ts'),
      import('../../common/content-store.ts'),
      import('../../protocol/content-hash.ts'),
    ])
    try {
      const bases = [...openModelFolder(models).models.values()]
      const { root } = readAdapterFile(path, bases)
      new ContentStore(dir, merkleRoot).keep(root, readFileSync(path))
      print(`${path}: /content/${root}`)
      return exitCodes.ok
    } catch (error) {
      if (!(error instanceof FormatError)) throw error
      throw new UsageError(error.message)
    }
  },
})
