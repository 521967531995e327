import { entryClasses } from '../../protocol/attribution-entry.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import { isSealed } from '../../protocol/private-tokens.ts'
import { decodeGroups, decodeScores, type SketchScore } from '../combined/evidence-v2.ts'
import { leadersOf } from '../combined/groups.ts'
import { scoreOf, type TableHead } from '../combined/influence-table.ts'
import { headUnder, rowUnder } from '../combined/opened-influences.ts'
import { sharesOfV2 } from '../combined/shares-v2.ts'
import type { BatchReceipt } from '../epochs/batch-rows.ts'
import { decodeSignature, signatureHash } from '../near-duplicates/signature.ts'
import { contributionsIn } from '../suffix/evidence.ts'
import { AnswerFileError } from './answer-error.ts'
import { type RuleV2, signatureBytes } from './answer-file.ts'
import { named, requireShares } from './check-words.ts'
import type { CheckedWordsV2 } from './check-words-v2.ts'
import type { RuleFacts, TableTerms } from './rule-facts.ts'

/** What a file shows of an answer's influences. */
export type CheckedInfluences = {
  readonly table: TableTerms
  readonly head: TableHead
  readonly scores: readonly SketchScore[]
  /** The rule itself says that the query is zeros: the tokens are sealed, or there are none. */
  readonly isByRule: boolean
}

type Shown = Pick<RuleV2, 'signatures' | 'influences'>

/**
 * Groups of near-duplicates, influences and the weights of all contributors' entries, by what the chain says. That no row with a larger
 * product was left out, and that the query is the answer's, is for others. Throws {@link AnswerFileError}.
 */
export function checkSharesV2(
  shown: Shown,
  words: CheckedWordsV2,
  one: BatchReceipt,
  facts: RuleFacts,
  weightsManifest: Hex,
): CheckedInfluences | undefined {
  if (!facts.isInForce) throw new AnswerFileError('rule', 'it was not in force when the batch was committed')
  checkDead(words, one, facts)
  const leaders = leadersIn(shown.signatures, words, facts)
  const influences = influencesIn(shown.influences, words, one, facts, weightsManifest)
  checkWeights(words, one, leaders, influences?.scores ?? [])
  return influences
}

/** Where an index was dead no token counts, and else all do. */
function checkDead({ evidence, citations }: CheckedWordsV2, { output }: BatchReceipt, { isDead }: RuleFacts): void {
  const looked = evidence?.scores.length ?? 0
  if (isDead && looked + citations.length > 0)
    throw new AnswerFileError('evidence', 'an index of the model counted for nothing then')
  if (!isDead && evidence !== undefined && looked === 0 && output.length > 0)
    throw new AnswerFileError('evidence', 'no index of the model was dead, and no token was looked at')
}

/** The leaders follow from the signatures, which are those that the chain has hashes of. */
function leadersIn(signatures: readonly Uint8Array[], { evidence, parts }: CheckedWordsV2, facts: RuleFacts): number[] {
  const wrong = (why: string) => new AnswerFileError('groups', why)
  const contribIds = contributionsIn(evidence?.spans ?? [])
  const signed = contribIds.filter((id) => facts.signatures.has(id))
  if (signed.length !== signatures.length) throw wrong(`${signatures.length} signatures of ${signed.length}`)
  const known = new Map(
    signed.map((id, i) => {
      const bytes = signatures[i] as Uint8Array
      const signature = decodeSignature(bytes)
      if (bytes.length !== signatureBytes || signatureHash(signature) !== facts.signatures.get(id))
        throw wrong(`the signature of contribution ${id} is not the one that was shown`)
      return [id, signature] as const
    }),
  )
  const leaders = decodeGroups(parts.groups, contribIds.length)
  const right = leadersOf(contribIds, (id) => known.get(id))
  if (leaders === undefined || right.some((leader, i) => leader !== leaders[i]))
    throw wrong('they are not what the signatures give')
  return right
}

function influencesIn(
  opened: Shown['influences'],
  { parts }: CheckedWordsV2,
  one: BatchReceipt,
  { table }: RuleFacts,
  weightsManifest: Hex,
): CheckedInfluences | undefined {
  const wrong = (why: string) => new AnswerFileError('influences', why)
  const scores = decodeScores(parts.scores)
  if (scores === undefined) throw wrong('scores out of form')
  if (table === undefined) {
    if (opened.length + scores.length + parts.query.length > 0) throw wrong('no table of influences was in force')
    return undefined
  }
  if (parts.query.length !== table.size) throw new AnswerFileError('query', `${parts.query.length} of ${table.size}`)
  const isByRule = isSealed(one.prompt) || one.prompt.length === 0 || one.output.length === 0
  if (isByRule && parts.query.some((byte) => byte !== 0))
    throw new AnswerFileError('query', 'tokens that are sealed, or none, have no gradient')
  const [first, ...rows] = opened
  const head = first && named('influences', () => headUnder(table, first))
  if (head === undefined) throw wrong('the head is not that of the table')
  checkHead(head, table, one, weightsManifest)
  if (rows.length !== scores.length) throw wrong(`${rows.length} rows of ${scores.length}`)
  const query = new Int8Array(parts.query)
  for (const [k, { row, contribId, score }] of scores.entries()) {
    const leaf = rows[k]
    const found = leaf && rowUnder(table, row, leaf)
    if (found === undefined) throw wrong(`row ${row} is not that of the table`)
    if (found.contribId !== contribId || scoreOf(found, query) !== score)
      throw wrong(`the product of row ${row} is another`)
  }
  return { table, head, scores, isByRule }
}

/** The table is of the model that answered, and of the adapter that was asked for. */
function checkHead(head: TableHead, table: TableTerms, { request }: BatchReceipt, weightsManifest: Hex): void {
  const adapter = request.adapters[0]?.root ?? zeroHash
  const isOwn =
    head.base === weightsManifest &&
    (adapter === zeroHash || adapter === head.adapter) &&
    head.size === table.size &&
    head.count === table.rows
  if (!isOwn) throw new AnswerFileError('influences', 'the table is not of the model and the adapter of the request')
}

function checkWeights(
  { records, evidence, citations }: CheckedWordsV2,
  { entries }: BatchReceipt,
  leaders: readonly number[],
  scores: readonly SketchScore[],
): void {
  const right = sharesOfV2({
    ...{ tokens: evidence?.scores.length ?? 0, spans: evidence?.spans ?? [], leaders, scores, citations },
    datanets: records.map(({ datanet, n, documents }) => ({ datanet, tokens: n - documents })),
  })
  // What a model without indexes gives units its index set does not say: all that the others have not.
  const isShown = ({ class: kind }: { readonly class: number }) =>
    kind >= entryClasses.S && (records.length > 0 || kind !== entryClasses.U)
  requireShares(right, entries.filter(isShown))
}
