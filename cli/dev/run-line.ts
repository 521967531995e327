import { UsageError } from '../../common/errors.ts'
import { parseFlags } from '../../common/flags.ts'
import type { Log } from '../../common/log.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { CommandGroup } from '../command.ts'
import { exitCodes } from '../command.ts'

/** What a command line of this program did: what it printed as JSON, or the error that refused it, by name and in words. */
export type LineResult =
  | { readonly done: true; readonly output: Readonly<Record<string, unknown>> }
  | { readonly done: false; readonly error: string; readonly words: string }

/** The commands that a dev chain is filled by; not all of the program's: openledger dev is one of those. */
const groups: Readonly<Record<string, () => Promise<{ readonly command: CommandGroup }>>> = {
  datanet: () => import('../commands/datanet.ts'),
  model: () => import('../commands/model.ts'),
  claim: () => import('../commands/claim.ts'),
}

export type LineParts = { readonly log: Log; readonly signal: AbortSignal }

/** Runs `openledger GROUP ACTION …` in this process, signed with a key. Throws what no reader of its output could act on. */
export async function runLine(
  [group = '', action = '', ...argv]: readonly string[],
  privateKey: Hex,
  { log, signal }: LineParts,
): Promise<LineResult> {
  const command = (await groups[group]?.())?.command.actions[action]
  if (command === undefined) throw new UsageError(`there is no command ${group} ${action}`)
  const { values, positionals, given } = parseFlags(
    { ...command.flags, ...command.shared },
    { argv, env: { OPENLEDGER_PRIVATE_KEY: privateKey } },
  )
  const lines: string[] = []
  const print = (text: string) => void lines.push(text)
  const note = (text: string) => log.debug(text)
  try {
    const code = await command.run({ flags: values, given, positionals, env: {}, log, signal, print, note })
    const output = JSON.parse(lines.join('\n') || '{}') as Readonly<Record<string, unknown>>
    if (code === exitCodes.ok) return { done: true, output }
    const refused = output['refused'] as { readonly name?: string } | undefined
    return { done: false, error: refused?.name ?? 'refused', words: String(output['words'] ?? '') }
  } catch (error) {
    // Refused before anything was sent, by its name: TYPE_MISMATCH of a file, say.
    const name = error instanceof UsageError ? /\b[A-Z]+_[A-Z_]+\b/.exec(error.message)?.[0] : undefined
    if (name === undefined) throw error
    return { done: false, error: name, words: String((error as Error).message).replace(`${name}: `, '') }
  }
}
