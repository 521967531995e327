import type { VersionChallenge } from '../../attribution/datanets/version-faults.ts'
import { type Action, action, type Query, query } from './action.ts'
import { contentArgs } from './content-places.ts'
import { versionArg } from './units-args.ts'

const args = { version: versionArg, ...contentArgs }

/** Rows of `openledger datanet` that show a version's fault: DatanetJudge. docs/DATANETS.md §9. */
export const versionFaultTable: Readonly<Record<string, Action | Query>> = {
  'check-version': query(
    'Makes a version’s lists anew and shows each fault that they have, with the command that proves it.',
    args,
    async ({ version, ...places }, chain) => {
      const { checkedVersion } = await import('./version-fault.ts')
      return await checkedVersion(version, places, chain)
    },
  ),
  'show-foreign-item': shows('foreignItem', 'an item of it is no contribution to its Datanet'),
  'show-refused-item': shows(
    'refusedItem',
    'an item of it was not accepted, had left, has other content, or may not be trained on',
  ),
  'show-unsorted': shows('unsorted', 'a list of it does not ascend'),
  'show-false-count': shows('falseCount', 'a list of it is longer than its count, or its tree has no room for that'),
  'show-missing-item': shows('missingItem', 'a list of it is shorter than its count'),
  'show-falsely-listed': shows('falselyListed', 'its difference lists what was neither added nor removed'),
  'show-unlisted': shows('unlisted', 'its difference lacks what was added or removed'),
  'show-false-bytes': shows('falseBytes', 'its added items have more bytes than it says, and paid for'),
  'show-standing-removed': shows('standingRemoved', 'a live Datanet removed an item that had not left'),
}

function shows(functionName: VersionChallenge, what: string): Action {
  return action(
    'DatanetJudge',
    functionName,
    `Shows of a version that ${what}: it is void. Finds the place by itself.`,
    args,
    async ({ version, ...places }, chain) => {
      const { challengeOf } = await import('./version-fault.ts')
      return { args: await challengeOf(functionName, version, places, chain) }
    },
  )
}
