import type { Hex } from '../../protocol/bytes.ts'
import { askGraphql } from '../money/graphql-claim.ts'

/** A contribution of a person; amounts in wei, numbers of the chain in decimal. */
export type SubjectItem = {
  readonly contribution: {
    readonly id: string
    readonly contentHash: Hex
    readonly status: string
    readonly blockNumber: number
    readonly datanet: { readonly id: string; readonly licence: string }
  }
  readonly consent: readonly { readonly purpose: string; readonly permission: string }[]
  readonly withdrawnFrom: number | null
  readonly versions: readonly number[]
  readonly models: readonly string[]
  readonly receiptCount: number
  readonly receipts: readonly {
    readonly batch: string
    readonly index: number
    readonly model: string | null
    readonly requestId: Hex
    readonly payee: Hex
    readonly amount: string
  }[]
  readonly amount: string
}

export type SubjectReport = {
  readonly address: Hex
  readonly items: readonly SubjectItem[]
  readonly amount: string
  readonly unlistedVersions: readonly string[]
}

/** Of indexers whose answer never ends, no more is read. */
const pagesMax = 1_000

const query = `query ($address: Address!, $after: BigInt) { subjectReport(address: $address, after: $after) {
  next unlistedVersions amount
  items { contribution { id contentHash status blockNumber datanet { id licence } } consent { purpose permission }
    withdrawnFrom versions models receiptCount receipts { batch index model requestId payee amount } amount } } }`

type Page = Omit<SubjectReport, 'address'> & { readonly next: string | null }

/** The whole report, page by page. Throws GraphqlError. */
export async function subjectReport(url: string, address: Hex): Promise<SubjectReport> {
  const items: SubjectItem[] = []
  const unlisted = new Set<string>()
  let amount = 0n
  let after: string | null = null
  for (let page = 0; page < pagesMax; page++) {
    const data = await askGraphql(url, query, { address, after })
    // What the schema of the indexer says.
    const found = data['subjectReport'] as Page
    items.push(...found.items)
    for (const version of found.unlistedVersions) unlisted.add(version)
    amount += BigInt(found.amount)
    after = found.next
    if (after === null) break
  }
  return { address, items, amount: String(amount), unlistedVersions: [...unlisted] }
}
