import { UsageError } from '../../common/errors.ts'
import { asText } from '../../common/flag-parsers.ts'
import { withFileSource } from '../../inference/check/model-source.ts'
import { poolPairs, SecretPool } from '../../inference/check/pool.ts'
import { sectionsOf } from '../../inference/model-file.ts'
import { listedRoot, listSection } from '../../inference/sections.ts'
import { FormatError } from '../../protocol/bytes.ts'
import { defineCommand, exitCodes } from '../command.ts'
import { positional } from './positional.ts'
import { readModel } from './read-model.ts'
import { asRoot } from './root-flag.ts'

export const pool = defineCommand({
  summary: `Reads a model file once, from end to end, and keeps what a node without weights checks its answers with: ${poolPairs} pairs of secret vectors. Give the folder checker/pools of the node's --datadir, while the node does not run; whoever reads it can deceive that node. The model file may go then.`,
  positionals: 'MODEL',
  positionalsMax: 1,
  flags: {
    pools: { help: 'folder of pools; each model has one in it', value: 'DIR', parse: asText },
    root: { help: 'root that the model must have; absent: any', value: 'HASH', parse: asRoot },
  },
  run: async ({ flags, positionals, print }) => {
    const path = positional(positionals, 'a model file')
    if (flags.pools === undefined) throw new UsageError('give --pools: DATADIR/checker/pools of the node')
    const root = flags.root ?? listedRoot(sectionsOf(readModel(path)).map(listSection))
    try {
      const { pairsLeft } = await withFileSource(path, (source) =>
        SecretPool.open({ folder: flags.pools as string, root }, async () => source),
      )
      print(`${path}: root ${root}, ${pairsLeft} pairs in ${flags.pools}`)
      return exitCodes.ok
    } catch (error) {
      if (!(error instanceof FormatError)) throw error
      print(`${path}: ${error.message}`)
      return exitCodes.failed
    }
  },
})
