import type { Hex } from '../../protocol/bytes.ts'
import { queryGraphql } from './graphql.ts'
import { claimThreshold } from './launch.ts'

/** What one payee earns of some answers for one reason. */
export type Earning = {
  readonly payee: Hex
  /** M model, W worker, A app, S span, G gradient, R retrieval, U units of a Datanet. */
  readonly class: string
  /** Row of the royalty vector, contribution, or Datanet. */
  readonly id: string
  /** wei */
  readonly amount: bigint
  readonly answers: number
  readonly contribution: { readonly author: Hex; readonly preview: string | null } | null
  readonly datanet: string | null
}

/** What answers earned, and what is still to come; undefined where all are paid. Throws what the indexer throws. */
export async function readPayments(
  graphqlUrl: string,
  requestIds: readonly Hex[],
): Promise<{ readonly earnings: readonly Earning[]; readonly lacking: string | undefined }> {
  const receipts: Receipt[] = []
  for (const requestId of requestIds) {
    const found = await queryGraphql<{ receipts: { nodes: Receipt[] } }>(graphqlUrl, receiptQuery, { requestId })
    receipts.push(...found.receipts.nodes)
  }
  const entries: Entry[] = []
  for (const receipt of receipts) entries.push(...(await entriesOf(graphqlUrl, receipt)))
  const earnings = earningsOf(entries)
  return { earnings, lacking: await lackingOf(graphqlUrl, requestIds, receipts, earnings) }
}

type Entry = {
  readonly class: string
  readonly id: string
  readonly payee: Hex
  readonly amount: string
  readonly contribution: {
    readonly author: Hex
    readonly preview: string | null
    readonly datanet: { readonly id: string }
  } | null
  readonly datanet: { readonly id: string } | null
}

type Receipt = {
  readonly requestId: Hex
  readonly isVoid: boolean
  readonly batch: { readonly id: string }
  readonly index: number
}

const receiptQuery = `query($requestId: Bytes!) { receipts(where: { requestId: $requestId }) { nodes {
  requestId isVoid batch { id } index
} } }`

const entriesQuery = `query($batch: BigInt!, $index: Int!, $after: String) { receipt(batch: $batch, index: $index) {
  entries(first: 100, after: $after) {
    nodes { class id payee amount contribution { author preview datanet { id } } datanet { id } }
    pageInfo { hasNextPage endCursor }
  }
} }`

type EntryPage = {
  readonly nodes: readonly Entry[]
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null }
}

/** All entries of a receipt; a page has fewer than a receipt may have. */
async function entriesOf(url: string, { batch, index }: Receipt): Promise<Entry[]> {
  const entries: Entry[] = []
  for (let after: string | null = null; ; ) {
    const variables: Record<string, unknown> = { batch: batch.id, index, after }
    const found = await queryGraphql<{ receipt: { entries: EntryPage } }>(url, entriesQuery, variables)
    const { nodes, pageInfo } = found.receipt.entries
    entries.push(...nodes)
    if (!pageInfo.hasNextPage) return entries
    after = pageInfo.endCursor
  }
}

function earningsOf(entries: readonly Entry[]): Earning[] {
  const earnings = new Map<string, Earning>()
  for (const { class: kind, id, payee, amount, contribution, datanet } of entries) {
    const key = `${kind} ${id} ${payee}`
    const before = earnings.get(key) ?? { amount: 0n, answers: 0 }
    earnings.set(key, {
      ...{ payee, class: kind, id, contribution, datanet: contribution?.datanet.id ?? datanet?.id ?? null },
      ...{ amount: before.amount + BigInt(amount), answers: before.answers + 1 },
    })
  }
  return [...earnings.values()].toSorted((a, b) => (a.amount > b.amount ? -1 : 1))
}

async function lackingOf(
  url: string,
  requestIds: readonly Hex[],
  receipts: readonly Receipt[],
  earnings: readonly Earning[],
): Promise<string | undefined> {
  const missing = requestIds.find((id) => !receipts.some(({ requestId }) => requestId === id))
  if (missing !== undefined) return `the answer ${missing} is in no batch whose data is here`
  const bad = receipts.find(({ isVoid }) => isVoid)
  if (bad !== undefined) return `the receipt of answer ${bad.requestId} is void`
  const last = receipts.reduce((max, { batch }) => (BigInt(batch.id) > max ? BigInt(batch.id) : max), 0n)
  const { epochs } = await queryGraphql<{ epochs: { nodes: { lastBatch: string }[] } }>(url, finalQuery)
  const settled = BigInt(epochs.nodes[0]?.lastBatch ?? 0)
  if (settled < last) return `batch ${last} is in no final epoch, batches to ${settled} are`
  for (const payee of new Set(earnings.map((each) => each.payee))) {
    const found = await queryGraphql<{ payee: { earned: string; claimed: string } }>(url, payeeQuery, { payee })
    const owed = BigInt(found.payee.earned) - BigInt(found.payee.claimed)
    if (owed >= claimThreshold) return `${payee} is owed ${owed} wei of final epochs`
  }
  return undefined
}

const finalQuery = '{ epochs(first: 1, orderDirection: desc, where: { status: final }) { nodes { lastBatch } } }'
const payeeQuery = 'query($payee: Address!) { payee(address: $payee) { earned claimed } }'
