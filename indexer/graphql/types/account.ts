import { equals, type PageArguments } from '../connection.ts'
import type { QueryContext } from '../context.ts'
import { contributedBy, contributionFilter, contributions, datanets, type ListArguments, labels } from '../lists.ts'
import { stateOf } from '../rows.ts'

/** Every address is an account; what it did is read by it. */
type AccountNode = { readonly address: string; readonly at: number | undefined }

export const Account = {
  payout: async ({ address, at }: AccountNode, _: unknown, context: QueryContext) =>
    (await stateOf(context, 'payout', address, at))?.['payout'] ?? address,
  payoutFromEpoch: async ({ address, at }: AccountNode, _: unknown, context: QueryContext) =>
    (await stateOf(context, 'payout', address, at))?.['from_epoch'] ?? null,
  datanets: ({ address, at }: AccountNode, page: PageArguments, context: QueryContext) =>
    datanets({ where: equals('owner', address), at }, page, context),
  contributedTo: ({ address, at }: AccountNode, page: PageArguments, context: QueryContext) =>
    datanets({ where: contributedBy(address, at), at }, page, context),
  contributions: ({ address, at }: AccountNode, { where, ...page }: ListArguments, context: QueryContext) =>
    contributions({ of: { author: address }, where: contributionFilter(where), at }, page, context),
  labels: ({ address, at }: AccountNode, page: PageArguments, context: QueryContext) =>
    labels({ of: { sender: address }, at }, page, context),
}
