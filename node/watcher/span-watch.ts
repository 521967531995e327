import type { BatchOf } from '../../attribution/epochs/batch-jobs.ts'
import type { IndexFolder } from '../../attribution/indexes/index-folder.ts'
import type { BatchSpans, ModelSet, SpanFinding } from '../../attribution/indexes/span-jobs.ts'
import type { SpanThread } from '../../attribution/indexes/span-thread.ts'
import type { InfluenceFiles } from '../../attribution/influences/influence-files.ts'
import type { SketchSource } from '../../attribution/influences/query-maker.ts'
import { isDeadAt } from '../../chain/indexes/published-index.ts'
import { ShownSignatures } from '../../chain/indexes/shown-signatures.ts'
import { SketchTables } from '../../chain/indexes/sketch-tables.ts'
import { type BatchState, batchState, lastMatureBatch } from '../../chain/ledger/batch-state.ts'
import { demandsOf } from '../../chain/ledger/demand-state.ts'
import type { L2Rpc } from '../../chain/ledger/l2-rpc.ts'
import type { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import { type ModelTerms, modelTerms } from '../../chain/ledger/model-terms.ts'
import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import { LruCache } from '../../common/lru-cache.ts'
import { algoHashV2 } from '../../protocol/attribution-rule.ts'
import { bytesToHex, type Hex, hexToBytes } from '../../protocol/bytes.ts'
import { caseIdOf, caseKinds, casePrice } from '../../protocol/committee-vote.ts'
import { type BatchHeader, batchHash, type Segment } from '../../protocol/receipt-batch.ts'
import { tokensPerLeaf } from '../../protocol/token-list.ts'
import { type Action, action, actionsOf } from './action.ts'
import type { BatchSource } from './batch-source.ts'
import { evidenceLimit, openMax } from './demand-limit.ts'

export type SpanWatchParts = {
  readonly rpc: L2Rpc
  readonly chainId: bigint
  readonly book: LedgerBook
  readonly source: BatchSource
  readonly folder: IndexFolder
  /** Tables of influences; absent: class G is not judged here. */
  readonly influences: Pick<InfluenceFiles, 'has' | 'want' | 'count'> | undefined
  readonly thread: SpanThread
  /** Who asks for evidence. */
  readonly requester: Hex
  readonly log: Log
}

type Sets = ReadonlyMap<Hex, ModelSet>
type Hidden = Extract<SpanFinding, { kind: 'hidden' }>
type WrongQuery = Extract<SpanFinding, { kind: 'query' }>

/** What was found of a batch's spans. */
type Judged = {
  readonly root: Hex
  /** What was known of the batch. */
  readonly about: string
  readonly sets: Sets
  /** Model versions whose indexes were not here. */
  readonly lacking: readonly Hex[]
  readonly findings: Map<number, SpanFinding>
  /** Receipts that could not be judged: each look tries them again. */
  readonly failed: Set<number>
  /** Leaves of outputs and prompts that were known then. */
  leaves: number | undefined
}

/** Model versions whose sets are remembered: they never change. */
const termsMax = 1_000

/**
 * Attributes every answer of batches in their window anew, as far as the indexes are here. Where a receipt says otherwise, its
 * evidence is asked for, and what is wrong with it, or that nobody showed it, voids the receipt. docs/ATTRIBUTION.md §5.
 */
export class SpanWatch {
  readonly #parts: SpanWatchParts
  readonly #judged = new Map<bigint, Judged>()
  readonly #terms = new LruCache<Hex, ModelTerms>(termsMax)
  readonly #signatures: ShownSignatures
  readonly #tables: SketchTables

  constructor(parts: SpanWatchParts) {
    this.#parts = parts
    this.#signatures = new ShownSignatures(parts.rpc)
    this.#tables = new SketchTables(parts.rpc)
  }

  /** What is to be done about spans now. `now`: Unix seconds of the chain; `window`: seconds of a challenge window. */
  async look(now: bigint, window: bigint, signal: AbortSignal): Promise<Action[]> {
    const { book } = this.#parts
    const [first, last] = [lastMatureBatch(book) + 1n, book.lastBatch]
    for (const id of this.#judged.keys()) if (id < first) this.#judged.delete(id)
    const actions: Action[] = []
    for (let id = first; id <= last && !signal.aborted; id++) {
      const state = batchState(book, id)
      if (state === undefined || state.isVoid) continue
      const judged = await this.#judge(state)
      const findings = [...(judged?.findings.values() ?? [])].filter(({ receipt }) => !state.voided.includes(receipt))
      actions.push(...this.#actions(state, findings, now, window))
    }
    return [...actions, ...this.#refunds(now)]
  }

  /** What was prepaid for evidence that nobody showed. */
  #refunds(now: bigint): Action[] {
    const { book, requester } = this.#parts
    const own = book.events('EvidenceRequested').filter(({ args }) => args['requester'] === requester)
    return own.flatMap(({ args }) => {
      const id = args['demandId'] as Hex
      const isOver = (['EvidenceServed', 'PrepaidReturned'] as const).some(
        (name) => book.lastEvent(name, id) !== undefined,
      )
      if (isOver || (args['dueAt'] as bigint) > now) return []
      return [
        action('refund', { contract: 'EvidenceDemands', functionName: 'returnPrepaid', args: [id] }, { subject: id }),
      ]
    })
  }

  /** A reorg may have put other batches in the place of those that were judged. */
  forget(): void {
    this.#judged.clear()
    this.#terms.clear()
    this.#signatures.forget()
    this.#tables.forget()
  }

  /** Undefined where it could not be judged now. */
  async #judge(state: BatchState): Promise<Judged | undefined> {
    const { batchId, receiptRoot: root, committedAt } = state.header
    try {
      const batch = await this.#parts.source.batchOf(state)
      const { file, receipts, entries, tokens } = batch.data
      const known = [file !== undefined, receipts?.length, entries?.length]
      const about = [...known, this.#parts.influences?.count].join(' ')
      const before = this.#judged.get(batchId)
      const isSame = before?.root === root && before.about === about
      if (isSame && (await this.#setsOf(before.lacking, committedAt)).size === 0) {
        await this.#readShown(before, batch, [...before.failed, ...unreadOf(before, tokens?.length)])
        before.leaves = tokens?.length
        return before
      }
      const { lacking } = await this.#ask(batch, new Map())
      const sets = await this.#setsOf(lacking, committedAt)
      const spans = await this.#ask(batch, sets)
      const findings = new Map(spans.findings.map((each) => [each.receipt, each]))
      const failed = new Set(spans.failed.keys())
      const judged = { root, about, sets, lacking: spans.lacking, findings, failed, leaves: tokens?.length }
      this.#judged.set(batchId, judged)
      this.#tell(batchId, spans)
      await this.#readShown(judged, batch)
      return judged
    } catch (error) {
      const fields = { batch: batchId, error: errorMessage(error) }
      this.#parts.log.warn('the spans of a batch are not checked yet, trying again', fields)
      return undefined
    }
  }

  /** Judges receipts anew whose evidence was shown meanwhile, and those of `again`. */
  async #readShown({ sets, findings, failed }: Judged, batch: BatchOf, again: readonly number[] = []): Promise<void> {
    const { book } = this.#parts
    const shown = new Map<Hex, Uint8Array>()
    const only = [...again]
    for (const finding of findings.values()) {
      const served = finding.kind === 'hidden' && book.lastEvent('EvidenceServed', finding.demandId)
      if (!served || finding.kind !== 'hidden') continue
      shown.set(finding.demandId, hexToBytes(served.args['evidence'] as Hex))
      only.push(finding.receipt)
    }
    if (only.length === 0) return
    const spans = await this.#ask(batch, sets, shown, only)
    const newlyFailed = new Map([...spans.failed].filter(([receipt]) => !failed.has(receipt)))
    for (const receipt of only) {
      if (spans.failed.has(receipt)) failed.add(receipt)
      else failed.delete(receipt)
      findings.delete(receipt)
    }
    for (const finding of spans.findings) findings.set(finding.receipt, finding)
    this.#tell(batch.header.batchId, { ...spans, failed: newlyFailed })
  }

  async #ask(
    batch: BatchOf,
    sets: Sets,
    shown: ReadonlyMap<Hex, Uint8Array> = new Map(),
    only?: number[],
  ): Promise<BatchSpans> {
    const { thread, chainId } = this.#parts
    const { committedAt } = batch.header
    const [signatures, sketched] = await Promise.all([this.#signatures.at(committedAt), this.#sketched(committedAt)])
    const asked = { batch, chainId, sets, shown, signatures, sketched }
    return await thread.judge({ ...asked, ...(only === undefined ? {} : { only }) })
  }

  /** Tables of influences in force at a time, by what a request names; those that are not here are asked for. */
  async #sketched(time: bigint): Promise<ReadonlyMap<string, SketchSource>> {
    const { influences } = this.#parts
    const sources = new Map<string, SketchSource>()
    for (const [key, { modelVersion, adapterRoot, root, size, rows }] of await this.#tables.at(time)) {
      const terms = await this.#termsOf(modelVersion)
      if (terms === undefined) continue
      sources.set(key, { model: terms.root, adapter: adapterRoot, table: root, size, rows })
      influences?.want(root)
    }
    return sources
  }

  async #termsOf(modelVersion: Hex): Promise<ModelTerms | undefined> {
    const terms = this.#terms.get(modelVersion) ?? (await modelTerms(this.#parts.rpc, modelVersion))
    return terms && this.#terms.set(modelVersion, terms)
  }

  /** Sets of model versions whose indexes, where they have some, are all here. */
  async #setsOf(modelVersions: readonly Hex[], committedAt: bigint): Promise<Sets> {
    const { rpc, folder } = this.#parts
    const sets = new Map<Hex, ModelSet>()
    for (const modelVersion of modelVersions) {
      const terms = await this.#termsOf(modelVersion)
      if (terms === undefined) continue
      const { indexIds: ids, trainedOn } = terms
      if (ids.some((id) => folder.place(id) === undefined)) continue
      sets.set(modelVersion, { ids, trainedOn, isDead: await isDeadAt(rpc, ids, committedAt) })
    }
    return sets
  }

  #actions({ header, segments }: BatchState, findings: readonly SpanFinding[], now: bigint, window: bigint): Action[] {
    const about = { batch: header.batchId }
    const challenges = findings.flatMap((finding) =>
      finding.kind === 'challenge' ? actionsOf({ kind: 'challenge', call: finding.call }, about) : [],
    )
    const hidden = findings.filter((finding) => finding.kind === 'hidden')
    const clock = { now, start: header.committedAt, window }
    const mayAsk = now < header.committedAt + window / 3n
    const open = hidden.filter((finding) => this.#dueAt(finding) !== undefined)
    const wanted = hidden.filter((finding) => this.#dueAt(finding) === undefined).sort(dearestFirst)
    return [
      ...challenges,
      ...open
        .filter((finding) => (this.#dueAt(finding) ?? now) <= now)
        .flatMap((finding) => missing(finding, segments, about)),
      ...(now < header.committedAt + window / 2n ? this.#questions(header, findings) : []),
      ...(mayAsk ? this.#unread(header, findings) : []),
      ...wanted.slice(0, evidenceLimit(clock, open.length)).map((finding) => request(finding, about)),
    ]
  }

  /** Cases for the checkers, of query sketches that are other than the answers'. */
  #questions(header: BatchHeader, findings: readonly SpanFinding[]): Action[] {
    const { book } = this.#parts
    const wrong = findings.filter((finding): finding is WrongQuery => finding.kind === 'query')
    const hash = bytesToHex(batchHash(header))
    return wrong.flatMap(({ receipt, evidence, opened, claim }) => {
      if (book.lastEvent('CaseOpened', caseIdOf(hash, receipt, caseKinds.sketch, evidence)) !== undefined) return []
      const args = [opened, claim]
      const call = { contract: 'SketchJudge', functionName: 'questionQuery', args, value: casePrice } as const
      return [action('case', call, { batch: header.batchId })]
    })
  }

  /** Demands for outputs and prompts that nobody published, all that is left of each: the worker shows them, or the batch is void. */
  #unread({ batchId }: BatchHeader, findings: readonly SpanFinding[]): Action[] {
    const demands = demandsOf(this.#parts.book, 'batch', batchId)
    const asked = new Set(demands.map(({ demand }) => `${demand.root} ${demand.index}`))
    let left = openMax - demands.filter(({ outcome }) => outcome === 'open').length
    const actions: Action[] = []
    for (const finding of findings) {
      if (finding.kind !== 'unread') continue
      const { opened, list, request } = finding
      const { outputRoot, tout, tin } = opened.receipt
      const [root, tokens] = list === 'output' ? [outputRoot, tout] : [request.promptRoot, tin]
      for (let leaf = 0; leaf * tokensPerLeaf < tokens && left > 0; leaf++) {
        if (asked.has(`${root} ${leaf}`)) continue
        const call =
          list === 'output'
            ? { functionName: 'requestOutput', args: [opened, leaf] }
            : { functionName: 'requestPrompt', args: [opened, request, leaf] }
        actions.push(...actionsOf({ kind: 'demand', call }, { batch: batchId }))
        left--
      }
    }
    return actions
  }

  /** When evidence is late that somebody asked for. */
  #dueAt({ demandId }: Hidden): bigint | undefined {
    return this.#parts.book.lastEvent('EvidenceRequested', demandId)?.args['dueAt'] as bigint | undefined
  }

  #tell(batch: bigint, { findings, right, unknown, lacking, unsketched, failed }: BatchSpans): void {
    const { log } = this.#parts
    const count = (kind: SpanFinding['kind']) => findings.filter((each) => each.kind === kind).length
    const fields = { batch, right, unknown }
    if (lacking.length > 0)
      log.warn('answers of models whose indexes are not here are not attributed', {
        ...fields,
        lacking: lacking.join(),
      })
    if (unsketched.length > 0)
      log.warn('answers that a table of influences is in force for are not attributed', {
        ...fields,
        reason: unsketched.join(),
      })
    for (const [receipt, error] of failed)
      log.error('an answer could not be attributed, trying again', { batch, receipt, error })
    if (count('unshowable') > 0)
      log.error('answers are attributed wrong, and nothing shows it', { ...fields, receipts: count('unshowable') })
    const [wrong, hidden, queries] = [count('challenge'), count('hidden'), count('query')]
    if (wrong + hidden + queries > 0)
      log.warn('answers are attributed wrong', { ...fields, shown: wrong, hidden, queries })
  }
}

/** Receipts whose output or prompt more may be known of by now: leaves come one by one, and say nothing of the others. */
function unreadOf(judged: Judged, leaves: number | undefined): number[] {
  if (judged.leaves === leaves) return []
  return [...judged.findings.values()].filter(({ kind }) => kind === 'unread').map(({ receipt }) => receipt)
}

function request({ opened, entry }: Hidden, about: Action['about']): Action {
  const call = { contract: 'EvidenceDemands', functionName: 'requestEvidence', args: [opened, entry] } as const
  const functionName = opened.receipt.algoHash === algoHashV2 ? 'partsPrice' : 'answerPrice'
  const price = { contract: 'EvidenceDemands', functionName, args: [opened.receipt.tout] } as const
  return { ...action('demand', call, about), price }
}

function missing({ opened, entry }: Hidden, segments: readonly Segment[], about: Action['about']): Action[] {
  return actionsOf(
    { kind: 'challenge', call: { functionName: 'evidenceMissing', args: [opened, segments, entry] } },
    about,
  )
}

function dearestFirst(a: Hidden, b: Hidden): number {
  const [feeA, feeB] = [a.opened.receipt.fee, b.opened.receipt.fee]
  return feeA === feeB ? a.receipt - b.receipt : feeA > feeB ? -1 : 1
}
