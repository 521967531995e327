import { entryClasses } from '../../protocol/attribution-entry.ts'
import type { TrainedOn } from '../../protocol/attribution-rule.ts'
import { bytesToHex, type Hex, zeroHash } from '../../protocol/bytes.ts'
import type { InferenceRequest } from '../../protocol/inference-request.ts'
import { encodeSignature } from '../near-duplicates/signature.ts'
import { type SpanCall, type SpanEntry, wrongEvidence } from '../suffix/check-spans.ts'
import { contributionsIn, decodeEvidence } from '../suffix/evidence.ts'
import type { IndexOpener } from '../suffix/index-opener.ts'
import { trainingTokens } from '../suffix/shares.ts'
import { SuffixError } from '../suffix/suffix-error.ts'
import { algoV2 } from './algo-v2.ts'
import { influencesOn, spansV2 } from './attribute-v2.ts'
import type { ChallengeV2 } from './challenge-v2.ts'
import { CitationCheck } from './check-citations.ts'
import { decodeCitations, type PromptCitation } from './citations.ts'
import {
  decodeGroups,
  decodeScores,
  type EvidenceParts,
  evidenceHead,
  headAnd,
  type SketchScore,
} from './evidence-v2.ts'
import { leadersOf, type SignatureOf } from './groups.ts'
import { encodeRow, type InfluenceTable, rowSiblings, scoreOf } from './influence-table.ts'
import { type ShareV2, sharesOfV2, spanPoints } from './shares-v2.ts'
import { isRight, unitChallenge } from './unit-weights.ts'

/** What a receipt under v2 says, and what it is judged by. */
export type ClaimsV2 = {
  readonly request: InferenceRequest
  readonly prompt: Uint32Array
  readonly output: Uint32Array
  /** All entries of the receipt, so that their places are those under attrRoot. */
  readonly entries: readonly SpanEntry[]
  readonly parts: EvidenceParts
  /** Whether an index of the set counted for nothing when the batch was committed. */
  readonly isDead: boolean
  readonly signatureOf: SignatureOf
  /** What class U is shared by where the model has no indexes. */
  readonly trainedOn: readonly TrainedOn[]
  /** In force for the request. */
  readonly table?: InfluenceTable | undefined
}

/** What is wrong with a receipt's S, G, R and U entries under v2; undefined where nothing is, or nothing shows it. `set` in its order. */
export function checkSharesV2(set: readonly IndexOpener[], claims: ClaimsV2): ChallengeV2 | undefined {
  const { entries } = claims
  const unlike = unlikeEvidence(set.length > 0, entries)
  if (unlike !== undefined) return unlike
  const own = entries.findIndex(isContributors)
  if (own < 0) return undefined
  return new Check(set, claims, own).wrong()
}

/** Entries that the rule has not, or that commit to no evidence or to different, whatever it is. */
export function unlikeEvidence(hasIndexes: boolean, entries: readonly SpanEntry[]): ChallengeV2 | undefined {
  const { S, R, U } = entryClasses
  const wrong = (one: number, other: number) => ({
    ...{ functionName: 'badShareEvidence', entries: [one, other], claim: undefined, rest: [] },
  })
  const own = entries.findIndex(isContributors)
  for (const [i, { class: kind, evidenceHash }] of entries.entries()) {
    if (kind < S) continue
    if (!hasIndexes && (kind === S || kind === R)) return wrong(i, i)
    if (evidenceHash === zeroHash && (hasIndexes || kind !== U)) return wrong(i, i)
    if (evidenceHash !== entries[own]?.evidenceHash) return wrong(own, i)
  }
  return undefined
}

function isContributors({ class: kind }: SpanEntry): boolean {
  return kind >= entryClasses.S
}

class Check {
  readonly #set: readonly IndexOpener[]
  readonly #claims: ClaimsV2
  readonly #own: number

  constructor(set: readonly IndexOpener[], claims: ClaimsV2, own: number) {
    this.#set = set
    this.#claims = claims
    this.#own = own
  }

  wrong(): ChallengeV2 | undefined {
    const shown = this.#spans() ?? this.#groups() ?? this.#sketch() ?? this.#citations()
    return shown ?? this.#weights()
  }

