import { createHash } from 'node:crypto'
import { concatBytes, equalBytes, type Hex, hexToBytes, uintBytes } from '../../protocol/bytes.ts'
import { receiptSumNames } from '../../protocol/fee.ts'
import type { BatchHeader } from '../../protocol/receipt-batch.ts'
import type { OpenedLeaf } from '../combined/opened-influences.ts'
import { AnswerFileError } from './answer-error.ts'
import { FileReader } from './file-reader.ts'

/** Trie nodes that lead from a state root to an account, and from its storage root to slots. */
export type AccountNodes = {
  readonly account: readonly Uint8Array[]
  readonly slots: readonly (readonly Uint8Array[])[]
}

/** An answer with all that shows whence it came and whom it pays. docs/ANSWER-FILE.md. */
export type AnswerFile = {
  /** A batch file (MONEY.md §8) of the receipt alone. */
  readonly receipt: Uint8Array
  /** The batch as it was committed, and the way from the receipt to its root: rows of siblings, from the leaf upwards. */
  readonly batch: { readonly header: BatchHeader; readonly index: number; readonly siblings: Uint8Array }
  /** Records of the model's indexes, in order. */
  readonly indexes: readonly Uint8Array[]
  readonly evidence: Uint8Array
  /** A span proof for each span of the evidence. */
  readonly spans: readonly Uint8Array[]
  /** For each index the chunks of unigrams that the answer's tokens stand in. */
  readonly scores: readonly Uint8Array[]
  /** The tokenizer of the model's file, and the way from its section to the file's root. Undefined: the file has tokens alone. */
  readonly tokenizer: TokenizerProof | undefined
  /** What tokenizer and tokens say; empty without a tokenizer. */
  readonly text: { readonly prompt: Uint8Array; readonly output: Uint8Array }
  /** What shows weights under algoHash v2; undefined under v1. */
  readonly v2: RuleV2 | undefined
  readonly l2: L2Proof
  readonly l1: L1Proof
}

/** What of an answer under algoHash v2 its words do not show. */
export type RuleV2 = {
  /** MinHash signatures that count of the contributions of the spans, in their order. */
  readonly signatures: readonly Uint8Array[]
  /** A span proof over the prompt for each quotation, by rank. */
  readonly citations: readonly Uint8Array[]
  /** Of the table of influences in force its head, then the rows of the scores, in their order; nothing where none was. */
  readonly influences: readonly OpenedLeaf[]
  /** Trie nodes from the L2 block's state root on, by when they are first needed, for {@link ruleFacts}. */
  readonly facts: readonly Uint8Array[]
}

export type TokenizerProof = {
  readonly section: Uint8Array
  /** Place of the section among those of the file. */
  readonly place: number
  readonly siblings: readonly Uint8Array[]
}

/** The L2 block of an output: header, the message passer's storage root, accounts. */
export type L2Proof = {
  readonly header: Uint8Array
  readonly withdrawalStorageRoot: Hex
  readonly market: AccountNodes
  readonly models: AccountNodes
  readonly datanets: AccountNodes
}

/** The output in the oracle's storage at an L1 block. */
export type L1Proof = {
  readonly header: Uint8Array
  readonly oracle: Hex
  readonly outputIndex: bigint
  readonly account: AccountNodes
}

/** A file is at most so many bytes: tokenizers are below 2^24, 103 span proofs over 8 indexes some MB. */
export const answerFileBytesMax = 2 ** 26
/** Bytes of a block header. */
const headerBytesMax = 4096
/** Bytes of a trie node: 17 items of at most 33 bytes, or a leaf. */
const nodeBytesMax = 1024
/** 64 nibbles, the root, and one embedded. */
const nodesMax = 66
/** Slots of one account. */
const slotsMax = 16
const siblingsMax = 32
/** Contributions of 103 spans at 32 places. */
const signaturesMax = 3_296
export const signatureBytes = 512
const citationsMax = 10
/** The head of a table of influences and 16 rows. */
const influencesMax = 17
/** Bytes of a row of 16,384 numbers; heads are shorter. */
const influenceBytesMax = 9 + 16_384
/** 4,097 leaves. */
const influenceSiblingsMax = 13
/** Trie nodes for two words of each contribution, which share most of them. */
const factNodesMax = 2 ** 16
const checksumBytes = 32
const receiptRowBytes = 32 + 16 * receiptSumNames.length
const indexRecordBytes = 216
const indexesMax = 8
/** Kept spans of 2,048 tokens. */
const spansMax = 103

