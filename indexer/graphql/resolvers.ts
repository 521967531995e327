import { scalars } from './scalars.ts'
import { Account } from './types/account.ts'
import { Block, Log, Transaction } from './types/chain.ts'
import { Code } from './types/code.ts'
import { Contribution } from './types/contribution.ts'
import { Datanet, DatanetVersion } from './types/datanet.ts'
import { AttributionLabel } from './types/label.ts'
import { Meta } from './types/meta.ts'
import { Query } from './types/query.ts'
import { Subscription } from './types/subscription.ts'

/** Resolvers of indexer/schema.graphql, one module a part of the schema. */
export const resolvers = {
  ...scalars,
  Query,
  Subscription,
  Meta,
  Block,
  Transaction,
  Log,
  Account,
  Datanet,
  DatanetVersion,
  Contribution,
  AttributionLabel,
  Code,
}
