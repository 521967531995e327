import { claimOf } from '../../../attribution/epochs/claim-proof.ts'
import { openLedgerPredeploys } from '../../../contracts/addresses.ts'
import { isUnitsPool } from '../../../protocol/attribution-entry.ts'
import type { Hex } from '../../../protocol/bytes.ts'
import type { Row } from '../../store/store.ts'
import { claimCalldata, claimForCalldata } from '../claim-calls.ts'
import type { PageArguments } from '../connection.ts'
import type { QueryContext } from '../context.ts'
import { earningsOf, isComplete, nextIncome, provableEpoch, standingCredits } from '../earnings.ts'
import { eventList, type ListArguments, stateList } from '../lists.ts'
import { finalEpoch } from '../pipeline.ts'
import { queryError } from '../query-error.ts'
import { column, type Entity, flag, origin, stateEntity, stateOf } from '../rows.ts'

export type PayeeNode = { readonly address: string; readonly at: number | undefined }
type Field = (node: PayeeNode, _: unknown, context: QueryContext) => unknown

/** A field out of the vault's own row of the payee; 0, false or null where nothing was ever claimed or named. */
const ofVault =
  (read: (row: Row | undefined, node: PayeeNode) => unknown): Field =>
  async (node, _, context) =>
    read(await stateOf(context, 'payee', node.address, node.at), node)

export const Payee = {
  earned: (async ({ address, at }, _, context) => String((await earningsOf(context, address, at)).earned)) as Field,
  pending: (async ({ address, at }, _, context) => {
    const { earned, standing } = await earningsOf(context, address, at)
    return String(standing - earned)
  }) as Field,
  claimed: ofVault((row) => row?.['claimed'] ?? '0'),
  claimable: (async ({ address, at }, _, context) => {
    const [{ earned }, row] = await Promise.all([
      earningsOf(context, address, at),
      stateOf(context, 'payee', address, at),
    ])
    return String(above(earned, row))
  }) as Field,
  isComplete: (({ at }, _, context) => isComplete(context, at)) as Field,
  claim: (({ address, at }, _, context) => claimProof(address as Hex, at, context)) as Field,
  claimedEpoch: ofVault((row) => row?.['claimed_epoch'] ?? null),
  recipient: ofVault((row, { address }) => row?.['recipient'] ?? address),
  claimsRestricted: ofVault((row) => row?.['restricted'] === 1),
  operators: ({ address, at }: PayeeNode, page: PageArguments, context: QueryContext) =>
    stateList('operator', { of: { payee: address }, at }, page, context),
  credits: ({ address, at }: PayeeNode, { where, ...page }: ListArguments, context: QueryContext) => {
    const final = where?.['final'] as boolean | null | undefined
    const selection = { of: { payee: address }, where: standingCredits(at, final), at }
    return eventList('credit', ['proposal', 'idx'], selection, page, context)
  },
  claims: ({ address, at }: PayeeNode, page: PageArguments, context: QueryContext) =>
    eventList('claim', ['block', 'idx'], { of: { payee: address }, at }, page, context),
  pool: (({ address, at }, _, context) => stateEntity(context, 'pool', address, at)) as Field,
}

export const Operator = { operator: column('operator'), allowed: flag('allowed') }

export const Claim = {
  kind: column('kind'),
  payee: column('payee'),
  pool: column('pool'),
  epochNumber: column('epoch'),
  amount: column('amount'),
  recipient: column('recipient'),
  epoch: ({ row, at }: Entity, _: unknown, context: QueryContext) => finalEpoch(context, row['epoch'], at),
  credits: ({ row, at }: Entity, page: PageArguments, context: QueryContext) => {
    const last = row['kind'] === 'payout' ? row['epoch'] : 0
    const of = { payee: row['payee'], last, block: row['block'], idx: row['idx'] }
    return eventList('credit', ['proposal', 'idx'], { of, ofSql: paidBy, at }, page, context)
  },
  earner: ({ row, at }: Entity) => (row['kind'] === 'pool' ? null : { address: row['payee'], at }),
  ...origin,
}

/** Credits of a claim's payee in final epochs up to its own that no claim before it paid. */
const paidBy = `payee = parent.value ->> 0 and proposal in (select key from epoch where final_block is not null
  and number <= parent.value ->> 1 and number > coalesce((select max(epoch) from claim where payee = parent.value ->> 0
    and kind = 'payout' and (block, idx) < (parent.value ->> 2, parent.value ->> 3)), 0))`

/**
 * The claim of what a payee is owed: under the newest final epoch whose data is there; of a Datanet's pool under the next one that
 * brought it something, since each is for who held units then. Throws LIMIT_EXCEEDED.
 */
async function claimProof(payee: Hex, at: number | undefined, context: QueryContext) {
  const { payouts } = context
  const [row, pool] = await Promise.all([stateOf(context, 'payee', payee, at), stateOf(context, 'pool', payee, at)])
  const claimed = Number(row?.['claimed_epoch'] ?? 0)
  const isUnits = isUnitsPool(payee)
  const epoch = isUnits ? await nextIncome(context, payee, claimed, at) : await provableEpoch(context, at)
  if (epoch === undefined || payouts === undefined) return null
  const number = Number(epoch['number'])
  // Epochs between are to be passed first, by another call.
  if (isUnits && number > claimed + 1) return null
  const hash = String(epoch['data_hash'])
  if (payouts.isBusy(hash)) throw queryError('LIMIT_EXCEEDED', 'claims of too many epochs are asked for; try again')
  const rows = await payouts.get(hash)
  const claim = rows === undefined ? undefined : claimOf(BigInt(number), rows, payee)
  if (claim === undefined || number < claimed || above(claim.cumulative, row) === 0n) return null
  const forCalldata = claimForCalldata(payee, claim)
  return {
    ...claim,
    amount: String(above(claim.cumulative, row)),
    to: openLedgerPredeploys.royaltyVault,
    // Nobody sends in a pool's name.
    calldata: pool === undefined ? claimCalldata(claim) : forCalldata,
    forCalldata,
  }
}

/** What is owed beyond what was paid. */
function above(cumulative: bigint, payee: Row | undefined): bigint {
  const owed = cumulative - BigInt(String(payee?.['claimed'] ?? 0))
  return owed > 0n ? owed : 0n
}
