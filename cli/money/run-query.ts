import { writeFileSync } from 'node:fs'
import { UsageError } from '../../common/errors.ts'
import { type CommandContext, exitCodes } from '../command.ts'
import type { Query } from './action.ts'
import { Chain } from './chain.ts'
import { RefusedError } from './refused.ts'
import { toJson, toLines } from './values.ts'

/** Reads and shows; of a query that makes a file, writes it. */
export async function runQuery(query: Query, context: CommandContext): Promise<number> {
  const { flags, print } = context
  const chain = await Chain.open(context)
  try {
    const result = await query.read(flags, chain)
    if (query.makesFile) writeResult(flags['out'] as string | undefined, toJson(result, 2), context)
    else if (flags['json'] === true) print(toJson(result))
    else for (const line of toLines(result)) print(line)
    return exitCodes.ok
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error
    process.stderr.write(`openledger: refused: ${error.message}\n`)
    return exitCodes.failed
  }
}

function writeResult(path: string | undefined, text: string, { print }: CommandContext): void {
  if (path === undefined) {
    print(text)
    return
  }
  try {
    writeFileSync(path, `${text}\n`)
  } catch (cause) {
    throw new UsageError(`--out ${path} cannot be written`, { cause })
  }
}
