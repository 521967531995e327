import { allEvents, topicOf } from '../../chain/ledger/all-events.ts'
import { UsageError } from '../../common/errors.ts'
import { type Span, trailPaid, trailTree } from '../../protocol/agent-trail.ts'
import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import type { ChainAccess } from '../money/action.ts'
import { RefusedError } from '../money/refused.ts'
import { Amount } from '../money/values.ts'
import type { OpenedLeg } from './opened-leg.ts'
import type { TrailFile } from './trail-file.ts'

/** Finds the batch in which a request was settled; undefined: in none. */
export type FindBatch = (requestId: Hex) => Promise<bigint | undefined>

/** The receipt of a request in a batch. Throws {@link UsageError} where it is not in it. */
export type OpenLeg = (batchId: bigint, requestId: Hex) => Promise<OpenedLeg>

/** Paid legs whose receipts are looked for at a time. */
const legsAtOnce = 4

/**
 * Holds a trail against the chain: its root against the anchored one, each paid leg against a receipt or payment. Throws
 * {@link RefusedError} `ForgedLeg: …` for one that nothing proves, and `OtherRoot` for another trail than the one anchored.
 */
export async function verifyTrail(trail: TrailFile, chain: ChainAccess, find: FindBatch, open: OpenLeg) {
  const root = bytesToHex(trailTree(trail.spans).root)
  const anchored = (await chain.read('AgentTrails', 'trailOf', [trail.agentId, trail.trailId])) as {
    readonly root: Hex
    readonly anchoredAt: bigint
  }
  const isAnchored = anchored.anchoredAt > 0n
  if (isAnchored && anchored.root !== root) {
    throw new RefusedError(`OtherRoot: the trail's root is ${root}, the anchored one is ${anchored.root}`)
  }
  const paid = trail.spans.flatMap((span, index) => (span.fee > 0n ? [{ span, index }] : []))
  const purse = (await chain.read('AgentSpending', 'purseOf', [trail.agentId])) as Hex
  const legs: Leg[] = []
  for (let i = 0; i < paid.length; i += legsAtOnce) {
    const some = paid.slice(i, i + legsAtOnce)
    legs.push(...(await Promise.all(some.map((leg) => resolve(leg, trail, purse, { chain, find, open })))))
  }
  await requirePayments(paid, trail.agentId, chain)
  return { root, isAnchored, spans: trail.spans.length, paid: new Amount(trailPaid(trail.spans)), legs }
}

/** What proves a paid leg. */
type Leg = { readonly index: number; readonly name: string; readonly fee: Amount; readonly provenBy: string }
type Sources = { readonly chain: ChainAccess; readonly find: FindBatch; readonly open: OpenLeg }
type PaidSpan = { readonly span: Span; readonly index: number }

async function resolve({ span, index }: PaidSpan, { agentId }: TrailFile, purse: Hex, from: Sources): Promise<Leg> {
  const { chain, find, open } = from
  const leg = { index, name: span.name, fee: new Amount(span.fee) }
  if (span.kind !== 'model') return { ...leg, provenBy: `payments under ${span.ref}` }
  const forged = (why: string) =>
    new RefusedError(`ForgedLeg: action ${index}, ${leg.fee} for request ${span.ref}: ${why}`)
  const batch = await find(span.ref)
  if (batch === undefined) throw forged('no batch settles the request')
  const { receipt, payer, isVoid } = await open(batch, span.ref).catch((error: unknown) => {
    throw error instanceof UsageError ? forged(error.message) : error
  })
  if (isVoid) throw forged(`its receipt in batch ${batch} is void`)
  if (receipt.receipt.fee !== span.fee) throw forged(`its receipt says ${new Amount(receipt.receipt.fee)}`)
  const session = (await chain.read('AgentSpending', 'sessionOf', [payer])) as { readonly agentId: bigint }
  if (payer !== purse && session.agentId !== agentId) throw forged(`${payer} paid, who is no key of agent ${agentId}`)
  return { ...leg, provenBy: `receipt ${receipt.index} of batch ${batch}` }
}

/** Fees of all legs that name one reference must have been paid under it. */
async function requirePayments(paid: readonly PaidSpan[], agentId: bigint, chain: ChainAccess): Promise<void> {
  const byRef = new Map<Hex, PaidSpan[]>()
  for (const leg of paid) {
    if (leg.span.kind !== 'model') byRef.set(leg.span.ref, [...(byRef.get(leg.span.ref) ?? []), leg])
  }
  for (const [ref, legs] of byRef) {
    const claimed = legs.reduce((sum, { span }) => sum + span.fee, 0n)
    const found = (await chain.read('AgentSpending', 'paidUnder', [agentId, ref])) as bigint
    if (found >= claimed) continue
    const which = legs.map(({ index }) => index).join(', ')
    throw new RefusedError(
      `ForgedLeg: action ${which}, ${new Amount(claimed)} for ${ref}: ${new Amount(found)} were paid under it`,
    )
  }
}

/** Looks into batches, one after another. */
export async function batchAmong(
  batches: readonly bigint[],
  requestId: Hex,
  open: OpenLeg,
): Promise<bigint | undefined> {
  for (const batch of batches) {
    try {
      await open(batch, requestId)
      return batch
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
    }
  }
  return undefined
}

/** Looks through the chain's own events; for requests opened on chain. */
export async function batchByEvents(chain: ChainAccess, requestId: Hex): Promise<bigint | undefined> {
  const [settled] = await allEvents(chain, 'InferenceMarket', 'RequestSettled', [topicOf(requestId)])
  return settled?.args['batchId'] as bigint | undefined
}
