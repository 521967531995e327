import { encodeAbiParameters, keccak256 } from 'viem'
import { beforeAll, expect, test } from 'vitest'
import { loadArtifact } from '../../contracts/artifact.ts'
import { type AttributionEntry, entryClasses } from '../../protocol/attribution-entry.ts'
import { trainedOnHash } from '../../protocol/attribution-rule.ts'
import { bytesToHex, type Hex, hexToBytes, zeroHash } from '../../protocol/bytes.ts'
import { batchHash, type Segment } from '../../protocol/receipt-batch.ts'
import { type RoyaltyRow, royaltyHash } from '../../protocol/royalty-vector.ts'
import { sumRow } from '../../protocol/sum-tree.ts'
import { type Challenge, challengesOf, openedEntry, openedReceipt, openedRequest } from '../fakes/dispute-arguments.ts'
import {
  answerTerms,
  type CommitOptions,
  type Committed,
  commit,
  type Draft,
  honestDrafts,
  reseal,
  segmentsOf,
} from '../fakes/dispute-batch.ts'
import { type Corruption, corruptions } from '../fakes/dispute-corruptions.ts'
import { DisputeWorld } from '../fakes/dispute-world.ts'
import { type Actor, addressOf, MoneyChain } from '../fakes/money-chain.ts'
import { at } from '../fakes/proven-tree.ts'

/** Of a whole transaction. */
const challengeGasMax = 1_000_000n
/** Four levels more of two openings: siblings of 192 bytes at EIP-7623's rate, and their hashes. */
const moreLevelsGas = 2n * 4n * (192n * 40n + 900n)
/** What a slash takes, which is answered here: stake, jail and cover written, half sent, half burned. */
const slashGas = 150_000n

/** As InferenceMarket limits them, but for four levels of receipts; one fewer each, so that the trees have padding. */
const receipts = 2 ** 12 - 1
const segmentsMax = 32
const entries = 127

let world: DisputeWorld
let worker: Actor
let stranger: Actor
let payer: Actor

beforeAll(async () => {
  world = await DisputeWorld.create()
  await answerTerms(world)
  ;[worker, payer, stranger] = [world.chain.actor('worker'), world.chain.actor('payer'), world.chain.actor('stranger')]
  filler = Array.from({ length: receipts }, () => fillerRow)
})

const full = (byte: string): Hex => `0x${byte.repeat(32)}`
/** A receipt whose numbers have no zero bytes to spare. */
const [fee, part] = [0x7faaaaaaaaaaaaaan, 0x15555555555555n]
const fillerRow = sumRow(hexToBytes(full('ef')), [
  fee,
  0x1122n,
  0x1122n,
  0x11n,
  part,
  part,
  part,
  part,
  part,
  fee - 5n * part,
])
let filler: Uint8Array[] = []

/** The largest receipt there can be, in the largest batch, spoiled. */
async function worst({ apply }: Corruption): Promise<Committed> {
  const drafts = honestDrafts(worker, [{ payer, tin: 1_234, tout: 567, hasApp: true, cut: true }], world.chain.now)
  const draft = at(drafts, 0)
  const items = draft.entries.findIndex((entry) => entry.class === entryClasses.U)
  const more = Array.from({ length: entries - draft.entries.length }, (_, i): AttributionEntry => {
    return { ...at(draft.entries, items - 1), id: BigInt(100 + i), evidenceHash: full('e1'), weight: 1 }
  })
  draft.entries.splice(items, 1, ...more, { ...at(draft.entries, items), weight: 600_000 - more.length })
  draft.receipt = { ...draft.receipt, attrEntries: entries }
  draft.sums[3] = BigInt(entries)
  reseal(draft)
  const spoiling = { drafts, index: 0, stranger, now: world.chain.now }
  const options = apply(draft, spoiling) ?? {}
  const behind = filler.slice(0, receipts - drafts.length)
  return await commit(world, worker.address, drafts, {
    ...options,
    filler: behind,
    segments: manySegments(drafts, options),
  })
}

/** One segment a receipt, and a last one of all the rest. */
function manySegments(drafts: readonly Draft[], { segments: given }: CommitOptions): Segment[] {
  const own = given ?? segmentsOf(drafts)
  const one = { ...at(own, 0), count: 1, fee, cumulativeCap: (1n << 90n) - 1n, deadline: 0x6aaaaaaan }
  const others = Array.from({ length: segmentsMax - own.length }, (_, k) => ({
    ...one,
    channel: full((k + 16).toString(16)),
  }))
  const last = receipts - drafts.length - others.length + 1
  return [...own, ...others.slice(0, -1), { ...at(others, 0), count: last, fee: fee * BigInt(last) }]
}

