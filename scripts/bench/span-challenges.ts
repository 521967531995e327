import { cutOf } from '../../attribution/suffix/check-spans.ts'
import { encodeEvidence, evidenceHash } from '../../attribution/suffix/evidence.ts'
import { type IndexRecord, indexId } from '../../attribution/suffix/index-record.ts'
import { type KeptSpan, spanWeight } from '../../attribution/suffix/kept-spans.ts'
import { noRun, openRun, openTokens, type Run } from '../../attribution/suffix/runs.ts'
import { type AttributionEntry, entryClasses, payeePools, poolPayee } from '../../protocol/attribution-entry.ts'
import { indexSetHash } from '../../protocol/attribution-rule.ts'
import { bytesToHex, concatBytes, type Hex, uintBytes } from '../../protocol/bytes.ts'
import { receiptRow } from '../../protocol/inference-receipt.ts'
import { type BatchHeader, type Segment, segmentsHash } from '../../protocol/receipt-batch.ts'
import { SumTree } from '../../protocol/sum-tree.ts'
import { tokenListRoot } from '../../protocol/token-list.ts'
import { type BuiltReceipt, entryTree, siblingsOf } from '../../test/fakes/money-batch.ts'
import { type Actor, open } from '../../test/fakes/money-chain.ts'
import { MoneyWorld } from '../../test/fakes/money-world.ts'
import { SparseTree } from '../../test/fakes/sparse-tree.ts'
import { stake } from '../../test/fakes/standing-model.ts'

/** Tokens of the index, of its vocabulary, and documents. */
const [n, vocab, documents] = [2 ** 27, 2 ** 17, 2 ** 17]
const [receipts, outputTokens] = [1000, 200]
/** The span in question. */
const [start, length] = [61, 64]
const [spans, placesEach] = [10, 10]
/** Where the span stands: across three chunks. */
const positions = Array.from({ length: placesEach }, (_, j) => 32 * (0x111_111 + 0x12_345 * j) + 31)
/** Neighbours in suffix order, which differ in the last of the span's tokens. */
const [before, behind] = [32 * 0x3a_1b1c + 31, 32 * 0x2b_3c4d + 31]
/** Suffixes of the span begin here, so that they are in two chunks. */
const lo = 32 * 0x34_5678 - 5
/** The document that the first place is in, the last of its chunk. */
const document = 32 * 0x456 + 31

const output = Uint32Array.from({ length: outputTokens }, (_, i) => 0x1_0101 + 257 * i)

/** Gas of a transaction that shows the lie to the judge alone, and of the one that has it void the receipt. */
export type SpanCost = { readonly proof: number; readonly whole: number }

/**
 * Gas of every challenge to the spans of one receipt among 1,000: an answer of 200 tokens whose ten kept spans
 * stand ten times each, for a hundred contributions, over an index of 2^27 tokens; what is shown are 64 tokens across three
 * chunks.
 */
export async function spanChallenges(): Promise<Readonly<Record<string, SpanCost>>> {
  const world = await MoneyWorld.create()
  const [worker, payer, challenger] = ['worker', 'payer', 'challenger'].map((name) => world.chain.actor(name)) as [
    Actor,
    Actor,
    Actor,
  ]
  await stake(world.chain, worker, 5_000n * open)
  await world.deposit(payer, worker, 50n * open)
  const plan = { ...world.plan(payer, worker, 1, outputTokens), maxFee: 1_000n * open }
  const [built] = world.build(worker, [plan]).receipts as [BuiltReceipt]
  const costs: Record<string, SpanCost> = {}
  for (const { name, evidence, shown } of challenges()) {
    const forked = new MoneyWorld(await world.chain.fork(), world.terms, world.royaltyRows)
    const { batch, claim, entries } = await commit(forked, worker, built, evidence)
    const args = [...batch, ...(name === 'badSpanEvidence' ? entries : [claim]), ...shown]
    const proof = await forked.chain.send(challenger, 'SpanJudge', name, args)
    const whole = await forked.chain.send(challenger, 'DisputeGame', name, args)
    costs[name] = { proof: Number(proof.gas), whole: Number(whole.gas) }
  }
  return costs
}

type Shown = { readonly name: string; readonly evidence: Uint8Array; readonly shown: readonly unknown[] }