  #spans(): ChallengeV2 | undefined {
    const { parts, output, isDead } = this.#claims
    if (this.#set.length === 0) return undefined
    const found = wrongEvidence(this.#set, { output, evidence: parts.spans, isDead }, spansV2)
    return found && this.#with({ evidence: bytesToHex(headAnd(parts, 'spans')) }, found)
  }

  #groups(): ChallengeV2 | undefined {
    const { parts, signatureOf } = this.#claims
    const ids = this.#contributions
    const leaders = decodeGroups(parts.groups, ids.length)
    if (leaders === undefined || (this.#set.length === 0 && parts.spans.length > 0)) return this.#share(['badGroups'])
    const right = leadersOf(ids, signatureOf)
    const one = right.findIndex((leader, i) => leader !== leaders[i])
    if (one < 0) return undefined
    // Up to here the leaders are right: a stated one that is earlier is not near, a right one that is earlier leads.
    const stated = leaders[one] as number
    const other = stated < (right[one] as number) ? stated : (right[one] as number)
    const signatureAt = (i: number) => {
      const signature = signatureOf(ids[i] as bigint)
      return signature === undefined ? '0x' : bytesToHex(encodeSignature(signature))
    }
    const pair = { one, other, signature: signatureAt(one), otherSignature: signatureAt(other) }
    return this.#share(['badSpanGroup', pair])
  }

  #sketch(): ChallengeV2 | undefined {
    const { parts, table } = this.#claims
    const scores = decodeScores(parts.scores)
    const isFormed = parts.query.length === (table?.size ?? 0) && scores !== undefined
    if (!isFormed || (table === undefined && scores.length > 0)) return this.#ofSketch(['badSketchForm'])
    if (table === undefined) return undefined
    const query = new Int8Array(parts.query)
    for (const [k, { row, contribId, score }] of scores.entries()) {
      const at = table.rows[row]
      if (at?.contribId === contribId && scoreOf(at, query) === score) continue
      const shown = at === undefined ? { number: 0, leaf: '0x', siblings: [] } : rowOf(table, row)
      return this.#ofSketch(['badSketchScore', k, shown])
    }
    const omitted = influencesOn(table.rows, query).find(({ row }) => scores.every((listed) => listed.row !== row))
    return omitted && this.#ofSketch(['omittedScore', rowOf(table, omitted.row)])
  }

  #citations(): ChallengeV2 | undefined {
    const { prompt, isDead } = this.#claims
    const ids = this.#set.map(({ index }) => index.id)
    const citations = this.#cited
    const isFormed = citations !== undefined && (!isDead || citations.length === 0)
    if (!isFormed) return this.#ofCitations(['badCitationForm', ids])
    if (isDead || this.#set.length === 0) return undefined
    const call = new CitationCheck(this.#set, prompt, citations).wrong()
    return call && this.#ofCitations(call)
  }

  #weights(): ChallengeV2 | undefined {
    const { entries } = this.#claims
    const hasIndexes = this.#set.length > 0
    const right = this.#right
    const wrong = entries.findIndex((entry) => isContributors(entry) && !isRight(entry, right))
    if (wrong < 0) return undefined
    if (!hasIndexes && entries[wrong]?.class === entryClasses.U) {
      return unitChallenge(wrong, this.#head, this.#claims)
    }
    const records = this.#set.map(({ index }) => index.record)
    return this.#share(['badShareWeight', records, this.#cut()], wrong)
  }

  /** What the evidence makes. */
  get #right(): readonly ShareV2[] {
    const { parts, trainedOn } = this.#claims
    return sharesOfV2({
      ...{ tokens: this.#evidence?.scores.length ?? 0, spans: this.#evidence?.spans ?? [] },
      ...{ leaders: this.#leaders, citations: this.#cited ?? [], scores: decodeScores(parts.scores) as SketchScore[] },
      datanets:
        this.#set.length === 0
          ? trainingTokens(trainedOn)
          : this.#set.map(({ index }) => ({ datanet: index.record.datanet, tokens: index.tokenCount })),
    })
  }

  /** Place of the last contribution that has an entry; 0 where all have one. */
  #cut(): number {
    const { points } = spanPoints({ spans: this.#evidence?.spans ?? [], leaders: this.#leaders })
    const ranked = this.#contributions.map((id, i) => ({ i, part: points.get(id) ?? 0n }))
    ranked.sort((a, b) => (a.part === b.part ? a.i - b.i : a.part > b.part ? -1 : 1))
    const { spanContributionsMax } = algoV2
    return ranked.length > spanContributionsMax ? (ranked[spanContributionsMax - 1]?.i ?? 0) : 0
  }

  get #evidence() {
    const { spans } = this.#claims.parts
    return this.#set.length === 0 || spans.length === 0 ? undefined : decodeEvidence(spans, spansV2)
  }

  get #contributions(): bigint[] {
    return contributionsIn(this.#evidence?.spans ?? [])
  }

  get #leaders(): readonly number[] {
    return decodeGroups(this.#claims.parts.groups, this.#contributions.length) ?? []
  }

  /** Undefined where they have not the form. */
  get #cited(): PromptCitation[] | undefined {
    const { parts, prompt } = this.#claims
    if (parts.citations.length === 0) return []
    try {
      return decodeCitations(parts.citations, this.#set.length, prompt.length)
    } catch (error) {
      if (error instanceof SuffixError && error.code === 'format') return undefined
      throw error
    }
  }

  #share(call: SpanCall, entry = this.#own): ChallengeV2 {
    const { parts } = this.#claims
    return this.#with({ head: this.#head, ...hexOf(parts, ['spans', 'groups', 'scores', 'citations']) }, call, entry)
  }

  #ofSketch(call: SpanCall): ChallengeV2 {
    const { parts, request } = this.#claims
    return this.#with({ head: this.#head, ...hexOf(parts, ['query', 'scores']), request }, call)
  }

  #ofCitations(call: SpanCall): ChallengeV2 {
    const { parts, request } = this.#claims
    return this.#with({ head: this.#head, ...hexOf(parts, ['citations']), request }, call)
  }

  get #head(): Hex {
    return bytesToHex(evidenceHead(this.#claims.parts))
  }

  #with(claim: Readonly<Record<string, unknown>>, [functionName, ...rest]: SpanCall, entry = this.#own): ChallengeV2 {
    return { functionName, entries: [entry], claim, rest }
  }
}

function rowOf(table: InfluenceTable, row: number) {
  const leaf = bytesToHex(encodeRow(table.rows[row] as InfluenceTable['rows'][number]))
  return { number: row, leaf, siblings: rowSiblings(table, row) }
}

function hexOf(parts: EvidenceParts, names: readonly (keyof EvidenceParts)[]): Record<string, Hex> {
  return Object.fromEntries(names.map((name) => [name, bytesToHex(parts[name])]))
}
