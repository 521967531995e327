import { scalars } from './scalars.ts'
import { Account } from './types/account.ts'
import { Block, Log, Transaction } from './types/chain.ts'
import { Code } from './types/code.ts'
import { Contribution } from './types/contribution.ts'
import { Datanet, DatanetVersion } from './types/datanet.ts'
import { Demand, Dispute, Evidence, Reward } from './types/dispute.ts'
import { Credit, Epoch, Settlement } from './types/epoch.ts'
import { AttributionLabel } from './types/label.ts'
import { AttributionRule, Burn, Declaration, Heartbeat, Shares } from './types/ledger-log.ts'
import { Batch, Channel, Request, Segment, VoidReceipt } from './types/market.ts'
import { Meta } from './types/meta.ts'
import { Evaluation, Model, ModelDatanet, ModelParent, ModelVersion, Price, Royalty } from './types/model.ts'
import { Claim, Operator, Payee } from './types/payee.ts'
import { Pool, PoolFunding, PoolMember } from './types/pool.ts'
import { Query } from './types/query.ts'
import { Entry, Receipt } from './types/receipt.ts'
import { Subscription } from './types/subscription.ts'
import { EvidenceDemand, TextIndex } from './types/text-index.ts'
import { TraceDemand } from './types/trace-demand.ts'
import { Slash, Worker } from './types/worker.ts'

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
  Model,
  Royalty,
  ModelVersion,
  Price,
  Evaluation,
  ModelParent,
  ModelDatanet,
  Worker,
  Slash,
  Channel,
  Request,
  Batch,
  Segment,
  VoidReceipt,
  Receipt,
  Entry,
  Dispute,
  Reward,
  Evidence,
  Demand,
  Epoch,
  Settlement,
  Credit,
  Payee,
  Operator,
  Claim,
  Pool,
  PoolMember,
  PoolFunding,
  Shares,
  AttributionRule,
  Declaration,
  Heartbeat,
  Burn,
  TextIndex,
  EvidenceDemand,
  TraceDemand,
}