/** ASCII `OLANSWR`, which the version follows: that of the rule of attribution. */
const magic = new TextEncoder().encode('OLANSWR')
const headBytes = magic.length + 1
const wordParts = ['receipt', 'batch', 'indexes', 'evidence', 'spans', 'scores'] as const
const ruleParts = ['signatures', 'citations', 'influences', 'facts'] as const
const proofParts = ['tokenizer', 'text', 'l2', 'l1'] as const
const partsOf = { 1: [...wordParts, ...proofParts], 2: [...wordParts, ...ruleParts, ...proofParts] } as const
type Version = keyof typeof partsOf
type PartName = (typeof partsOf)[Version][number]

export function encodeAnswerFile(file: AnswerFile): Uint8Array {
  const version: Version = file.v2 === undefined ? 1 : 2
  const bodies: Record<PartName, Uint8Array> = {
    receipt: file.receipt,
    batch: encodeBatch(file.batch),
    indexes: concatBytes(uintBytes(file.indexes.length, 1), ...file.indexes),
    evidence: file.evidence,
    spans: encodeList(1, 4, file.spans),
    scores: encodeList(1, 4, file.scores),
    signatures: concatBytes(uintBytes(file.v2?.signatures.length ?? 0, 2), ...(file.v2?.signatures ?? [])),
    citations: encodeList(1, 4, file.v2?.citations ?? []),
    influences: encodeInfluences(file.v2?.influences ?? []),
    facts: encodeList(4, 2, file.v2?.facts ?? []),
    tokenizer: encodeTokenizerProof(file.tokenizer),
    text: concatBytes(counted(4, file.text.prompt), file.text.output),
    l2: encodeL2(file.l2),
    l1: encodeL1(file.l1),
  }
  const parts = partsOf[version].map((name) => counted(4, bodies[name]))
  const body = concatBytes(magic, Uint8Array.of(version), ...parts)
  return concatBytes(body, checksum(body))
}

/** Throws {@link AnswerFileError} `format` or `checksum` for anything but one whole file. Views into `bytes`. */
export function decodeAnswerFile(bytes: Uint8Array): AnswerFile {
  if (bytes.length > answerFileBytesMax) throw new AnswerFileError('format', `a file of ${bytes.length} bytes`)
  const version = bytes[magic.length]
  if (!equalBytes(bytes.subarray(0, magic.length), magic) || (version !== 1 && version !== 2))
    throw new AnswerFileError('format', 'not an answer file of version 1 or 2')
  const end = bytes.length - checksumBytes
  if (end < headBytes || !equalBytes(checksum(bytes.subarray(0, end)), bytes.subarray(end))) {
    throw new AnswerFileError('checksum', 'the bytes are not those that were written: changed, cut off or added to')
  }
  const reader = new FileReader('file', bytes.subarray(headBytes, end))
  const bodies = partsOf[version].map(
    (name: PartName) => [name, new FileReader(name, reader.counted(4, answerFileBytesMax))] as const,
  )
  reader.end()
  const of = Object.fromEntries(bodies) as Record<PartName, FileReader>
  const file = {
    receipt: rest(of.receipt),
    batch: decodeBatch(of.batch),
    indexes: of.indexes.list(1, indexesMax, () => of.indexes.take(indexRecordBytes)),
    evidence: rest(of.evidence),
    spans: of.spans.list(1, spansMax, () => of.spans.counted(4, answerFileBytesMax)),
    scores: of.scores.list(1, indexesMax, () => of.scores.counted(4, answerFileBytesMax)),
    tokenizer: decodeTokenizerProof(of.tokenizer),
    text: { prompt: of.text.counted(4, answerFileBytesMax), output: rest(of.text) },
    v2: version === 1 ? undefined : decodeRule(of),
    l2: decodeL2(of.l2),
    l1: decodeL1(of.l1),
  }
  for (const [, body] of bodies) body.end()
  return file
}

function encodeBatch({ header, index, siblings }: AnswerFile['batch']): Uint8Array {
  const {
    batchId,
    worker,
    committedAt,
    l2Block,
    receiptRoot,
    count,
    sums,
    class: kind,
    dataHash,
    segmentsHash,
  } = header
  return concatBytes(
    ...[uintBytes(batchId, 8), hexToBytes(worker), uintBytes(committedAt, 8), uintBytes(l2Block, 8)],
    ...[hexToBytes(receiptRoot), uintBytes(count, 4), ...sums.map((sum) => uintBytes(sum, 16)), uintBytes(kind, 1)],
    ...[hexToBytes(dataHash), hexToBytes(segmentsHash), uintBytes(index, 4), siblings],
  )
}

