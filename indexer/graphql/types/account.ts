import { equals, type PageArguments } from '../connection.ts'
import type { QueryContext } from '../context.ts'
import {
  contributedBy,
  contributionFilter,
  contributions,
  datanets,
  eventList,
  type ListArguments,
  labels,
  stateList,
} from '../lists.ts'
import { stateEntity, stateOf } from '../rows.ts'

/** Every address is an account; what it did is read by it. */
type AccountNode = { readonly address: string; readonly at: number | undefined }

export const Account = {
  home: async ({ address, at }: AccountNode, _: unknown, context: QueryContext) =>
    (await stateOf(context, 'payer_home', address, at))?.['home'] ?? null,
  payout: async ({ address, at }: AccountNode, _: unknown, context: QueryContext) =>
    (await stateOf(context, 'payout', address, at))?.['payout'] ?? address,
  payoutFromEpoch: async ({ address, at }: AccountNode, _: unknown, context: QueryContext) =>
    (await stateOf(context, 'payout', address, at))?.['from_epoch'] ?? null,
  datanets: ({ address, at }: AccountNode, page: PageArguments, context: QueryContext) =>
    datanets({ where: equals('owner', address), at }, page, context),
  contributedTo: ({ address, at }: AccountNode, page: PageArguments, context: QueryContext) =>
    datanets({ where: contributedBy(address, at), at }, page, context),
  contributions: ({ address, at }: AccountNode, { where, ...page }: ListArguments, context: QueryContext) =>
    contributions({ of: { author: address }, where: contributionFilter(where, at), at }, page, context),
  labels: ({ address, at }: AccountNode, page: PageArguments, context: QueryContext) =>
    labels({ of: { sender: address }, at }, page, context),
  payee: ({ address, at }: AccountNode) => ({ address, at }),
  worker: ({ address, at }: AccountNode, _: unknown, context: QueryContext) =>
    stateEntity(context, 'worker', address, at),
  refundOwed: async ({ address, at }: AccountNode, _: unknown, context: QueryContext) =>
    (await stateOf(context, 'refund', address, at))?.['owed'] ?? '0',
  channels: ({ address, at }: AccountNode, page: PageArguments, context: QueryContext) =>
    stateList('channel', { of: { payer: address }, at }, page, context),
  requests: ({ address, at }: AccountNode, page: PageArguments, context: QueryContext) =>
    stateList('request', { of: { payer: address }, at }, page, context),
  voter: ({ address, at }: AccountNode) => ({ address, at }),
  stakes: ({ address, at }: AccountNode, page: PageArguments, context: QueryContext) =>
    stateList('stake', { of: { recipient: address }, at }, page, context),
  poolMemberships: ({ address, at }: AccountNode, page: PageArguments, context: QueryContext) =>
    stateList('pool_member', { of: { member: address }, at }, page, context),
  burns: ({ address, at }: AccountNode, page: PageArguments, context: QueryContext) =>
    eventList('burn', ['block', 'idx'], { of: { account: address }, at }, page, context),
}