/** Each challenge with evidence that it refutes. */
function challenges(): Shown[] {
  const { trees, record } = challengedIndex()
  const at = { ids: [indexId(record)], number: 0, index: record }
  const text = (position: number, tokens = length) => openRun(trees.tokens, position, position + tokens)
  const said = (from: number, tokens: number): Run => openTokens(output, from, from + tokens)
  const first = positions[0] as number
  const place = (position: number, run: Run, out: Run) => ({ span: 0, at, position, text: run, output: out })
  const omitted = {
    ...{ set: [record], start, length, anchorStart: 0, anchorLength: length, number: 0, position: first },
    ...{ text: noRun, output: said(start, length) },
    counts: [
      {
        lo,
        hi: lo + placesEach,
        suffixes: openRun(trees.suffixes, lo - 1, lo + placesEach + 1),
        texts: [before, first, positions.at(-1) ?? 0, behind].map((position) => text(position)),
      },
    ],
  }
  const token = output[start] as number
  const score = {
    set: [record],
    token: start,
    output: said(start, 1),
    unigrams: [openRun(trees.unigrams, token, token + 1)],
  }
  const rows = openRun(trees.documents, document, document + 2)
  const listed = encodeEvidence(evidenceOf(positions))
  const lacking = encodeEvidence(evidenceOf(positions.slice(1)))
  const elsewhere = encodeEvidence(evidenceOf([...positions.slice(1), before]))
  const without = encodeEvidence({ ...evidenceOf(positions), spans: evidenceOf(positions).spans.map(short) })
  return [
    { name: 'badSpanEvidence', evidence: listed, shown: [] },
    { name: 'badSpanForm', evidence: listed, shown: [at.ids] },
    {
      name: 'badSpanPlace',
      evidence: elsewhere,
      shown: [place(before, text(before + 63, 1), said(start + 63, 1)), 63],
    },
    { name: 'missedSpanPlace', evidence: lacking, shown: [place(first, text(first), said(start, length))] },
    { name: 'longerSpan', evidence: listed, shown: [place(first - 1, text(first - 1, 65), said(start - 1, 65)), true] },
    {
      name: 'badSpanContribution',
      evidence: listed,
      shown: [{ span: 0, at, position: first, document, documents: rows }],
    },
    { name: 'badSpanScore', evidence: listed, shown: [score] },
    { name: 'badSpanWeight', evidence: listed, shown: [[record], cutOf(evidenceOf(positions))] },
    { name: 'omittedSpan', evidence: without, shown: [omitted] },
  ]
}

/** The span in question first, out of rank; others behind it. */
function evidenceOf(places: readonly number[]) {
  const scores = Array.from({ length: outputTokens }, (_, i) => 0x1111 + i)
  const list = Array.from({ length: spans }, (_, k): KeptSpan => {
    const own = k === 0 ? places : positions
    const extent = k === 0 ? { start, length } : { start: 13 * k, length: 11 }
    return {
      ...extent,
      weight: spanWeight(scores, extent.start, extent.length),
      places: own.map((position, j) => ({
        index: 0,
        position: position + 7 * k,
        contribId: BigInt(0x1_0000 + 10 * k + j),
      })),
    }
  })
  return { scores, spans: list }
}

const short = (span: KeptSpan, k: number): KeptSpan => (k === 0 ? { ...span, start: 1, length: 11 } : span)

let index: { readonly trees: ReturnType<typeof tables>; readonly record: IndexRecord } | undefined

function challengedIndex() {
  const trees = index?.trees ?? tables()
  index ??= {
    trees,
    record: {
      ...{ datanet: 0x11_1111n, version: 0x1111, tokenizerHash: full('7e'), vocab, n, documents },
      tokenRoot: trees.tokens.root,
      suffixRoot: trees.suffixes.root,
      documentRoot: trees.documents.root,
      unigramRoot: trees.unigrams.root,
      offsetRoot: full('0f'),
    },
  }
  return index
}

