import { keccakHex } from '../../../protocol/keccak.ts'
import { type AtBlock, atBlock, type BlockInput } from '../at-block.ts'
import { connection, equals, type PageArguments } from '../connection.ts'
import type { QueryContext } from '../context.ts'
import {
  codes,
  contributedBy,
  contributionFilter,
  contributions,
  datanets,
  type ListArguments,
  labels,
  logs,
  transactions,
} from '../lists.ts'
import { queryError } from '../query-error.ts'
import { entity, rowBy, stateOf } from '../rows.ts'
import { contributionUsage } from './contribution-usage.ts'
import { moneyQuery } from './money-query.ts'

type Arguments = ListArguments & AtBlock
type ById = AtBlock & { readonly id: string }

/** The roots: each answers as of its `block`. */
export const Query = {
  _meta: (_: unknown, args: AtBlock, context: QueryContext) => ({ at: atBlock(args, context) }),

  block: async (_: unknown, { number, hash }: BlockInput, context: QueryContext) => {
    const hasNumber = typeof number === 'number'
    if (hasNumber === (typeof hash === 'string')) throw queryError('BAD_INPUT', 'give either number or hash')
    return entity(await rowBy(context, 'block', hasNumber ? 'number' : 'hash', hasNumber ? number : hash))
  },

  blocks: (_: unknown, { block, ...page }: Arguments, context: QueryContext) => {
    const at = atBlock({ block }, context)
    const where = at === undefined ? [] : [{ sql: 'number <= ?', values: [at] }]
    const newestFirst: PageArguments = { ...page, orderDirection: page.orderDirection ?? 'desc' }
    return connection(context, { from: 'block', where, key: ['number'] }, newestFirst, (row) => ({ row }))
  },

  transaction: async (_: unknown, { hash, block }: AtBlock & { readonly hash: string }, context: QueryContext) => {
    const at = atBlock({ block }, context)
    const row = await rowBy(context, 'tx', 'hash', hash)
    return Number(row?.['block']) > (at ?? Number.POSITIVE_INFINITY) ? null : entity(row)
  },

  transactions: (_: unknown, { where, block, ...page }: Arguments, context: QueryContext) => {
    const filters = [
      ...equals('sender', where?.['from']),
      ...equals('recipient', where?.['to']),
      ...equals('block', where?.['block']),
    ]
    return transactions({ where: filters, at: atBlock({ block }, context) }, page, context)
  },

  logs: (_: unknown, { where, block, ...page }: Arguments, context: QueryContext) => {
    const filters = [
      ...equals('address', where?.['address']),
      ...equals('topic0', where?.['topic0']),
      ...equals('block', where?.['block']),
    ]
    return logs({ where: filters, at: atBlock({ block }, context) }, page, context)
  },

  account: (_: unknown, { address, block }: AtBlock & { readonly address: string }, context: QueryContext) => ({
    address,
    at: atBlock({ block }, context),
  }),

  datanet: async (_: unknown, { id, block }: ById, context: QueryContext) => {
    const at = atBlock({ block }, context)
    return entity(await stateOf(context, 'datanet', Number(id), at), at)
  },

  datanets: (_: unknown, { where, block, ...page }: Arguments, context: QueryContext) => {
    const at = atBlock({ block }, context)
    const filters = [
      ...equals('owner', where?.['owner']),
      ...equals('status', where?.['status']),
      ...contributedBy(where?.['contributor'], at),
    ]
    return datanets({ where: filters, at }, page, context)
  },

  contribution: (_: unknown, { id, block }: ById, context: QueryContext) => {
    const at = atBlock({ block }, context)
    const row = context.store.get('select * from contribution where id = ?', Number(id))
    return Number(row?.['block']) > (at ?? Number.POSITIVE_INFINITY) ? null : entity(row, at)
  },

  contributionUsage,

  contributions: (_: unknown, { where, block, ...page }: Arguments, context: QueryContext) =>
    contributions(
      { where: contributionFilter(where, atBlock({ block }, context)), at: atBlock({ block }, context) },
      page,
      context,
    ),

  attributionLabels: (_: unknown, { where, block, ...page }: Arguments, context: QueryContext) => {
    const filters = [
      ...equals('sender', where?.['sender']),
      ...equals('code', where?.['code']),
      ...equals('datanet_id', where?.['datanetId']),
      ...equals('root', where?.['root']),
      ...equals('tx_hash', where?.['transaction']),
    ]
    return labels({ where: filters, at: atBlock({ block }, context) }, page, context)
  },

  code: async (_: unknown, { code, block }: AtBlock & { readonly code: string }, context: QueryContext) => {
    const at = atBlock({ block }, context)
    const hash = keccakHex(new TextEncoder().encode(code))
    return entity(await stateOf(context, 'code', hash, at), at)
  },

  ...moneyQuery,

  codes: (_: unknown, { block, ...page }: Arguments, context: QueryContext) =>
    codes({ at: atBlock({ block }, context) }, page, context),
}
