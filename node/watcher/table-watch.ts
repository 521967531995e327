import { type TableChallenge, type TableFacts, tableFault } from '../../attribution/combined/table-faults.ts'
import { IndexError } from '../../attribution/indexes/index-error.ts'
import type { TableLeaves } from '../../attribution/influences/table-leaves.ts'
import { type ContentSource, type VersionRef, versionItems } from '../../chain/indexes/version-content.ts'
import { callContract } from '../../chain/ledger/l2-calls.ts'
import type { L2Rpc } from '../../chain/ledger/l2-rpc.ts'
import type { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { type Action, action, tableSubject } from './action.ts'

export type TableWatchParts = ContentSource & {
  readonly rpc: L2Rpc
  readonly book: LedgerBook
  readonly leaves: Pick<TableLeaves, 'of'>
  readonly nowMs: () => number
  readonly log: Log
}

type Table = {
  readonly modelVersion: Hex
  readonly adapterRoot: Hex
  readonly shape: TableFacts['shape']
  readonly sources: readonly VersionRef[]
}

/** `right`: its form is; `wrong`: a call of SketchRegistry proves it false; `unknown`: too little of it is to be had now. */
type Verdict =
  | { readonly kind: 'right' }
  | { readonly kind: 'wrong'; readonly challenge: TableChallenge }
  | { readonly kind: 'unknown'; readonly why: string }

type Checked = { readonly verdict: Verdict; readonly waitMs: number; readonly againAtMs: number }

/** Between looks for what was not to be had, doubled each time. */
const retryMs = { first: 5_000, max: 600_000 } as const

/** Checks the form of every registered table of influences whole, one at a time beside all else, and proves false what is. docs/GRADIENTS.md §9. */
export class TableWatch {
  readonly #parts: TableWatchParts
  readonly #checked = new Map<Hex, Checked>()
  #work: Promise<void> | undefined

  constructor(parts: TableWatchParts) {
    this.#parts = parts
  }

  /** True while a table is being checked. */
  get isBusy(): boolean {
    return this.#work !== undefined
  }

  /** Resolves when nothing is being checked. */
  async settle(): Promise<void> {
    await this.#work
  }

  /** A reorg may have registered other tables, also in the place of the one that is being checked. */
  async forget(): Promise<void> {
    await this.#work
    this.#checked.clear()
  }

  /** Challenges of tables that are wrong; starts the check of the next one. */
  look(): Action[] {
    const standing = this.#standing()
    for (const subject of this.#checked.keys()) if (!standing.has(subject)) this.#checked.delete(subject)
    const next = [...standing].find(([subject]) => this.#isDue(subject))
    if (next !== undefined && this.#work === undefined) {
      this.#work = this.#check(...next).finally(() => {
        this.#work = undefined
      })
    }
    return [...standing].flatMap(([subject, table]) => {
      const verdict = this.#checked.get(subject)?.verdict
      return verdict?.kind === 'wrong' ? [challengeOf(subject, table, verdict.challenge)] : []
    })
  }

  /** Tables that nobody proved false yet, by what their challenge is about. */
  #standing(): Map<Hex, Table> {
    const { book } = this.#parts
    const subjectOf = (args: Args) => tableSubject(args['modelVersion'] as Hex, args['adapterRoot'] as Hex)
    const gone = new Set(book.events('SketchesProvenFalse').map(({ args }) => subjectOf(args)))
    const sources = new Map(book.events('SketchSources').map(({ args }) => [subjectOf(args), args['sources']]))
    const tables = book.events('SketchesRegistered').map(({ args }) => {
      const subject = subjectOf(args)
      const [modelVersion, adapterRoot, root] = [args['modelVersion'], args['adapterRoot'], args['root']] as Hex[]
      const shape = { root, size: Number(args['size']), rows: Number(args['rows']) }
      return [subject, { modelVersion, adapterRoot, shape, sources: sources.get(subject) ?? [] } as Table] as const
    })
    return new Map(tables.filter(([subject]) => !gone.has(subject)))
  }

  #isDue(subject: Hex): boolean {
    const checked = this.#checked.get(subject)
    return checked === undefined || (checked.verdict.kind === 'unknown' && checked.againAtMs <= this.#parts.nowMs())
  }

  async #check(subject: Hex, table: Table): Promise<void> {
    const { nowMs, signal, log } = this.#parts
    const waitMs = Math.min(2 * (this.#checked.get(subject)?.waitMs ?? retryMs.first / 2), retryMs.max)
    let verdict: Verdict
    try {
      verdict = await this.#verdictOn(table)
    } catch (error) {
      if (signal.aborted) return
      verdict = { kind: 'unknown', why: errorMessage(error) }
    }
    this.#checked.set(subject, { verdict, waitMs, againAtMs: nowMs() + waitMs })
    const fields = { modelVersion: table.modelVersion, adapter: table.adapterRoot, table: table.shape.root }
    if (verdict.kind === 'right') log.info('the form of a table of influences is right', fields)
    else if (verdict.kind === 'wrong') {
      log.warn('the form of a table of influences is wrong', { ...fields, fault: verdict.challenge.functionName })
    } else {
      const why = { retryMs: waitMs, error: verdict.why }
      log.warn('a table of influences is not checked yet, trying again', { ...fields, ...why })
    }
  }

  /** Throws what the RPC throws. */
  async #verdictOn({ modelVersion, adapterRoot, shape, sources }: Table): Promise<Verdict> {
    const { rpc, leaves, signal } = this.#parts
    const found = await leaves.of(shape, signal)
    if (found === undefined) return { kind: 'unknown', why: 'nobody shows its file' }
    const ask = (contract: 'ModelRegistry' | 'DatanetRegistry', functionName: string, args: readonly unknown[]) =>
      callContract(rpc, { contract, functionName, args })
    const model = (await ask('ModelRegistry', 'modelRootOf', [modelVersion])) as Hex
    const contributions = (await ask('DatanetRegistry', 'contributionCount', [])) as bigint
    const missing: string[] = []
    const lists = []
    for (const source of sources) lists.push(await this.#itemsOf(source, missing))
    const challenge = tableFault(found, { shape, model, adapter: adapterRoot, contributions, sources: lists })
    if (challenge !== undefined) return { kind: 'wrong', challenge }
    const [why] = missing
    return why === undefined ? { kind: 'right' } : { kind: 'unknown', why }
  }

  /** Undefined where nobody here has the list. */
  async #itemsOf(source: VersionRef, missing: string[]) {
    try {
      return await versionItems(this.#parts.rpc, source, this.#parts)
    } catch (error) {
      if (!(error instanceof IndexError)) throw error
      missing.push(error.message)
      return undefined
    }
  }
}

type Args = Readonly<Record<string, unknown>>

function challengeOf(subject: Hex, table: Table, { functionName, args: shown }: TableChallenge): Action {
  const args = [table.modelVersion, table.adapterRoot, ...shown]
  return { ...action('challenge', { contract: 'SketchRegistry', functionName, args }, { subject }), subject }
}
