import { type RuleQuestion, ruleFacts, ruleSlots } from '../../attribution/answer-file/rule-facts.ts'
import { deadFromSlot, lapseSlot, signatureSlots, tableSlots, termSlot } from '../../attribution/answer-file/slots.ts'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { bytesToHex, type Hex, hexToBytes, uintBytes } from '../../protocol/bytes.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { rlpEncode, rlpUint } from '../../protocol/rlp.ts'
import { TrieNodes } from '../../protocol/trie-proof.ts'
import { emptyCodeHash, emptyTrieRoot } from '../../protocol/trie-root.ts'
import { proveTrie } from './trie-prover.ts'

/** What a state says that answers under algoHash v2 are judged by. */
export type StatedRule = {
  readonly inForce: { readonly from: bigint; readonly until: bigint }
  /** By index. */
  readonly deadFrom: ReadonlyMap<Hex, bigint>
  /** By index, in their order: when it was dead and came back. */
  readonly lapses?: ReadonlyMap<Hex, readonly { readonly from: bigint; readonly until: bigint }[]>
  readonly shown: ReadonlyMap<bigint, { readonly hash: Hex; readonly at: bigint }>
  readonly table:
    | {
        readonly root: Hex
        readonly size: number
        readonly rows: number
        readonly from: bigint
        readonly until: bigint
        /** Whose answers it is for. */
        readonly adapter: Hex
      }
    | undefined
}

type Entries = [Uint8Array, Uint8Array][]

/** A state that says so, and the nodes that answer a question. */
export function ruleState(stated: StatedRule, question: RuleQuestion) {
  const { attributionLedger, indexRegistry, signatureRegistry, sketchRegistry } = openLedgerPredeploys
  const storages = new Map<Hex, Entries>([
    [attributionLedger, []],
    [indexRegistry, []],
    [signatureRegistry, []],
    [sketchRegistry, []],
  ])
  const write = (address: Hex, slot: Uint8Array, word: bigint) => {
    if (word > 0n) storages.get(address)?.push([keccak256(slot), rlpEncode(rlpUint(word))])
  }
  const { from, until } = stated.inForce
  write(attributionLedger, termSlot(question.algoHash), (until << 64n) | from)
  const lapses = stated.lapses ?? new Map<Hex, readonly { readonly from: bigint; readonly until: bigint }[]>()
  for (const [id, dead] of stated.deadFrom) {
    const count = BigInt(lapses.get(id)?.length ?? 0)
    write(indexRegistry, deadFromSlot(id), (count << 200n) | (7n << 72n) | dead)
  }
  for (const [id, times] of lapses) {
    for (const [number, lapse] of times.entries())
      write(indexRegistry, lapseSlot(id, number), (lapse.until << 64n) | lapse.from)
  }
  for (const [id, { hash, at }] of stated.shown) {
    const slots = signatureSlots(id)
    write(signatureRegistry, slots.hash, BigInt(hash))
    write(signatureRegistry, slots.at, at)
  }
  if (stated.table !== undefined) {
    const { root, size, rows, adapter } = stated.table
    const slots = tableSlots(question.modelVersion, adapter)
    write(sketchRegistry, slots.root, BigInt(root))
    write(sketchRegistry, slots.counts, (BigInt(rows) << 32n) | BigInt(size))
    write(sketchRegistry, slots.from, (stated.table.from << 160n) | BigInt(`0x${'5a'.repeat(20)}`))
    write(sketchRegistry, slots.until, (100n << 64n) | stated.table.until)
  }
  const counts = new Map([...lapses].map(([id, times]) => [id, times.length]))
  return provenState(storages, ruleSlots(question, counts), question)
}

function provenState(
  storages: ReadonlyMap<Hex, Entries>,
  slots: ReadonlyMap<Hex, readonly Uint8Array[]>,
  question: RuleQuestion,
) {
  const nodes: Uint8Array[] = []
  const accounts: Entries = [...storages].map(([address, entries]) => {
    const proofs = (slots.get(address) ?? []).map((slot) =>
      entries.length === 0 ? none : proveTrie(entries, keccak256(slot)),
    )
    nodes.push(...proofs.flatMap(({ proof }) => proof))
    const root = entries.length === 0 ? emptyTrieRoot : proveTrie(entries, keccak256(new Uint8Array(32))).root
    return [keccak256(hexToBytes(address)), rlpEncode([uintBytes(1, 1), new Uint8Array(0), root, emptyCodeHash])]
  })
  let stateRoot = emptyTrieRoot
  for (const [key] of accounts) {
    const proven = proveTrie(accounts, key)
    stateRoot = proven.root
    nodes.push(...proven.proof)
  }
  const tries = new TrieNodes(nodes)
  ruleFacts(stateRoot, tries, question)
  return { stateRoot, root: bytesToHex(stateRoot), facts: tries.needed }
}

const none: { readonly root: Uint8Array; readonly proof: readonly Uint8Array[] } = { root: emptyTrieRoot, proof: [] }
