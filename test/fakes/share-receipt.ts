import { attributeV2 } from '../../attribution/combined/attribute-v2.ts'
import type { ChallengeV2 } from '../../attribution/combined/challenge-v2.ts'
import { checkSharesV2 } from '../../attribution/combined/check-v2.ts'
import { type EvidenceParts, evidenceHashV2 } from '../../attribution/combined/evidence-v2.ts'
import type { SignatureOf } from '../../attribution/combined/groups.ts'
import { type InfluenceTable, tableRoot } from '../../attribution/combined/influence-table.ts'
import type { ShareV2 } from '../../attribution/combined/shares-v2.ts'
import { signatureHash } from '../../attribution/near-duplicates/signature.ts'
import { indexSet } from '../../attribution/suffix/attribute.ts'
import type { SpanEntry } from '../../attribution/suffix/check-spans.ts'
import { IndexOpener } from '../../attribution/suffix/index-opener.ts'
import { trainingTokens } from '../../attribution/suffix/shares.ts'
import type { SuffixIndex } from '../../attribution/suffix/suffix-index.ts'
import { type AttributionEntry, entryClasses, poolPayee } from '../../protocol/attribution-entry.ts'
import { algoHashV2, indexSetHash, type TrainedOn, trainedOnHash } from '../../protocol/attribution-rule.ts'
import { bytesToHex, type Hex, zeroHash } from '../../protocol/bytes.ts'
import type { InferenceRequest } from '../../protocol/inference-request.ts'
import { tokenListRoot } from '../../protocol/token-list.ts'
import { openedEntry, openedReceipt, openedRequest } from './dispute-arguments.ts'
import { type Committed, commit, type Draft, honestDrafts, reseal } from './dispute-batch.ts'
import type { DisputeWorld } from './dispute-world.ts'
import type { Actor } from './money-chain.ts'
import { at } from './proven-tree.ts'
import type { Random } from './random.ts'

/** A receipt under algoHash v2, which may be changed before {@link commitShares}. */
export type ShareReceipt = {
  readonly set: readonly IndexOpener[]
  readonly prompt: Uint32Array
  readonly output: Uint32Array
  readonly signatures: ReadonlyMap<bigint, Uint32Array>
  readonly table: InfluenceTable | undefined
  /** Of the model; Datanet 1 alone where it is not given. */
  readonly trainedOn?: readonly TrainedOn[]
  parts: EvidenceParts
  /** The contributors'. */
  entries: AttributionEntry[]
  /** No entries of others stand before the contributors'. */
  isAlone?: boolean
}

const payout: Hex = `0x${'5a'.repeat(20)}`

/** Signatures of some contributions: those of one family are near, of which each differs in a few entries. */
export function randomSignatures(random: Random, contribIds: readonly bigint[]): Map<bigint, Uint32Array> {
  const families = Array.from({ length: 3 }, () => Uint32Array.from({ length: 128 }, () => random.int(2 ** 30)))
  const signed = contribIds.filter(() => random.chance(0.8))
  return new Map(
    signed.map((id) => {
      const signature = Uint32Array.from(random.pick(families))
      const changes = random.int(90)
      for (let i = 0; i < changes; i++) signature[random.int(128)] = random.int(2 ** 30)
      return [id, signature]
    }),
  )
}

export function randomTable(random: Random, contribIds: readonly bigint[], size = 24): InfluenceTable {
  const byte = () => random.int(255) - 127
  return {
    ...{ base: zeroHash, adapter: zeroHash, data: zeroHash, seed: 1, fold: 2, size },
    scales: Float32Array.of(1),
    rows: contribIds.map((contribId) => ({
      ...{ contribId, shift: random.int(4), vector: Int8Array.from({ length: size }, byte) },
    })),
  }
}

export function contributionsOfSet(set: readonly SuffixIndex[]): bigint[] {
  const ids = set.flatMap(({ record, tables }) =>
    Array.from({ length: record.documents }, (_, d) => tables.contribIds[d] as bigint),
  )
  return [...new Set(ids)].sort((a, b) => (a < b ? -1 : 1))
}

export function honestShares(
  indexes: readonly SuffixIndex[],
  facts: Omit<ShareReceipt, 'set' | 'parts' | 'entries'> & { readonly query: Int8Array },
): ShareReceipt {
  const { prompt, output, signatures, table, query, trainedOn = oneDatanet } = facts
  const set = indexes.length === 0 ? [] : indexSet(indexes)
  const attribution = attributeV2(set, output, {
    ...{ prompt, signatureOf: (id) => signatures.get(id), trainedOn: trainingTokens(trainedOn) },
    sketch: table && { rows: table.rows, query },
  })
  const receipt: ShareReceipt = {
    ...{ set: set.map((index) => new IndexOpener(index)), prompt, output, signatures, table },
    ...{ trainedOn, parts: attribution.parts, entries: [] },
  }
  receipt.entries = entriesOf(attribution.shares, attribution.evidenceHash)
  return receipt
}

export function entriesOf(shares: readonly ShareV2[], evidenceHash: Hex): AttributionEntry[] {
  return shares.map(({ class: letter, id, weight }) => ({
    ...{ payee: letter === 'U' ? poolPayee(1, id) : payout, id, class: entryClasses[letter], evidenceHash, weight },
  }))
}

