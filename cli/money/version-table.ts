import { zeroHash } from '../../protocol/bytes.ts'
import { type Action, action, type Query, query } from './action.ts'
import { hashArg, idArg } from './arg-kinds.ts'
import { contentArgs } from './content-places.ts'
import { asUint128 } from './parsers.ts'
import { versionArg } from './units-args.ts'
import { Amount } from './values.ts'

/** Rows of `openledger datanet` about versions. */
export const versionTable: Readonly<Record<string, Action | Query>> = {
  publish: action(
    'DatanetRegistry',
    'publish',
    'Publishes the next version of your Datanet: every accepted item that was not withdrawn and may be trained on. Sends the fee along, by the bytes that are new.',
    {
      datanet: idArg('the Datanet'),
      croissant: { ...hashArg('content hash of its Croissant description'), default: zeroHash },
      statement: { ...hashArg('content hash of its signed statement'), default: zeroHash },
      units: { help: 'units of its pool that it makes', value: 'N', parse: asUint128, default: '0' },
      'units-root': { ...hashArg('root of how they are allotted; absent: all are yours'), default: zeroHash },
      ...contentArgs,
    },
    async (values, chain) => {
      const { nextVersion } = await import('./next-version.ts')
      const { itemsRoot, diff } = await nextVersion(values, chain)
      const { croissant: croissantHash, statement: statementHash, units: unitsTotal, 'units-root': unitsRoot } = values
      const empty = { tokenRoot: zeroHash, suffixRoot: zeroHash, tokenCount: 0n, tokenizerHash: zeroHash }
      const roots = { itemsRoot, ...empty, croissantHash, statementHash, unitsTotal, unitsRoot }
      const fee = (await chain.read('DatanetRegistry', 'quotePublish', [diff.addedBytes])) as bigint
      chain.note(`${diff.itemCount} items: ${diff.added} added, ${diff.removed} removed`)
      return { args: [values.datanet, roots, diff], value: fee }
    },
  ),
  diff: query(
    'Shows what a version added to the one before it and took away, and checks it against what was published.',
    { version: versionArg, ...contentArgs },
    async (values, chain) => {
      const { shownDiff } = await import('./next-version.ts')
      return await shownDiff(values, chain)
    },
  ),
  quote: query(
    'Shows what publishing a version costs that adds so many bytes.',
    { bytes: { help: 'bytes of the items that are new', value: 'N', parse: asUint128 } },
    async ({ bytes }, chain) => ({
      fee: new Amount((await chain.read('DatanetRegistry', 'quotePublish', [bytes])) as bigint),
    }),
  ),
}