function decodeBatch(reader: FileReader): AnswerFile['batch'] {
  const header = {
    ...{ batchId: reader.bigint(8), worker: reader.hex(20), committedAt: reader.bigint(8), l2Block: reader.bigint(8) },
    ...{ receiptRoot: reader.hex(32), count: reader.uint(4), sums: receiptSumNames.map(() => reader.bigint(16)) },
    ...{ class: reader.uint(1), dataHash: reader.hex(32), segmentsHash: reader.hex(32) },
  }
  const depth = header.count > 0 ? Math.ceil(Math.log2(header.count)) : 0
  return { header, index: reader.uint(4), siblings: reader.take(depth * receiptRowBytes) }
}

function decodeRule({
  signatures,
  citations,
  influences,
  facts,
}: Record<(typeof ruleParts)[number], FileReader>): RuleV2 {
  return {
    signatures: signatures.list(2, signaturesMax, () => signatures.take(signatureBytes)),
    citations: citations.list(1, citationsMax, () => citations.counted(4, answerFileBytesMax)),
    influences: influences.list(1, influencesMax, () => ({
      leaf: influences.counted(2, influenceBytesMax),
      siblings: influences.list(1, influenceSiblingsMax, () => influences.take(32)),
    })),
    facts: facts.list(4, factNodesMax, () => facts.counted(2, nodeBytesMax)),
  }
}

function encodeInfluences(leaves: readonly OpenedLeaf[]): Uint8Array {
  const opened = leaves.map(({ leaf, siblings }) =>
    concatBytes(counted(2, leaf), uintBytes(siblings.length, 1), ...siblings),
  )
  return concatBytes(uintBytes(leaves.length, 1), ...opened)
}

function encodeTokenizerProof(proof: TokenizerProof | undefined): Uint8Array {
  if (proof === undefined) return new Uint8Array(0)
  const { section, place, siblings } = proof
  return concatBytes(counted(4, section), uintBytes(place, 4), uintBytes(siblings.length, 1), ...siblings)
}

/** An empty part: no tokenizer. */
function decodeTokenizerProof(reader: FileReader): TokenizerProof | undefined {
  if (reader.left === 0) return undefined
  const section = reader.counted(4, answerFileBytesMax)
  return { section, place: reader.uint(4), siblings: reader.list(1, siblingsMax, () => reader.take(32)) }
}

function encodeL2({ header, withdrawalStorageRoot, market, models, datanets }: L2Proof): Uint8Array {
  const accounts = [market, models, datanets].map(encodeAccount)
  return concatBytes(counted(2, header), hexToBytes(withdrawalStorageRoot), ...accounts)
}

function decodeL2(reader: FileReader): L2Proof {
  return {
    ...{ header: reader.counted(2, headerBytesMax), withdrawalStorageRoot: reader.hex(32) },
    ...{ market: decodeAccountNodes(reader), models: decodeAccountNodes(reader), datanets: decodeAccountNodes(reader) },
  }
}

function encodeL1({ header, oracle, outputIndex, account }: L1Proof): Uint8Array {
  return concatBytes(counted(2, header), hexToBytes(oracle), uintBytes(outputIndex, 8), encodeAccount(account))
}

function decodeL1(reader: FileReader): L1Proof {
  return {
    ...{ header: reader.counted(2, headerBytesMax), oracle: reader.hex(20), outputIndex: reader.bigint(8) },
    account: decodeAccountNodes(reader),
  }
}

function encodeAccount({ account, slots }: AccountNodes): Uint8Array {
  return concatBytes(
    encodeList(1, 2, account),
    uintBytes(slots.length, 1),
    ...slots.map((nodes) => encodeList(1, 2, nodes)),
  )
}

function decodeAccountNodes(reader: FileReader): AccountNodes {
  const nodes = () => reader.list(1, nodesMax, () => reader.counted(2, nodeBytesMax))
  return { account: nodes(), slots: reader.list(1, slotsMax, nodes) }
}

function encodeList(countBytes: number, lengthBytes: number, items: readonly Uint8Array[]): Uint8Array {
  return concatBytes(uintBytes(items.length, countBytes), ...items.map((item) => counted(lengthBytes, item)))
}

function counted(width: number, bytes: Uint8Array): Uint8Array {
  return concatBytes(uintBytes(bytes.length, width), bytes)
}

function rest(reader: FileReader): Uint8Array {
  return reader.take(reader.left)
}

function checksum(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest())
}
