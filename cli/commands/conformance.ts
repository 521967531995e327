import { statSync } from 'node:fs'
import { UsageError } from '../../common/errors.ts'
import { defineCommand, exitCodes } from '../command.ts'
import { runConformance } from '../conformance/run.ts'

export const command = defineCommand({
  summary:
    'Runs every vector file below DIR through the production code; one line a vector, last line `N passed, M failed`.',
  positionals: 'DIR',
  positionalsMax: 1,
  flags: {},
  run: async ({ positionals, print }) => {
    const [dir] = positionals
    if (dir === undefined) throw new UsageError('conformance needs the folder of the vectors')
    if (!statSync(dir, { throwIfNoEntry: false })?.isDirectory()) throw new UsageError(`there is no folder ${dir}`)
    const { failed } = await runConformance(dir, print)
    return failed === 0 ? exitCodes.ok : exitCodes.failed
  },
})
