import { lastMatureBatch } from '../../chain/ledger/batch-state.ts'
import type { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { type CaseOutcome, caseOutcomes } from '../../protocol/committee-vote.ts'

/** A case as its events tell it. */
export type OpenCase = {
  readonly id: Hex
  readonly batchId: bigint
  /** Index of the receipt in its batch. */
  readonly receipt: number
  readonly kind: number
  readonly evidence: Hex
  readonly worker: Hex
  readonly challenger: Hex
  /** L1 block that draws the seats. */
  readonly origin: bigint
  /** Empty until they are drawn. */
  readonly seats: readonly Hex[]
  readonly sent: ReadonlySet<Hex>
  readonly shown: ReadonlySet<Hex>
  readonly outcome: CaseOutcome
}

/** Cases about batches that are not mature, closed ones too. */
export function openCases(book: LedgerBook): OpenCase[] {
  const cases: OpenCase[] = []
  for (let batchId = lastMatureBatch(book) + 1n; batchId <= book.highest('BatchCommitted'); batchId++) {
    for (const { args } of book.events('CaseOpened', { number: batchId })) {
      const { caseId: id, ...opened } = args as Omit<OpenCase, 'id'> & { readonly caseId: Hex }
      const { receipt, kind, evidence, worker, challenger, origin } = opened
      const voters = (name: 'VoteSent' | 'VoteShown') =>
        new Set(book.events(name, { key: id }).map((event) => event.args['member'] as Hex))
      cases.push({
        ...{ id, batchId, receipt, kind, evidence, worker, challenger, origin },
        seats: (book.lastEvent('CaseDrawn', id)?.args['seats'] as readonly Hex[] | undefined) ?? [],
        sent: voters('VoteSent'),
        shown: voters('VoteShown'),
        outcome: caseOutcomes[Number(book.lastEvent('CaseClosed', id)?.args['outcome'] ?? 1)] ?? 'open',
      })
    }
  }
  return cases
}
