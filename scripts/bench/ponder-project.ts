import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { datanetRegistryAbi } from '../../contracts/abi/datanet-registry.ts'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'

/** Exact versions: the newest that runs on Node 20. */
export const ponderPackages = ['ponder@0.16.10', 'hono@4.6.19', 'viem@2.57.1']

/** Writes a Ponder project into `dir` that indexes contributions as our index does: the same columns and indexes. */
export function writePonderProject(dir: string, prefix: string, rpcUrl: string, chainId: number): void {
  const file = (name: string, text: string) => writeFileSync(join(dir, name), text)
  mkdirSync(join(dir, 'src/api'), { recursive: true })
  symlinkSync(join(prefix, 'node_modules'), join(dir, 'node_modules'))
  file('package.json', '{"private":true,"type":"module"}')
  file(
    'tsconfig.json',
    '{"compilerOptions":{"module":"ESNext","moduleResolution":"bundler","target":"ES2022","strict":true}}',
  )
  file(
    'ponder.config.ts',
    `import { createConfig } from 'ponder'
export default createConfig({
  chains: { ours: { id: ${chainId}, rpc: '${rpcUrl}' } },
  contracts: { DatanetRegistry: {
    chain: 'ours', startBlock: 0, address: '${openLedgerPredeploys.datanetRegistry}',
    abi: ${JSON.stringify(datanetRegistryAbi)} as const,
  } },
})
`,
  )
  file(
    'ponder.schema.ts',
    `import { index, onchainTable } from 'ponder'
export const contribution = onchainTable('contribution', (t) => ({
  id: t.bigint().primaryKey(), datanet: t.bigint().notNull(), author: t.hex().notNull(),
  contentHash: t.hex().notNull(), simHash: t.hex().notNull(), consent: t.integer().notNull(),
  bond: t.bigint().notNull(), blockNumber: t.bigint().notNull(), transactionHash: t.hex().notNull(),
}), (table) => ({
  author: index().on(table.author, table.id), datanet: index().on(table.datanet, table.id), content: index().on(table.contentHash),
}))
`,
  )
  file(
    'src/index.ts',
    `import { ponder } from 'ponder:registry'
import { contribution } from 'ponder:schema'
ponder.on('DatanetRegistry:ContributionSubmitted', async ({ event, context }) => {
  const { contribId, id, author, contentHash, simHash, consent, bond } = event.args
  await context.db.insert(contribution).values({
    id: contribId, datanet: id, author, contentHash, simHash, consent, bond,
    blockNumber: event.block.number, transactionHash: event.transaction.hash,
  })
})
`,
  )
  file(
    'src/api/index.ts',
    `import { db } from 'ponder:api'
import schema from 'ponder:schema'
import { Hono } from 'hono'
import { graphql } from 'ponder'
const app = new Hono()
app.use('/graphql', graphql({ db, schema }))
export default app
`,
  )
}
