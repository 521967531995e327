import type { PublishedIndex } from '../../chain/indexes/published-index.ts'
import { type Action, action, type Query, query } from './action.ts'
import { addressArg, fileArg, hashArg, idArg } from './arg-kinds.ts'
import { RefusedError } from './refused.ts'
import { Amount, Time } from './values.ts'

/** `openledger index`: IndexRegistry. Its challenges are the watcher's. */
export const indexTable: Readonly<Record<string, Action | Query>> = {
  publish: action(
    'IndexRegistry',
    'publish',
    'Publishes the index of a file with its bond of 100 OPEN, which is lost where the index is proven false; one that its publisher retired it takes over, so that it goes on counting. Model versions can pin it from then on.',
    { file: fileArg('the index, as index build wrote it') },
    async ({ file }) => {
      const [{ recordOfFile }, { indexBond }] = await Promise.all([
        import('../index/record-of-file.ts'),
        import('../../chain/indexes/build-version-index.ts'),
      ])
      return { args: [recordOfFile(file)], value: indexBond }
    },
  ),
  retire: action(
    'IndexRegistry',
    'retire',
    'Retires an index that you published: in 30 days it counts for nothing, unless somebody else publishes it again, and two receipt windows later your bond is free. Until it is published again no new model version can pin it.',
    { index: hashArg('the index') },
    ({ index }) => ({ args: [index] }),
  ),
  'return-bond': action(
    'IndexRegistry',
    'returnBond',
    'Takes your bond of a retired index back, whether somebody took it over or not.',
    { index: hashArg('the index'), to: addressArg('who gets it') },
    ({ index, to }) => ({ args: [index, to] }),
  ),
  show: query(
    'Shows a published index: what it is of, its roots, its bond, whether it counts.',
    { index: hashArg('the index') },
    async ({ index }, chain) => {
      const { publishedIndex } = await import('../../chain/indexes/published-index.ts')
      const found = await publishedIndex(chain, index)
      if (found === undefined) throw new RefusedError(`nobody published an index ${index}`)
      return shown(found)
    },
  ),
  list: query(
    'Lists published indexes, of one Datanet or all.',
    { datanet: { ...idArg('the Datanet; 0: all'), default: '0' } },
    async ({ datanet }, chain) => {
      const { publishedIndexes } = await import('../../chain/indexes/published-index.ts')
      return (await publishedIndexes(chain, datanet === 0n ? undefined : datanet)).map(shown)
    },
  ),
}

function shown({ id, record, publisher, publishedAt, deadFrom, lapses, isFalse, bond }: PublishedIndex) {
  return {
    ...{ index: id, ...record, publisher },
    publishedAt: new Time(publishedAt),
    bond: new Amount(bond),
    deadFrom: deadFrom === 0n ? 'not known to come' : new Time(deadFrom),
    wasDead: lapses.map(({ from, until }) => ({ from: new Time(from), until: new Time(until) })),
    provenFalse: isFalse,
  }
}
