import { attribute, contributorEntries, indexSet } from '../../attribution/suffix/attribute.ts'
import { buildIndex } from '../../attribution/suffix/build-index.ts'
import { type SpanChallenge, type SpanEntry, spanClaim } from '../../attribution/suffix/check-spans.ts'
import { evidenceHash } from '../../attribution/suffix/evidence.ts'
import { IndexOpener } from '../../attribution/suffix/index-opener.ts'
import type { SuffixIndex } from '../../attribution/suffix/suffix-index.ts'
import { joinDocuments } from '../../attribution/suffix/text.ts'
import { type AttributionEntry, entryClasses } from '../../protocol/attribution-entry.ts'
import { algoHashV1, indexSetHash } from '../../protocol/attribution-rule.ts'
import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import { tokenListRoot } from '../../protocol/token-list.ts'
import { openedEntry, openedReceipt } from './dispute-arguments.ts'
import { type Committed, commit, type Draft, honestDrafts, reseal } from './dispute-batch.ts'
import type { DisputeWorld } from './dispute-world.ts'
import { at } from './proven-tree.ts'
import type { Random } from './random.ts'

/** A receipt of an output whose spans are attributed over a set of indexes; what it says may be changed before `commit`. */
export type SpanReceipt = {
  readonly set: readonly IndexOpener[]
  readonly output: Uint32Array
  evidence: Uint8Array
  entries: AttributionEntry[]
}

const payout: Hex = `0x${'5a'.repeat(20)}`

/** Indexes of so many Datanets, of random documents that quote each other. */
export function randomSet(random: Random, indexes: number, vocab: number, documents = 6): SuffixIndex[] {
  const quotes: number[][] = [Array.from({ length: 12 }, () => random.int(vocab))]
  return Array.from({ length: indexes }, (_, i) => {
    const list = Array.from({ length: documents }, (__, d) => {
      const tokens = Array.from({ length: random.int(60) }, () => random.int(vocab))
      if (random.chance(0.6)) tokens.push(...random.pick(quotes), random.int(vocab))
      if (tokens.length > 8) quotes.push(tokens.slice(random.int(4), 8 + random.int(tokens.length - 8)))
      return { contribId: BigInt(100 * i + 3 * d + 1), tokens: d === 0 ? [...tokens, 1] : tokens }
    })
    const tokenLengths = new Uint32Array(vocab).fill(1)
    const datanet = BigInt(1 + (i % 3))
    return buildIndex(joinDocuments(list, vocab), {
      datanet,
      version: i + 1,
      tokenizerHash: payout.padEnd(66, '0') as Hex,
      tokenLengths,
    })
  })
}

/** An output that says what the texts say, in pieces, between what nobody said. */
export function quotingOutput(random: Random, set: readonly SuffixIndex[], length: number): Uint32Array {
  const output: number[] = []
  while (output.length < length) {
    const { tables, record } = random.pick(set)
    const from = random.int(record.n)
    for (let p = from; p < Math.min(record.n, from + 4 + random.int(30)); p++) output.push(tables.tokens.at(p))
    if (random.chance(0.5)) output.push(random.int(record.vocab))
  }
  return Uint32Array.from(output.slice(0, length).filter((token) => token < 0xffff_ffff))
}

export function honestReceipt(indexes: readonly SuffixIndex[], output: Uint32Array): SpanReceipt {
  const set = indexSet(indexes)
  const attribution = attribute(set, output)
  return {
    set: set.map((index) => new IndexOpener(index)),
    output,
    evidence: attribution.evidence,
    entries: contributorEntries(attribution, () => payout),
  }
}

/** Entries as a checker reads them. */
export function claimed({ entries }: SpanReceipt): SpanEntry[] {
  return entries.map(({ class: kind, id, weight, evidenceHash: hash }) => ({
    ...{ class: kind, id, evidenceHash: hash },
    weight: BigInt(weight),
  }))
}

/** Gives the S and U entries the hash of the evidence as it is now. */
export function sealEvidence(receipt: SpanReceipt): void {
  const hash = evidenceHash(receipt.evidence)
  receipt.entries = receipt.entries.map((entry) => ({ ...entry, evidenceHash: hash }))
}

/** Has the market know a batch of the receipt alone. */
export async function commitSpans(
  world: DisputeWorld,
  receipt: SpanReceipt,
  changes: Partial<Pick<Draft['receipt'], 'algoHash'>> = {},
): Promise<Committed> {
  const [worker, payer] = [world.chain.actor('worker'), world.chain.actor('payer')]
  const { output, set } = receipt
  const drafts = honestDrafts(worker, [{ payer, tin: 7, tout: output.length }], world.chain.now)
  const draft = at(drafts, 0)
  draft.entries = [...draft.entries.filter(({ class: kind }) => kind < entryClasses.S), ...receipt.entries]
  draft.sums[3] = BigInt(draft.entries.length)
  draft.receipt = {
    ...draft.receipt,
    outputRoot: bytesToHex(tokenListRoot(output)),
    algoHash: algoHashV1,
    indexSetHash: indexSetHash(set.map(({ index }) => index.id)),
    attrEntries: draft.entries.length,
    ...changes,
  }
  reseal(draft)
  return await commit(world, worker.address, drafts)
}

/** A challenge's arguments as DisputeGame takes them. */
export function spanArguments(
  batch: Committed,
  { evidence }: SpanReceipt,
  { functionName, entries, rest }: SpanChallenge,
): readonly unknown[] {
  const draft = at(batch.drafts, 0)
  const opened = entries.map((place) => openedEntry(draft, place + before(draft)))
  const shown = functionName === 'badSpanEvidence' ? opened : [spanClaim(opened[0], evidence), ...rest]
  return [openedReceipt(batch, 0), batch.segments, ...shown]
}

/** Entries in front of the contributors'. */
function before({ entries }: Draft): number {
  return entries.filter(({ class: kind }) => kind < entryClasses.S).length
}
