import { expect, test } from 'vitest'
import { commandNames, loadCommand } from '../../cli/commands.ts'
import { parseFlags } from '../../common/flags.ts'

test('every command starts where none of its flags is given: no default is refused by its own parser', async () => {
  const refused: string[] = []
  for (const name of commandNames) {
    const command = await loadCommand(name)
    const all = 'actions' in command ? Object.entries(command.actions) : [['', command] as const]
    for (const [action, { flags }] of all) {
      try {
        parseFlags(flags, { argv: [], env: {} })
      } catch (error) {
        refused.push(`${name} ${action}: ${String(error)}`)
      }
    }
  }
  expect(refused).toEqual([])
})
