import { readFileSync } from 'node:fs'
import { UsageError } from '../../common/errors.ts'
import { asText } from '../../common/flag-parsers.ts'
import { FormatError, type Hex } from '../../protocol/bytes.ts'
import { defineCommand, exitCodes } from '../command.ts'
import { asList } from '../worker/lists.ts'
import { positional } from './positional.ts'

export const shareAdapter = defineCommand({
  summary:
    "Puts an adapter file (.ola), or a table of influences (.olt), into a node's content store under its root, by which workers and watchers that need it fetch it from the node.",
  positionals: 'FILE',
  positionalsMax: 1,
  flags: {
    models: {
      help: 'of an adapter: folders with the file of its base model (.olm)',
      value: 'DIR,…',
      parse: asList,
      many: true,
    },
    'content.dir': { help: "the node's content store", value: 'DIR', parse: asText },
  },
  run: async ({ flags, positionals, print }) => {
    const path = positional(positionals, 'an adapter file or a table of influences')
    const { models, 'content.dir': dir } = flags
    if (dir === undefined) throw new UsageError('--content.dir is required')
    if (path.endsWith('.olt')) {
      print(`${path}: /content/${await shareTable(path, dir)}`)
      return exitCodes.ok
    }
    if (models === undefined) throw new UsageError('--models is required')
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

async function shareTable(path: string, dir: string): Promise<Hex> {
  const [{ decodeTable, tableRoot }, { GradientError }, { ContentStore }, { merkleRoot }] = await Promise.all([
    import('../../attribution/combined/influence-table.ts'),
    import('../../attribution/gradients/gradient-error.ts'),
    import('../../common/content-store.ts'),
    import('../../protocol/content-hash.ts'),
  ])
  try {
    const bytes = new Uint8Array(readFileSync(path))
    const root = tableRoot(decodeTable(bytes))
    new ContentStore(dir, merkleRoot).keep(root, bytes)
    return root
  } catch (error) {
    if (!(error instanceof GradientError)) throw error
    throw new UsageError(`${path}: ${error.message}`)
  }
}