/** Gives the entries the hash of the evidence as it is now. */
export function sealParts(receipt: ShareReceipt): void {
  const evidenceHash = evidenceHashV2(receipt.parts)
  receipt.entries = receipt.entries.map((entry) => ({ ...entry, evidenceHash }))
}

export const signatureOf =
  ({ signatures }: ShareReceipt): SignatureOf =>
  (id) =>
    signatures.get(id)

const oneDatanet: readonly TrainedOn[] = [{ datanet: 1n, version: 1, weightBps: 10_000 }]

/** What a checker finds; places of entries count from the first contributors' one. */
export function checked(receipt: ShareReceipt, isDead = false): ChallengeV2 | undefined {
  const { set, prompt, output, parts, table, trainedOn = oneDatanet } = receipt
  const entries = receipt.entries.map(
    ({ class: kind, id, weight, evidenceHash }): SpanEntry => ({
      class: kind,
      id,
      weight: BigInt(weight),
      evidenceHash,
    }),
  )
  const found = checkSharesV2(set, {
    request: unread,
    prompt,
    output,
    entries: [ofWorker, ...entries],
    parts,
    isDead,
    signatureOf: signatureOf(receipt),
    table,
    trainedOn,
  })
  return found && { ...found, entries: found.entries.map((place) => place - 1) }
}

/** Stands before the contributors' entries. */
const ofWorker: SpanEntry = { class: entryClasses.W, id: 0n, weight: 1_000_000n, evidenceHash: zeroHash }

/** A check hands it on; {@link shareArguments} puts the batch's there. */
const unread: InferenceRequest = {
  ...{ chainId: 0n, payer: payout, nonce: 0n, modelVersion: zeroHash, adapters: [], templateHash: zeroHash },
  ...{ promptRoot: zeroHash, class: 0, priceVersion: 0, maxFee: 0n, appCode: zeroHash, deadline: 0n },
  sampling: { tempQ16: 0, topK: 0, topPQ16: 0, maxTokens: 0, stopHash: zeroHash },
}

function draftOf(receipt: ShareReceipt, now: bigint, worker: Actor, payer: Actor): Draft {
  const { prompt, output, set } = receipt
  const draft = at(honestDrafts(worker, [{ payer, tin: prompt.length, tout: output.length }], now), 0)
  draft.request = { ...draft.request, promptRoot: bytesToHex(tokenListRoot(prompt)) }
  const before = draft.entries.filter(({ class: kind }) => kind < entryClasses.S)
  draft.entries = [...(receipt.isAlone === true ? [] : before), ...receipt.entries]
  draft.sums[3] = BigInt(draft.entries.length)
  draft.receipt = {
    ...draft.receipt,
    outputRoot: bytesToHex(tokenListRoot(output)),
    algoHash: algoHashV2,
    indexSetHash: indexSetHash(set.map(({ index }) => index.id)),
    attrEntries: draft.entries.length,
  }
  reseal(draft)
  return draft
}

/** Has the market know a batch of the receipt alone, and the registries its signatures and table. */
export async function commitShares(
  world: DisputeWorld,
  receipt: ShareReceipt,
  changes: Partial<Pick<Draft['receipt'], 'algoHash'>> = {},
): Promise<Committed> {
  const [worker, payer] = [world.chain.actor('worker'), world.chain.actor('payer')]
  const { signatures, table, trainedOn = oneDatanet } = receipt
  const now = world.chain.now
  const draft = draftOf(receipt, now, worker, payer)
  draft.receipt = { ...draft.receipt, ...changes }
  reseal(draft)
  await world.answer('shownBefore', undefined, zeroHash)
  const near = contributionsOfSet(receipt.set.map(({ index }) => index))
  for (const id of near) {
    const signature = signatures.get(id)
    await world.answer(
      'shownBefore',
      [id, now - (now % 86_400n)],
      signature === undefined ? zeroHash : signatureHash(signature),
    )
  }
  const { modelVersion, adapters } = draft.request
  const answered = table === undefined ? noTable : { root: tableRoot(table), size: table.size, rows: table.rows.length }
  await world.answer('tableAt', [modelVersion, at(adapters, 0).root, now], answered)
  await world.answer('trainedOnHashOf', [modelVersion], trainedOnHash(trainedOn))
  return await commit(world, worker.address, [draft])
}

const noTable = { root: zeroHash, size: 0, rows: 0 }

/** The judge of a call, and its arguments as DisputeGame takes them. */
export function shareArguments(batch: Committed, { functionName, entries, claim, rest }: ChallengeV2) {
  const draft = at(batch.drafts, 0)
  const before = draft.entries.filter(({ class: kind }) => kind < entryClasses.S).length
  const opened = entries.map((place) => openedEntry(draft, place + before))
  const request = { request: functionName === 'badUnitWeight' ? openedRequest(draft) : draft.request }
  const shown =
    claim === undefined
      ? opened
      : [{ entry: opened[0], ...claim, ...('request' in claim ? request : {}) }, ...opened.slice(1)]
  return [openedReceipt(batch, 0), batch.segments, ...shown, ...rest]
}

export function judgeOf(functionName: string): 'SpanJudge' | 'ShareJudge' | 'SketchJudge' {
  const ofShares = ['badShareEvidence', 'badGroups', 'badSpanGroup', 'badShareWeight', 'badUnitWeight']
  if (ofShares.includes(functionName)) return 'ShareJudge'
  return /Sketch|Score$|Citation/.test(functionName) && functionName !== 'badSpanScore' ? 'SketchJudge' : 'SpanJudge'
}
