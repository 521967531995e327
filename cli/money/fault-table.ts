import { type Action, action } from './action.ts'
import { idArg } from './arg-kinds.ts'
import { contentArgs } from './content-places.ts'

const args = { contribution: idArg('the contribution'), ...contentArgs }

/** Rows of `openledger datanet` that show a contribution's fault: DatanetJudge. docs/DATANETS.md §9. */
export const faultTable: Readonly<Record<string, Action>> = {
  'show-type': action(
    'DatanetJudge',
    'wrongType',
    'Shows that a contribution is not of the media type of its Datanet. Half of its bond is your reward.',
    args,
    async (values, chain) => {
      const { shownRecord, shownChunk } = await import('./contribution-fault.ts')
      const shown = await shownRecord(values.contribution, values, chain)
      return { args: [shown, await shownChunk(shown.record.contentHash, 'first', values, chain)] }
    },
  ),
  'show-size': action(
    'DatanetJudge',
    'falseSize',
    'Shows that a contribution is larger than it said. Half of its bond is your reward.',
    args,
    async (values, chain) => {
      const { shownRecord, shownChunk } = await import('./contribution-fault.ts')
      const shown = await shownRecord(values.contribution, values, chain)
      const before = shown.isFirst ? shown : await shownRecord(values.contribution - 1n, values, chain)
      return { args: [shown, before, await shownChunk(shown.record.contentHash, 'last', values, chain)] }
    },
  ),
  'show-duplicate': action(
    'DatanetJudge',
    'duplicate',
    'Shows that a contribution is the same as an earlier one of its Datanet. Half of its bond is your reward.',
    { ...args, earlier: idArg('the earlier contribution') },
    async (values, chain) => {
      const { shownRecord } = await import('./contribution-fault.ts')
      return {
        args: [await shownRecord(values.contribution, values, chain), await shownRecord(values.earlier, values, chain)],
      }
    },
  ),
}
