import { errorMessage } from '../../common/errors.ts'
import { entryClasses } from '../../protocol/attribution-entry.ts'
import { algoHashV1, algoHashV2, indexSetHash, type TrainedOn } from '../../protocol/attribution-rule.ts'
import { bytesToHex, concatBytes, equalBytes, type Hex, hexToBytes, uintBytes, zeroHash } from '../../protocol/bytes.ts'
import type { InferenceRequest } from '../../protocol/inference-request.ts'
import { keccakHex } from '../../protocol/keccak.ts'
import { batchHash } from '../../protocol/receipt-batch.ts'
import { type AttributionV2, attributeV2 } from '../combined/attribute-v2.ts'
import type { ChallengeV2 } from '../combined/challenge-v2.ts'
import { checkSharesV2, unlikeEvidence } from '../combined/check-v2.ts'
import { decodeParts, type EvidenceParts, encodeParts, evidenceHead, noParts } from '../combined/evidence-v2.ts'
import { wrongUnitV1 } from '../combined/unit-weights.ts'
import type { BatchOf } from '../epochs/batch-jobs.ts'
import type { Call } from '../epochs/challenge.ts'
import { isRequestOf } from '../epochs/check-receipt.ts'
import { KnownBatch, type KnownReceipt } from '../epochs/known-batch.ts'
import type { OpenedEntry, OpenedReceipt } from '../epochs/openings.ts'
import type { QueryMaker, SketchSource } from '../influences/query-maker.ts'
import { type Attribution, attribute, indexSet } from '../suffix/attribute.ts'
import { checkSpans, type SpanChallenge, type SpanEntry, spanClaim, wrongEntries } from '../suffix/check-spans.ts'
import { IndexOpener } from '../suffix/index-opener.ts'
import { type DatanetTokens, trainingTokens } from '../suffix/shares.ts'
import type { SuffixIndex } from '../suffix/suffix-index.ts'
import { IndexError } from './index-error.ts'
import type { IndexFolder } from './index-folder.ts'

/** The indexes of a model version as of a batch, and what class U is shared by where it has none. */
export type ModelSet = {
  readonly ids: readonly Hex[]
  readonly trainedOn: readonly TrainedOn[]
  /** One of them counted for nothing when the batch was committed. */
  readonly isDead: boolean
}

export type BatchQuestion = {
  readonly batch: BatchOf
  readonly chainId: bigint
  /** By model version, as far as all of a set's indexes are in the folder. */
  readonly sets: ReadonlyMap<Hex, ModelSet>
  /** MinHash signatures that count for the batch, by contribution. */
  readonly signatures: ReadonlyMap<bigint, Uint32Array>
  /** By `modelVersion adapterRoot`: the table of influences in force. */
  readonly sketched: ReadonlyMap<string, SketchSource>
  /** Evidence that was shown, by the demand for it: under one hash two receipts may have bytes of different form. */
  readonly shown: ReadonlyMap<Hex, Uint8Array>
  /** Receipts to judge; absent: all. */
  readonly only?: readonly number[]
}

/**
 * What is to be said of a receipt's spans: `challenge` by a call of DisputeGame; `hidden`: its evidence is not what its output
 * makes, and must be shown; `unshowable`: it is not, and nothing proves it; `unread`: its output, or its prompt, must be shown first; `query`: its query
 * sketch is wrong, on which checkers vote.
 */
export type SpanFinding =
  | { readonly receipt: number; readonly kind: 'challenge'; readonly call: Call }
  | {
      readonly receipt: number
      readonly kind: 'hidden'
      readonly demandId: Hex
      readonly evidenceHash: Hex
      readonly opened: OpenedReceipt
      readonly entry: OpenedEntry
    }
  | { readonly receipt: number; readonly kind: 'unshowable' }
  | {
      readonly receipt: number
      readonly kind: 'unread'
      readonly opened: OpenedReceipt
      readonly list: 'output' | 'prompt'
      readonly request: InferenceRequest
    }
  | {
      readonly receipt: number
      readonly kind: 'query'
      readonly evidence: Hex
      readonly opened: OpenedReceipt
      readonly claim: object
    }

export type BatchSpans = {
  readonly findings: readonly SpanFinding[]
  /** Receipts whose spans are right. */
  readonly right: number
  /** Receipts of which too little is known to say. */
  readonly unknown: number
  /** Model versions whose set was not given. */
  readonly lacking: readonly Hex[]
  /** Why receipts that a table of influences is in force for are unknown: a model, an adapter or the table is not here. */
  readonly unsketched: readonly string[]
  /** Receipts that could not be judged, and why: they keep none of the others from it. */
  readonly failed: ReadonlyMap<number, string>
}

