import type { Hex } from '../../protocol/bytes.ts'
import type { LedgerBook } from './ledger-book.ts'
import type { LedgerEvent } from './ledger-event.ts'

/** Kinds of leaves in the order of `DataKind`. */
export const demandKinds = ['receipt', 'entry', 'prompt', 'output', 'credit', 'payout'] as const
export type DemandKind = (typeof demandKinds)[number]

/** `Demand` of contracts/src/lib/Demands.sol, as its calls take it. */
export type Demand = {
  readonly kind: number
  /** Hash of the batch's header or of the epoch's record. */
  readonly subject: Hex
  readonly root: Hex
  readonly count: number
  readonly index: number
}

/** A leaf that somebody asked for. */
export type DemandState = {
  readonly id: Hex
  /** Id of the batch or number of the epoch. */
  readonly number: bigint
  readonly demand: Demand
  readonly requester: Hex
  /** wei for whoever answers. */
  readonly prepaid: bigint
  /** Unix seconds; from then on there is no answer. */
  readonly dueAt: bigint
  /** `dropped`: what it was about went for another reason. */
  readonly outcome: 'open' | 'served' | 'missing' | 'dropped'
  /** Of a served one: the call that answered, selector and arguments. */
  readonly answer?: Hex
}

/** Demands of one batch or epoch, of which `kinds` tell; in the order they were made. */
export function demandsOf(book: LedgerBook, of: 'batch' | 'epoch', number: bigint): DemandState[] {
  const asked = book.events('DataRequested', { number }).map((event) => demandState(book, event))
  return asked.filter(({ demand }) => subjectOf(demand) === of)
}

/** Demands that wait for an answer, or for its lack to be told. */
export function openDemands(book: LedgerBook): DemandState[] {
  const asked = book.unanswered().map((event) => demandState(book, event))
  return asked.filter(({ outcome }) => outcome === 'open')
}

/** What a demand's subject is. */
export function subjectOf({ kind }: Demand): 'batch' | 'epoch' {
  return kind < demandKinds.indexOf('credit') ? 'batch' : 'epoch'
}

function demandState(book: LedgerBook, { pos, args }: LedgerEvent): DemandState {
  const asked = args as Pick<DemandState, 'number' | 'demand' | 'requester' | 'prepaid' | 'dueAt'>
  const id = args['demandId'] as Hex
  const { number, demand, requester, prepaid, dueAt } = asked
  const state = { id, number, demand, requester, prepaid, dueAt }
  for (const [name, outcome] of outcomes) {
    const event = book.events(name, { key: id }).find((later) => later.pos > pos)
    if (event === undefined) continue
    return outcome === 'served' ? { ...state, outcome, answer: event.args['answer'] as Hex } : { ...state, outcome }
  }
  return { ...state, outcome: 'open' }
}

const outcomes = [
  ['DataServed', 'served'],
  ['DataMissing', 'missing'],
  ['DataRequestDropped', 'dropped'],
] as const