function tables() {
  const word = (value: number) => uintBytes(value, 4)
  const filler = word(0x1_2345)
  const text = new Map<number, Uint8Array>()
  const write = (position: number, last: number) => {
    for (let i = 0; i < length; i++) {
      text.set(position + i, word((output[start + i] as number) + (i === length - 1 ? last : 0)))
    }
  }
  for (const position of positions) write(position, 0)
  write(before, -1)
  write(behind, 1)
  text.set((positions[0] as number) - 1, word(output[start - 1] as number))
  const suffixes = new Map([before, ...positions, behind].map((position, i) => [lo - 1 + i, word(position)]))
  const row = (begin: number, contribution: bigint) => concatBytes(word(begin), uintBytes(contribution, 8))
  const [first] = positions as [number]
  const rows = new Map([
    [document, row(first - 1000, 0x99_9999n)],
    [document + 1, row(first + 1000, 0x99_999an)],
  ])
  return {
    tokens: new SparseTree(n, 4, text, filler),
    suffixes: new SparseTree(n, 4, suffixes, word(0x123_4567)),
    documents: new SparseTree(documents, 12, rows, row(0x123_4567, 0x88_8888n)),
    unigrams: new SparseTree(vocab, 4, new Map([[output[start] as number, word(0x3333)]]), filler),
  }
}

/** Commits the batch with the receipt in it, whose S entries have the evidence; arguments of challenges to it. */
async function commit(world: MoneyWorld, worker: Actor, built: BuiltReceipt, evidence: Uint8Array) {
  const list = world.entries(worker, contributors(evidenceHash(evidence)))
  const { batch, openedEntry } = await commitThousand(world, worker, built, list, {
    outputRoot: bytesToHex(tokenListRoot(output)),
    indexSetHash: indexSetHash([indexId(challengedIndex().record)]),
  })
  const claimed = openedEntry(5)
  return {
    batch,
    claim: { entry: claimed, evidence: bytesToHex(evidence) },
    entries: [claimed, openedEntry(list.length - 1)],
  }
}

/** Commits a batch of 1,000 of one receipt with these entries; what opens the one in the middle. */
export async function commitThousand(
  world: MoneyWorld,
  worker: Actor,
  built: BuiltReceipt,
  list: readonly AttributionEntry[],
  changes: Partial<BuiltReceipt['receipt']>,
) {
  const { chain, terms } = world
  const entries = entryTree(list)
  const receipt = {
    ...built.receipt,
    ...changes,
    attrRoot: bytesToHex(entries.root),
    attrEntries: list.length,
  }
  const sums = built.sums.map((sum, i) => (i === 3 ? BigInt(list.length) : sum))
  const own = receiptRow(receipt, built.paymentHash, sums)
  const tree = new SumTree(Array.from({ length: receipts }, () => own))
  const { channel, requestId, maxFee, cumulativeCap, deadline } = built.voucher
  const { r, vs } = built.signature
  const fee = BigInt(receipts) * receipt.fee
  const segments: Segment[] = [{ channel, count: receipts, fee, requestId, maxFee, cumulativeCap, deadline, r, vs }]
  const input = {
    topHash: bytesToHex(tree.topHash),
    count: receipts,
    sums: sums.map((sum) => sum * BigInt(receipts)),
    class: terms.class,
    dataHash: full('da'),
  }
  const sent = await chain.send(worker, 'InferenceMarket', 'commitBatch', [{ ...input, notAfter: chain.now }, segments])
  const header: BatchHeader = {
    ...input,
    batchId: sent.result as bigint,
    worker: worker.address,
    committedAt: chain.now,
    l2Block: chain.blockNumber,
    receiptRoot: bytesToHex(tree.root),
    segmentsHash: bytesToHex(segmentsHash(segments)),
  }
  const paymentHash = bytesToHex(built.paymentHash)
  const opened = { header, index: 500, receipt, paymentHash, sums, siblings: siblingsOf(tree, 500) }
  const openedEntry = (index: number) => {
    const entry = { index, ...(list[index] as AttributionEntry) }
    return { n: list.length, entry, sums: [0n, 0n, 0n, BigInt(entry.weight)], siblings: siblingsOf(entries, index) }
  }
  return { batch: [opened, segments] as const, openedEntry }
}

/** As many S entries as there can be, and one of U that says other evidence. */
function contributors(hash: Hex): AttributionEntry[] {
  const payee: Hex = `0x${'5a'.repeat(20)}`
  const own = Array.from({ length: 64 }, (_, i) => {
    return { payee, id: BigInt(0x1_0000 + i), class: entryClasses.S, evidenceHash: hash, weight: 0x1111 }
  })
  const rest = {
    payee: poolPayee(payeePools.units, 1n),
    id: 1n,
    class: entryClasses.U,
    weight: 1_000_000 - 64 * 0x1111,
  }
  return [...own, { ...rest, evidenceHash: full('e1') }]
}

const full = (byte: string): Hex => `0x${byte.repeat(32)}`