/** Of one receipt. `lacking`: its model version, whose set was not given; `unsketched`: why class G cannot be computed here. */
type Judgement = SpanFinding | 'right' | 'unknown' | { readonly lacking: Hex } | { readonly unsketched: string }

/** Openers kept: each holds the upper nodes of an index's trees. */
const openersMax = 16

/** Attributes answers by the indexes of a folder, and judges the spans of receipts. */
export class SpanJobs {
  readonly #folder: IndexFolder
  readonly #queries: QueryMaker
  readonly #openers = new Map<Hex, IndexOpener>()

  constructor(folder: IndexFolder, queries: QueryMaker) {
    this.#folder = folder
    this.#queries = queries
  }

  /** Throws IndexError `no-file` where an index is not here. */
  attribute(ids: readonly Hex[], output: Uint32Array, isDead: boolean): Attribution {
    return attribute(this.#set(ids), isDead ? new Uint32Array() : output)
  }

  /** The same under algoHash v2. Throws IndexError `no-file` where what the table in force needs is not here. */
  attributeV2({ ids, trainedOn, output, prompt, isDead, signatures, sketched }: QuestionV2): AttributionV2 {
    const signatureOf = (contribId: bigint) => signatures.get(contribId)
    const made = sketched && this.#queries.sketch(sketched, { prompt, output })
    return attributeV2(ids.length === 0 ? [] : this.#set(ids), isDead ? none : output, {
      ...{ prompt: isDead ? none : prompt, signatureOf, trainedOn: trainedOn ?? [] },
      sketch: made && { rows: made.table.rows, query: made.query },
    })
  }

  judge(question: BatchQuestion): BatchSpans {
    const {
      batch: { header, segments, data },
      only,
    } = question
    const batch = KnownBatch.of(header, segments, data)
    const findings: SpanFinding[] = []
    const lacking = new Set<Hex>()
    const unsketched = new Set<string>()
    const failed = new Map<number, string>()
    let [right, unknown] = [0, 0]
    for (const i of only ?? Array.from({ length: header.count }, (_, k) => k)) {
      if (data.voided?.has(i) === true) continue
      try {
        const found = this.#judged(batch, i, question)
        if (found === 'right') right++
        else if (found !== 'unknown' && 'receipt' in found) findings.push(found)
        else {
          unknown++
          if (found === 'unknown') continue
          if ('lacking' in found) lacking.add(found.lacking)
          else unsketched.add(found.unsketched)
        }
      } catch (error) {
        unknown++
        failed.set(i, errorMessage(error))
      }
    }
    return { findings, right, unknown, lacking: [...lacking], unsketched: [...unsketched], failed }
  }

