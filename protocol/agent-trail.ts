import { bytesToHex, concatBytes, FormatError, type Hex, hexToBytes, uintBytes } from './bytes.ts'
import { domainSeparator, hashStruct, type StructTypes, typedDigest } from './eip712.ts'
import { keccak256 } from './keccak.ts'
import { SumTree, sumRow } from './sum-tree.ts'

/** What an agent did, by the number that stands in a span: used a tool, read data, asked a model, sent a transaction. */
export const spanKinds = ['tool', 'data', 'model', 'tx'] as const
export type SpanKind = (typeof spanKinds)[number]

/** One action of a trail. docs/AGENTS.md, "Trails". */
export type Span = {
  /** Index of the action that it is part of, below its own; the first action's is 0. */
  readonly parent: number
  readonly kind: SpanKind
  /** Unix seconds. */
  readonly at: bigint
  readonly name: string
  /** Hashes of what went in and came out: of a model's answer the roots of its token lists. */
  readonly input: Hex
  readonly output: Hex
  /** What paid it: the request of a model's answer, else the reference of a payment. */
  readonly ref: Hex
  /** wei. */
  readonly fee: bigint
}

/** A signed statement: this is all of the trail. */
export type TrailStatement = {
  readonly agentId: bigint
  readonly trailId: Hex
  readonly root: Hex
  readonly spans: number
}

/** Where trails are anchored, the contract that their signatures name. */
export const agentTrailsAddress: Hex = '0x4f4c000000000000000000000000000000000042'

/** Spans of a trail: a proof of one of them is 48 bytes a level. */
export const spansMax = 65_536

/** As a contract reads it: `Span` of AgentSpans.sol. */
export function spanFields(span: Span, index: number) {
  return {
    index,
    parent: span.parent,
    kind: spanKinds.indexOf(span.kind),
    at: span.at,
    nameHash: bytesToHex(keccak256(new TextEncoder().encode(span.name))),
    inputHash: span.input,
    outputHash: span.output,
    ref: span.ref,
    fee: span.fee,
  }
}

/** The tree under a trail's root, fees summed. Throws {@link FormatError} for no spans, too many, or one before its parent. */
export function trailTree(spans: readonly Span[]): SumTree {
  if (spans.length > spansMax) throw new FormatError(`a trail of ${spans.length} spans; ${spansMax} are allowed`)
  for (const [i, { parent }] of spans.entries()) {
    if (parent >= i && i + parent > 0)
      throw new FormatError(`span ${i} is part of span ${parent}, which is not before it`)
  }
  return new SumTree(spans.map((span, i) => sumRow(spanLeaf(span, i), [span.fee])))
}

/** wei that a trail's spans name. */
export function trailPaid(spans: readonly Span[]): bigint {
  return spans.reduce((sum, { fee }) => sum + fee, 0n)
}

/** What a key of the agent signs once the trail is over. */
export function trailDigest(chainId: bigint, statement: TrailStatement): Uint8Array {
  const domain = { name: 'OpenLedger Agents', version: '1', chainId, verifyingContract: agentTrailsAddress }
  return typedDigest(domainSeparator(domain), hashStruct(trailTypes, 'Trail', statement))
}

function spanLeaf(span: Span, index: number): Uint8Array {
  const { parent, kind, at, nameHash, inputHash, outputHash, ref, fee } = spanFields(span, index)
  return keccak256(
    concatBytes(
      leafPrefix,
      ...[uintBytes(index, 4), uintBytes(parent, 4), uintBytes(kind, 1), uintBytes(at, 8)],
      ...[nameHash, inputHash, outputHash, ref].map(hexToBytes),
      uintBytes(fee, 16),
    ),
  )
}

const leafPrefix = Uint8Array.of(0x40)
const trailTypes: StructTypes = {
  Trail: [
    ['agentId', 'uint256'],
    ['trailId', 'bytes32'],
    ['root', 'bytes32'],
    ['spans', 'uint32'],
  ],
}
