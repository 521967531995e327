import { type EpochState, epochStateOf, noEpoch } from '../../protocol/epoch-record.ts'
import type { BookedEpoch, LedgerBook } from './ledger-book.ts'

/**
 * `proposed`: open to challenge. `orphan`: one below it was reverted, its bond waits for `releaseOrphan`. `released`: the bond went
 * back.
 */
export type EpochStage = 'proposed' | 'final' | 'reverted' | 'orphan' | 'released'

export function epochStage(book: LedgerBook, { pos, record }: BookedEpoch): EpochStage {
  const { epoch } = record.header
  const reverted = book.firstAfter('EpochReverted', pos, epoch)
  if (reverted === undefined) return epoch <= finalEpoch(book) ? 'final' : 'proposed'
  if (reverted.args['epoch'] === epoch) return 'reverted'
  const released = book.events('EpochOrphaned', { number: epoch }).some((event) => event.pos > pos)
  return released ? 'released' : 'orphan'
}

/** The newest final epoch; 0 before the first. */
export function finalEpoch(book: LedgerBook): bigint {
  return book.highest('EpochFinalized')
}

/** The epoch that stands at this number, proposed or final. */
export function standingEpoch(book: LedgerBook, epoch: bigint): BookedEpoch | undefined {
  const [last] = book.proposals(epoch)
  if (last === undefined) return undefined
  const stage = epochStage(book, last)
  return stage === 'proposed' || stage === 'final' ? last : undefined
}

/** Epochs that stand and are not final, in order. */
export function proposedEpochs(book: LedgerBook): BookedEpoch[] {
  const open = book.latestProposals(finalEpoch(book) + 1n)
  return open.filter((epoch) => epochStage(book, epoch) === 'proposed')
}

/** Epochs whose bonds can be released, in order. */
export function orphanEpochs(book: LedgerBook): BookedEpoch[] {
  const open = book.latestProposals(finalEpoch(book) + 1n)
  return open.filter((epoch) => epochStage(book, epoch) === 'orphan')
}

/** What a proposal or a finality on top of epoch `epoch` has to show; zeros before the first. */
export function parentState(book: LedgerBook, epoch: bigint): EpochState | undefined {
  if (epoch === 0n) return noEpoch
  const standing = standingEpoch(book, epoch)
  return standing && epochStateOf(standing.record)
}