  #judged(batch: KnownBatch, i: number, question: BatchQuestion): Judgement {
    const { chainId, sets } = question
    const one = batch.receipt(i)
    const entries = one && isRequestOf(one, chainId) ? entriesOf(batch, i, one) : undefined
    if (one === undefined || entries === undefined) return 'unknown'
    const { receipt, request } = one
    const { modelVersion } = request
    const set = sets.get(modelVersion)
    if (set === undefined) return { lacking: modelVersion }
    // Another set than the model's is shown by badTerms.
    if (indexSetHash(set.ids) !== receipt.indexSetHash) return 'unknown'
    const isV2 = receipt.algoHash === algoHashV2
    const sketched = isV2 ? sketchedBy(one, question.sketched) : undefined
    const isRead = set.ids.length > 0 || sketched !== undefined
    const output = isRead ? batch.output(i, receipt) : none
    const prompt = isRead && isV2 ? batch.prompt(i, receipt, request) : none
    if (output === undefined || prompt === undefined) {
      const list = output === undefined ? 'output' : 'prompt'
      return { receipt: i, kind: 'unread', opened: batch.openReceipt(i), list, request }
    }
    if (!isV2) return this.#finding(batch, i, { output, entries, one }, set, question) ?? 'right'
    try {
      return this.#findingV2(batch, i, { output, entries, prompt, one, sketched }, set, question) ?? 'right'
    } catch (error) {
      if (sketched === undefined || !(error instanceof IndexError) || error.code !== 'no-file') throw error
      return { unsketched: error.message }
    }
  }

  #finding(
    batch: KnownBatch,
    i: number,
    { output, entries, one: { request } }: Claims,
    { ids, isDead, trainedOn }: ModelSet,
    { shown }: BatchQuestion,
  ): SpanFinding | undefined {
    const openers = this.#openersOf(ids)
    const asCall = (challenge: SpanChallenge, evidence: Uint8Array) => challengeOf(batch, i, challenge, evidence)
    const wrong = wrongEntries(openers.length, entries)
    if (wrong !== undefined) return asCall(wrong, new Uint8Array())
    if (openers.length === 0) {
      const wrongUnit = wrongUnitV1(entries, { request, trainedOn })
      return wrongUnit && challengeOfV2(batch, i, wrongUnit)
    }
    const own = entries.findIndex(({ evidenceHash }) => evidenceHash !== zeroHash)
    const stated = entries[own]?.evidenceHash
    if (stated === undefined) return undefined
    const right = this.attribute(ids, output, isDead)
    if (stated === right.evidenceHash && isSame(right, entries)) return undefined
    const evidence = stated === right.evidenceHash ? right.evidence : shown.get(demandIdOf(batch, i, stated))
    if (evidence === undefined) return hiddenEvidence(batch, i, own, stated)
    const challenge = checkSpans(openers, { output, entries, evidence, isDead })
    if (challenge !== undefined) return asCall(challenge, evidence)
    return stated === right.evidenceHash ? undefined : { receipt: i, kind: 'unshowable' }
  }

  #findingV2(
    batch: KnownBatch,
    i: number,
    { output, entries, prompt, one, sketched }: ClaimsV2,
    { ids, isDead, trainedOn }: ModelSet,
    { shown, signatures }: BatchQuestion,
  ): SpanFinding | undefined {
    const openers = this.#openersOf(ids)
    const unlike = unlikeEvidence(openers.length > 0, entries)
    if (unlike !== undefined) return challengeOfV2(batch, i, unlike)
    const own = entries.findIndex(({ evidenceHash }) => evidenceHash !== zeroHash)
    const stated = entries[own]?.evidenceHash
    const asked = { ids, output, prompt, isDead, signatures, sketched }
    const right = this.attributeV2({ ...asked, trainedOn: trainingTokens(trainedOn) })
    const isRight = (stated ?? zeroHash) === right.evidenceHash
    if (isRight && isSame(right, entries)) return undefined
    const committed = stated === undefined ? encodeParts(noParts) : shown.get(demandIdOf(batch, i, stated))
    const evidence = isRight ? right.evidence : committed
    if (evidence === undefined) return hiddenEvidence(batch, i, own, stated as Hex)
    const signatureOf = (contribId: bigint) => signatures.get(contribId)
    const { request } = one
    const table = sketched && this.#queries.table(sketched)
    const parts = decodeParts(evidence)
    const claims = { request, prompt, output, entries, isDead, signatureOf, table, parts, trainedOn }
    const challenge = checkSharesV2(openers, claims)
    if (challenge !== undefined) return challengeOfV2(batch, i, challenge)
    if (isRight) return undefined
    return !equalBytes(right.parts.query, parts.query)
      ? queryFinding(batch, i, own, parts, request)
      : { receipt: i, kind: 'unshowable' }
  }

  #openersOf(ids: readonly Hex[]): IndexOpener[] {
    return ids.length === 0 ? [] : this.#set(ids).map((index) => this.#opener(index))
  }

  #opener(index: SuffixIndex): IndexOpener {
    const known = this.#openers.get(index.id)
    // An index that was opened anew reads another descriptor.
    if (known?.index === index) return known
    const [oldest] = this.#openers.keys()
    if (this.#openers.size >= openersMax && oldest !== undefined) this.#openers.delete(oldest)
    const opener = new IndexOpener(index)
    this.#openers.set(index.id, opener)
    return opener
  }

  #set(ids: readonly Hex[]): readonly SuffixIndex[] {
    return indexSet(
      ids.map((id) => {
        const index = this.#folder.get(id)
        if (index === undefined) throw new IndexError('no-file', `the index ${id} is not in ${this.#folder.dir}`)
        return index
      }),
    )
  }
}

const none = new Uint32Array()

type Claims = {
  readonly output: Uint32Array
  readonly entries: readonly SpanEntry[]
  readonly one: KnownReceipt
}
type ClaimsV2 = Claims & {
  readonly prompt: Uint32Array
  readonly sketched: SketchSource | undefined
}

