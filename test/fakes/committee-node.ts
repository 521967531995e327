import type { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import type { CheckerCommitteePart } from '../../node/committee/make-committee.ts'
import type { VoteJournal } from '../../node/committee/vote-journal.ts'
import type { Action } from '../../node/watcher/action.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { type Actor, type MoneyChain, type MoneyEvent, Reverted } from './money-chain.ts'
import type { CommittedBatch } from './money-world.ts'

type Looks = Pick<CheckerCommitteePart, 'look' | 'judged'>

const { signal } = new AbortController()

/** What the committee asks of a book, over events as they come. */
export function committeeBook(chain: MoneyChain, batch: CommittedBatch, events: readonly MoneyEvent[]): LedgerBook {
  const lower = (value: unknown): unknown =>
    typeof value === 'string' ? value.toLowerCase() : Array.isArray(value) ? value.map(lower) : value
  const named = (name: string, { key, number }: { readonly key?: Hex; readonly number?: bigint } = {}) =>
    events
      .filter((each) => each.name === name)
      .map((each) => ({ ...each, args: Object.fromEntries(Object.entries(each.args).map(([k, v]) => [k, lower(v)])) }))
      .filter(({ args }) => key === undefined || args['caseId'] === key || args['demandId'] === key)
      .filter(({ args }) => number === undefined || args['batchId'] === number)
  const book = {
    get head() {
      return { number: chain.blockNumber, hash: '0x', time: chain.now }
    },
    highest: (name: string) => (name === 'BatchCommitted' ? batch.header.batchId : batch.header.batchId - 1n),
    batch: () => ({ header: batch.header, segments: batch.built.segments }),
    events: (name: string, about?: { readonly key?: Hex; readonly number?: bigint }) =>
      named(name, about).filter(({ args }) => name !== 'BatchMatured' || args['batchId'] !== undefined),
    lastEvent: (name: string, key?: Hex) => named(name, key === undefined ? {} : { key }).at(-1),
  }
  return book as unknown as LedgerBook
}

/** A node with the role checker beside a chain in memory: what its runner would send is sent at each turn. */
export class CommitteeNode {
  readonly #chain: MoneyChain
  readonly #who: Actor
  readonly #actions: Action[]
  readonly #make: (journal: VoteJournal) => Looks
  readonly #open: () => VoteJournal
  #journal: VoteJournal
  #committee: Looks

  /** `actions`: where the runner of `make`'s committees puts what is to be sent; `open` opens its journal on disk. */
  constructor(
    chain: MoneyChain,
    who: Actor,
    actions: Action[],
    { make, open }: { readonly make: (journal: VoteJournal) => Looks; readonly open: () => VoteJournal },
  ) {
    this.#chain = chain
    this.#who = who
    this.#actions = actions
    this.#make = make
    this.#open = open
    this.#journal = open()
    this.#committee = make(this.#journal)
  }

  /** Looks until what it judges is judged, and sends what is due; resolves to what it sent. */
  async turn(sink: MoneyEvent[]): Promise<string[]> {
    this.#actions.length = 0
    await this.#committee.look(signal)
    await this.#committee.judged()
    const due = this.#actions.splice(0)
    await this.#committee.look(signal)
    const isNew = ({ call }: Action) => !due.some((each) => each.call.functionName === call.functionName)
    due.push(...this.#actions.filter(isNew))
    for (const { call, price } of due) {
      const value =
        price === undefined ? call.value : await this.#chain.read(price.contract as never, price.functionName)
      try {
        const options = value === undefined ? {} : { value: value as bigint }
        const sent = await this.#chain.send(this.#who, call.contract as never, call.functionName, call.args, options)
        sink.push(...sent.events)
      } catch (error) {
        // Another node was first.
        if (!(error instanceof Reverted)) throw error
      }
    }
    return due.map(({ call }) => call.functionName)
  }

  /** It keeps what is on disk. */
  dies(): void {
    this.#journal.close()
    this.#journal = this.#open()
    this.#committee = this.#make(this.#journal)
  }

  close(): void {
    this.#journal.close()
  }
}