/** The gas of a challenge with the market that is on the chain, which knows the batch. */
async function gasOf({ header, segments }: Committed, { name, args }: Challenge): Promise<bigint> {
  const chain = await world.chain.fork()
  const market = addressOf('InferenceMarket')
  const fresh = (await MoneyChain.create()).evm.state.account(market)
  const account = chain.evm.state.account(market)
  account.code = fresh.code
  account.storage.clear()
  for (const [slot, value] of fresh.storage) account.storage.set(slot, value)
  account.storage.set(slotOf('batchHash', 'uint64', header.batchId), batchHash(header))
  for (const { channel } of segments) account.storage.set(slotOf('_channels', 'bytes32', channel), Uint8Array.of(9))
  // More than the batch's fees, times any factor.
  account.storage.set(slotOf('_workers', 'address', header.worker), hexToBytes(full('7f')))
  return (await new DisputeWorld(chain).challenge(name, args)).gas
}

function slotOf(label: string, type: string, key: bigint | Hex): Hex {
  const slot = loadArtifact('InferenceMarket').storageLayout.find((entry) => entry.label === label)?.slot
  if (slot === undefined) throw new Error(`the market has no ${label}`)
  return keccak256(encodeAbiParameters([{ type }, { type: 'uint256' }], [key, BigInt(slot)]))
}

/** A corruption for each challenge. */
const byChallenge = new Map(
  corruptions
    .filter(({ name }) => !name.includes('opened on chain') && !name.includes('does not name'))
    .map((corruption) => [corruption.challenge, corruption]),
)

test.each([...byChallenge])('%s takes at most 1,000,000 gas of the largest batch', async (name, corruption) => {
  const own: Corruption = name === 'badSegment' ? { ...corruption, apply: shiftFee } : corruption
  const batch = await worst(own)
  const held: bigint[] = []
  for (const challenge of challengesOf(batch).filter((each) => each.name === name)) {
    if (typeof (await world.ask(challenge.judge, name, challenge.args)) !== 'number') continue
    held.push(await gasOf(batch, challenge))
    break
  }
  expect(held).toHaveLength(1)
  expect(at(held, 0) + moreLevelsGas + slashGas).toBeLessThanOrEqual(challengeGasMax)
})

const shiftFee: Corruption['apply'] = (_, { drafts }) => {
  const [one] = segmentsOf(drafts)
  return one === undefined ? undefined : { segments: [{ ...one, fee: one.fee - 1n }] }
}

test('badRoyaltyEntry takes at most 1,000,000 gas of a vector of 32 rows', async () => {
  const rows = Array.from({ length: 32 }, (_, i): RoyaltyRow => {
    return { kind: 1, id: `0x${(i + 16).toString(16).repeat(20)}`, bps: i === 0 ? 10_000 - 31 : 1 }
  })
  const spoil: Corruption['apply'] = (draft) => {
    draft.receipt = { ...draft.receipt, royaltyHash: bytesToHex(royaltyHash(rows)) }
    return undefined
  }
  const batch = await worst({ name: '', challenge: 'badRoyaltyEntry', fault: 'WrongEntry', apply: spoil })
  const args = [openedReceipt(batch, 0), batch.segments, openedEntry(at(batch.drafts, 0), 1), rows]
  const gas = await gasOf(batch, { judge: 'EntryJudge', name: 'badRoyaltyEntry', args })
  expect(gas + moreLevelsGas + slashGas).toBeLessThanOrEqual(challengeGasMax)
})

test('badUnitWeight takes at most 1,000,000 gas of eight Datanets', async () => {
  const refs = Array.from({ length: 8 }, (_, i) => {
    return { datanet: 0x7faaaaaaaaaaaaa0n + BigInt(i), version: 0x7faaaaaa, weightBps: 1_250 }
  })
  const spoil: Corruption['apply'] = (draft) => {
    draft.receipt = { ...draft.receipt, indexSetHash: zeroHash }
    return undefined
  }
  const batch = await worst({ name: '', challenge: 'badUnitWeight', fault: 'WrongEntry', apply: spoil })
  const draft = at(batch.drafts, 0)
  await world.answer('trainedOnHashOf', [draft.request.modelVersion], trainedOnHash(refs))
  const place = draft.entries.findIndex((entry) => entry.class === entryClasses.U)
  const claim = {
    entry: openedEntry(draft, place),
    // As many bytes as a head has under v2.
    head: `0x${'e1'.repeat(161)}`,
    request: openedRequest(draft),
    trainedOn: refs.map(({ datanet: id, ...rest }) => ({ id, ...rest })),
  }
  const args = [openedReceipt(batch, 0), batch.segments, claim]
  const gas = await gasOf(batch, { judge: 'ShareJudge', name: 'badUnitWeight', args })
  expect(gas + moreLevelsGas + slashGas).toBeLessThanOrEqual(challengeGasMax)
})
