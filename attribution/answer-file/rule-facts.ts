import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { bytesToBigint, type Hex, hexToBytes, zeroHash } from '../../protocol/bytes.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { asBytes, rlpDecode } from '../../protocol/rlp.ts'
import { decodeAccount, type TrieNodes } from '../../protocol/trie-proof.ts'
import { deadFromSlot, lapseSlot, signatureSlots, tableSlots, termSlot } from './slots.ts'

/** What an answer under algoHash v2 is judged by, beside its tokens and indexes. */
export type RuleQuestion = {
  readonly algoHash: Hex
  /** When the batch was committed, Unix seconds. */
  readonly committedAt: bigint
  readonly indexIds: readonly Hex[]
  /** The contributions of its spans. */
  readonly contribIds: readonly bigint[]
  readonly modelVersion: Hex
  readonly adapters: readonly { readonly root: Hex }[]
}

/** A table of influences as SketchRegistry has it. */
export type TableTerms = { readonly root: Hex; readonly size: number; readonly rows: number }

/** What the chain says of it. */
export type RuleFacts = {
  readonly isInForce: boolean
  /** An index counted for nothing when the batch was committed. */
  readonly isDead: boolean
  /** Hashes of signatures that count, by contribution. */
  readonly signatures: ReadonlyMap<bigint, Hex>
  readonly table: TableTerms | undefined
}

/** Signatures count from the day on behind which they were shown. */
const daySeconds = 86_400n

/** Reads a word of an account's storage; 0 where there is none. */
type Word = (address: Hex, slot: Uint8Array) => bigint

const { attributionLedger, indexRegistry, signatureRegistry, sketchRegistry } = openLedgerPredeploys

/** How often an index was dead and came back, by the word of {@link deadFromSlot}. */
export function lapsesIn(word: bigint): number {
  return Number((word >> 200n) & 0xffff_ffffn)
}

/** Words that may be needed, by account: what is asked of a node. `lapses`: how often each index came back. */
export function ruleSlots(
  question: RuleQuestion,
  lapses: ReadonlyMap<Hex, number>,
): ReadonlyMap<Hex, readonly Uint8Array[]> {
  const { algoHash, indexIds, contribIds } = question
  const key = tableKey(question)
  const table = key === undefined ? [] : Object.values(tableSlots(question.modelVersion, key))
  const lapseSlots = (id: Hex) => Array.from({ length: lapses.get(id) ?? 0 }, (_, number) => lapseSlot(id, number))
  return new Map([
    [attributionLedger, [termSlot(algoHash)]],
    [indexRegistry, indexIds.flatMap((id) => [deadFromSlot(id), ...lapseSlots(id)])],
    [signatureRegistry, contribIds.flatMap((id) => Object.values(signatureSlots(id)))],
    [sketchRegistry, table],
  ])
}

/** Throws FormatError where the nodes do not show all of it. */
export function ruleFacts(stateRoot: Uint8Array, nodes: TrieNodes, question: RuleQuestion): RuleFacts {
  const { algoHash, committedAt, indexIds, contribIds } = question
  const word = wordsUnder(stateRoot, nodes)
  const term = word(attributionLedger, termSlot(algoHash))
  const day = committedAt - (committedAt % daySeconds)
  const dead = indexIds.map((id) => isDeadAt(word, id, committedAt))
  const signatures = contribIds.flatMap((id) => {
    const { hash, at } = signatureSlots(id)
    const shownAt = low64(word(signatureRegistry, at))
    return shownAt === 0n || shownAt >= day ? [] : [[id, wordHex(word(signatureRegistry, hash))] as const]
  })
  return {
    isInForce: low64(term) <= committedAt && committedAt < low64(term >> 64n),
    isDead: dead.includes(true),
    signatures: new Map(signatures),
    table: tableIn(word, question),
  }
}

/** As IndexRegistry's isDeadAt. */
function isDeadAt(word: Word, id: Hex, time: bigint): boolean {
  const index = word(indexRegistry, deadFromSlot(id))
  const deadFrom = low64(index)
  if (deadFrom !== 0n && deadFrom <= time) return true
  for (let number = lapsesIn(index) - 1; number >= 0; number--) {
    const lapse = word(indexRegistry, lapseSlot(id, number))
    if (low64(lapse) <= time) return time < low64(lapse >> 64n)
  }
  return false
}

/** The table in force, if any is. */
function tableIn(word: Word, question: RuleQuestion): TableTerms | undefined {
  const key = tableKey(question)
  if (key === undefined) return undefined
  const { committedAt, modelVersion } = question
  const slots = tableSlots(modelVersion, key)
  const from = low64(word(sketchRegistry, slots.from) >> 160n)
  if (from === 0n || committedAt < from) return undefined
  const until = low64(word(sketchRegistry, slots.until))
  if (until !== 0n && committedAt >= until) return undefined
  const counts = word(sketchRegistry, slots.counts)
  const [size, rows] = [Number(counts & 0xffff_ffffn), Number((counts >> 32n) & 0xffffn)]
  return { root: wordHex(word(sketchRegistry, slots.root)), size, rows }
}

/** No table is of several adapters. */
function tableKey({ adapters }: RuleQuestion): Hex | undefined {
  return adapters.length > 1 ? undefined : (adapters[0]?.root ?? zeroHash)
}

function wordsUnder(stateRoot: Uint8Array, nodes: TrieNodes): Word {
  const roots = new Map<Hex, Uint8Array | undefined>()
  return (address, slot) => {
    if (!roots.has(address)) {
      const account = nodes.value(stateRoot, keccak256(hexToBytes(address)))
      roots.set(address, account && decodeAccount(account).storageRoot)
    }
    const root = roots.get(address)
    const found = root && nodes.value(root, keccak256(slot))
    return found === undefined ? 0n : bytesToBigint(asBytes(rlpDecode(found), 'storage value'))
  }
}

function low64(word: bigint): bigint {
  return BigInt.asUintN(64, word)
}

function wordHex(word: bigint): Hex {
  return `0x${word.toString(16).padStart(64, '0')}`
}
