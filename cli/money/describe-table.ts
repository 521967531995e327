import { paper, type Query } from './action.ts'
import { idArg } from './arg-kinds.ts'
import { contentArgs } from './content-places.ts'

/** Rows of `openledger datanet` that describe versions. */
export const describeTable: Readonly<Record<string, Query>> = {
  describe: paper(
    'Describes the next version of your Datanet as Croissant 1.1 and signs a statement about it; keeps both in the content store and says the hashes that datanet publish takes.',
    { datanet: idArg('the Datanet'), ...contentArgs },
    async (values, chain) => {
      const { describeNext } = await import('./describe-version.ts')
      return await describeNext(values, chain)
    },
  ),
}
