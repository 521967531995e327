import type { FlagTable, FlagValues, ParsedFlags } from '../common/flags.ts'
import type { Log } from '../common/log.ts'

/** Exit codes of the program. */
export const exitCodes = {
  ok: 0,
  /** The work was done and something did not hold: a vector failed, a hash differs. */
  failed: 1,
  /** Wrong flags, files or environment: nothing was done. */
  usage: 2,
  /** Stopped by an error that the message names. */
  error: 3,
} as const

export type CommandContext<Table extends FlagTable = FlagTable> = {
  readonly flags: FlagValues<Table>
  readonly given: ParsedFlags<Table>['given']
  readonly positionals: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly log: Log
  /** Aborts at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal
  readonly print: (line: string) => void
  /** Takes what is said beside the result; absent: it goes to standard error. */
  readonly note?: (line: string) => void
}

export type Command = {
  readonly summary: string
  /** Positional arguments as help shows them; empty: none are taken. */
  readonly positionals: string
  readonly positionalsMax: number
  readonly flags: FlagTable
  /** Flags that it has in common with others of its group; help shows them apart. */
  readonly shared?: FlagTable
  readonly run: (context: CommandContext) => Promise<number>
}

/** Commands under one name: `openledger worker unbond`. */
export type CommandGroup = {
  readonly summary: string
  readonly actions: Readonly<Record<string, Command>>
}

/** Ties a command's flags to the type its `run` sees. */
export function defineCommand<Table extends FlagTable>(command: {
  readonly summary: string
  readonly positionals?: string
  readonly positionalsMax?: number
  readonly flags: Table
  readonly run: (context: CommandContext<Table>) => Promise<number>
}): Command {
  return {
    positionals: '',
    positionalsMax: 0,
    ...command,
    // main.ts parses with this very table, so the values have its types.
    run: (context) => command.run(context as unknown as CommandContext<Table>),
  }
}
