import { bytesToBigint, bytesToHex, concatBytes, type Hex, hexToBytes, uintBytes } from '../../protocol/bytes.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { RetrievalError } from './retrieval-error.ts'
import { type Citation, citationsMax, type RetrievalRule, retrievalRules } from './retrieval-index.ts'

/** A Datanet version that was searched. */
export type SearchedVersion = { readonly datanet: bigint; readonly version: number; readonly itemsRoot: Hex }

/** What was searched for, in what, and what was found: all that making the same retrieval again needs. */
export type RetrievalReceipt = {
  readonly rule: RetrievalRule
  readonly queryHash: Hex
  /** Strictly ascending by (datanet, version). */
  readonly versions: readonly SearchedVersion[]
  /** Best first. */
  readonly citations: readonly Citation[]
}

/** As many as a model version pins indexes. */
export const versionsMax = 8

export function queryHashOf(query: string): Hex {
  return bytesToHex(keccak256(Buffer.from(query)))
}

/** docs/RETRIEVAL.md §6. */
export function encodeRetrieval({ rule, queryHash, versions, citations }: RetrievalReceipt): Uint8Array {
  return concatBytes(
    Uint8Array.of(formVersion, retrievalRules[rule]),
    hexToBytes(queryHash),
    uintBytes(versions.length, 1),
    ...versions.map(({ datanet, version, itemsRoot }) =>
      concatBytes(uintBytes(datanet, 8), uintBytes(version, 4), hexToBytes(itemsRoot)),
    ),
    uintBytes(citations.length, 1),
    ...citations.map(({ contribId, start, end, score }) =>
      concatBytes(uintBytes(contribId, 8), uintBytes(start, 4), uintBytes(end - start, 4), uintBytes(score, 8)),
    ),
  )
}

/** What a class R entry's `evidenceHash` is. */
export function retrievalHash(receipt: RetrievalReceipt): Hex {
  return bytesToHex(keccak256(concatBytes(hashPrefix, encodeRetrieval(receipt))))
}

/** Throws {@link RetrievalError} `format`. */
export function decodeRetrieval(bytes: Uint8Array): RetrievalReceipt {
  let at = 0
  const take = (size: number): Uint8Array => {
    if (at + size > bytes.length) throw wrongForm('cut off')
    at += size
    return bytes.subarray(at - size, at)
  }
  const uint = (size: number) => Number(bytesToBigint(take(size)))
  if (uint(1) !== formVersion) throw wrongForm('another version')
  const number = uint(1)
  const rule = (Object.keys(retrievalRules) as RetrievalRule[]).find((each) => retrievalRules[each] === number)
  if (rule === undefined) throw wrongForm(`rule ${number}`)
  const queryHash = bytesToHex(take(32))
  const versions = Array.from({ length: uint(1) }, () => ({
    datanet: bytesToBigint(take(8)),
    version: uint(4),
    itemsRoot: bytesToHex(take(32)),
  }))
  const citations = Array.from({ length: uint(1) }, () => {
    const [contribId, start, length, score] = [bytesToBigint(take(8)), uint(4), uint(4), uint(8)]
    return { contribId, start, end: start + length, score }
  })
  if (at !== bytes.length) throw wrongForm('bytes left over')
  const receipt = { rule, queryHash, versions, citations }
  checkForm(receipt)
  return receipt
}

function checkForm({ versions, citations }: RetrievalReceipt): void {
  const inOrder = versions.every(({ datanet, version }, i) => {
    const before = versions[i - 1]
    return before === undefined || before.datanet < datanet || (before.datanet === datanet && before.version < version)
  })
  if (versions.length === 0 || versions.length > versionsMax || !inOrder) throw wrongForm('versions')
  if (citations.length > citationsMax) throw wrongForm(`${citations.length} citations`)
  for (const [i, { start, end, score }] of citations.entries()) {
    if (end === start || !Number.isSafeInteger(score) || score === 0) throw wrongForm(`citation ${i}`)
    if (score > (citations[i - 1]?.score ?? score)) throw wrongForm('citations not by rank')
  }
  if (new Set(citations.map(({ contribId, start }) => `${contribId}:${start}`)).size !== citations.length) {
    throw wrongForm('a passage twice')
  }
}

function wrongForm(what: string): RetrievalError {
  return new RetrievalError('format', `retrieval: ${what}`)
}

const formVersion = 1
const hashPrefix = Uint8Array.of(0x0f)