/** What an answer is attributed by under algoHash v2, beside its indexes. */
export type QuestionV2 = {
  readonly ids: readonly Hex[]
  readonly output: Uint32Array
  readonly prompt: Uint32Array
  readonly isDead: boolean
  readonly signatures: ReadonlyMap<bigint, Uint32Array>
  /** What U is split by where the model has no indexes. */
  readonly trainedOn?: readonly DatanetTokens[] | undefined
  /** Where a table of influences is in force. */
  readonly sketched?: SketchSource | undefined
}

function sketchedBy({ request }: KnownReceipt, sketched: ReadonlyMap<string, SketchSource>): SketchSource | undefined {
  const { modelVersion, adapters } = request
  return adapters.length > 1 ? undefined : sketched.get(`${modelVersion} ${adapters[0]?.root ?? zeroHash}`)
}

/** A query that is another than the answer's: the claim of SketchJudge's `questionQuery`. */
function queryFinding(
  batch: KnownBatch,
  i: number,
  own: number,
  parts: EvidenceParts,
  request: InferenceRequest,
): SpanFinding {
  const shown = { query: bytesToHex(parts.query), scores: bytesToHex(parts.scores) }
  const claim = { entry: batch.openEntry(i, own), head: bytesToHex(evidenceHead(parts)), ...shown, request }
  const evidence = keccakHex(parts.query)
  return { receipt: i, kind: 'query', evidence, opened: batch.openReceipt(i), claim }
}

/** Evidence that is not what the answer makes, and must be shown. */
function hiddenEvidence(batch: KnownBatch, i: number, own: number, stated: Hex): SpanFinding {
  const demandId = demandIdOf(batch, i, stated)
  const [opened, entry] = [batch.openReceipt(i), batch.openEntry(i, own)]
  return { receipt: i, kind: 'hidden', demandId, evidenceHash: stated, opened, entry }
}

/** The challenge as DisputeGame takes it. */
function challengeOfV2(batch: KnownBatch, i: number, { functionName, entries, claim, rest }: ChallengeV2): SpanFinding {
  const opened = entries.map((place) => batch.openEntry(i, place))
  const shown = claim === undefined ? opened : [{ entry: opened[0], ...claim }, ...opened.slice(1)]
  return {
    ...{ receipt: i, kind: 'challenge' },
    call: { functionName, args: [batch.openReceipt(i), batch.segments, ...shown, ...rest] },
  }
}

/** Entries of a receipt; undefined of one under another rule than v1 and v2, or where not all are known. */
function entriesOf(batch: KnownBatch, i: number, { receipt }: KnownReceipt): readonly SpanEntry[] | undefined {
  if (receipt.algoHash !== algoHashV1 && receipt.algoHash !== algoHashV2) return undefined
  const known = batch.entries(i, receipt)
  const entries: SpanEntry[] = []
  // A receipt may state any count.
  while (entries.length < receipt.attrEntries) {
    const one = known.at(entries.length)
    if (one === undefined) return undefined
    entries.push(one.entry)
  }
  return entries
}

function isSame({ shares }: Pick<Attribution | AttributionV2, 'shares'>, entries: readonly SpanEntry[]): boolean {
  const own = entries.filter(({ class: kind }) => kind >= entryClasses.S)
  return (
    own.length === shares.length &&
    shares.every(({ class: letter, id, weight }, k) => {
      const entry = own[k]
      return entry?.class === entryClasses[letter] && entry.id === id && entry.weight === BigInt(weight)
    })
  )
}

/** The challenge as DisputeGame takes it. */
function challengeOf(batch: KnownBatch, i: number, challenge: SpanChallenge, evidence: Uint8Array): SpanFinding {
  const { functionName, entries, rest } = challenge
  const opened = entries.map((place) => batch.openEntry(i, place))
  const shown = functionName === 'badSpanEvidence' ? opened : [spanClaim(opened[0], evidence), ...rest]
  return {
    ...{ receipt: i, kind: 'challenge' },
    call: { functionName, args: [batch.openReceipt(i), batch.segments, ...shown] },
  }
}

/** EvidenceDemands' `demandIdOf`. */
function demandIdOf({ header }: KnownBatch, i: number, evidenceHash: Hex): Hex {
  return keccakHex(concatBytes(batchHash(header), uintBytes(i, 32), hexToBytes(evidenceHash)))
}
