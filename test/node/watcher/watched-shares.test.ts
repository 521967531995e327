import { mkdirSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { attributeV2 } from '../../../attribution/combined/attribute-v2.ts'
import { encodeGroups, encodeParts, evidenceHashV2 } from '../../../attribution/combined/evidence-v2.ts'
import { answerOfBatch } from '../../../attribution/epochs/answer.ts'
import type { Contribution } from '../../../attribution/epochs/receipt-entries.ts'
import { encodeIndexFile } from '../../../attribution/suffix/index-file.ts'
import { ShownSignatures } from '../../../chain/indexes/shown-signatures.ts'
import { batchState } from '../../../chain/ledger/batch-state.ts'
import { openDemands } from '../../../chain/ledger/demand-state.ts'
import { openLedgerPredeploys } from '../../../contracts/addresses.ts'
import { entryClasses } from '../../../protocol/attribution-entry.ts'
import { algoHashV2 } from '../../../protocol/attribution-rule.ts'
import { bytesToHex } from '../../../protocol/bytes.ts'
import { contentHash } from '../../../protocol/content-hash.ts'
import { batchHash } from '../../../protocol/receipt-batch.ts'
import { fileWith } from '../../fakes/file-batch.ts'
import { SpanMarket } from '../../fakes/span-market.ts'
import { WatchedChain } from '../../fakes/watched-chain.ts'

const window = 30
const day = 86_400
const passage =
  'A lighthouse keeper counts the ships at dusk and writes their names in a green book that nobody has ever opened, ' +
  'because the key lies under the third stair, where the cat sleeps and the wind from the north comes in at night.'
const texts = [
  ['alice', passage],
  ['bob', `${passage} So they say.`],
  ['datanet owner', 'Bread rises twice: once in the bowl under a cloth, once in the tin before the oven.'],
] as const
const answer =
  'We hear that she writes their names in a green book that nobody has ever opened, and bread rises twice: once.'

let world: WatchedChain
let market: SpanMarket
beforeEach(async () => {
  world = await WatchedChain.open({ bare: true })
  market = await SpanMarket.open(world.chain, world.chain.rpc, texts)
  mkdirSync(world.indexes.dir, { recursive: true })
  writeFileSync(world.indexes.path(market.index.id), encodeIndexFile(market.index))
  await world.chain.deposit(openLedgerPredeploys.moneyTimelock, 'AttributionLedger', 'setAlgo', [algoHashV2])
}, 60_000)
afterEach(() => world.close(), 60_000)

/** What an honest worker finds of an answer to a prompt that quotes the passage. */
async function attributed(text: string) {
  const signatures = await new ShownSignatures(world.chain.rpc).at(world.chain.now)
  return attributeV2([market.index], market.tokenizer.encode(text), {
    prompt: market.tokenizer.encode(passage),
    signatureOf: (id) => signatures.get(id),
  })
}

function contributionsOf({ shares, evidenceHash }: Awaited<ReturnType<typeof attributed>>): Contribution[] {
  return shares.map(({ class: letter, id, weight }) => ({
    ...{ class: entryClasses[letter], id, weight: BigInt(weight), evidenceHash },
  }))
}

async function settle(answers: readonly { readonly text: string; readonly contributions: readonly Contribution[] }[]) {
  const settled = await market.settle(
    answers.map((each) => ({ ...each, model: 1 as const, prompt: passage })),
    algoHashV2,
  )
  world.publish(settled.file)
  return settled.batchId
}

async function passWindow(): Promise<void> {
  const end = world.chain.now + BigInt(window)
  while (world.chain.now < end) {
    await world.settle()
    await world.pass(4)
  }
  await world.settle()
}

async function voided(batchId: bigint) {
  await world.follow()
  return batchState(world.book, batchId)?.voided
}

const names = () => world.sender.sent.map(({ functionName }) => functionName)

test('once governance put v2 in force, copies earn nothing from the day after their signatures are shown; who says otherwise is void', async () => {
  for (const [i, [, text]] of texts.slice(0, 2).entries()) await market.show(BigInt(i + 1), text)
  await world.pass(day)
  const honest = await attributed(answer)
  expect(honest.shares.map(({ class: letter, id }) => `${letter} ${id}`)).toEqual(['S 1', 'S 3', 'R 1', 'U 1'])
  // The copy is said to be an original.
  const lying = await attributed(`${answer} So.`)
  const parts = { ...lying.parts, groups: encodeGroups(lying.leaders.map((_, i) => i)) }
  const evidenceHash = evidenceHashV2(parts)
  const told = contributionsOf({ ...lying, evidenceHash })
  const id = await settle([
    { text: answer, contributions: contributionsOf(honest) },
    { text: `${answer} So.`, contributions: told },
  ])
  await world.settle()
  const state = batchState(world.book, id)
  if (state === undefined) throw new Error('no batch')
  const shown = [bytesToHex(batchHash(state.header)), 1, bytesToHex(encodeParts(parts))]
  await world.chain.send(world.chain.actor('worker'), 'EvidenceDemands', 'serveEvidence', shown)
  await passWindow()
  expect(names()).toEqual(['requestEvidence', 'badSpanGroup'])
  expect(await voided(id)).toEqual([1])
}, 120_000)

test('a receipt whose weights are others than its evidence makes is void without anybody asked', async () => {
  await world.pass(day)
  const honest = await attributed(answer)
  const [first, ...others] = contributionsOf(honest)
  const last = others.at(-1)
  if (first === undefined || last === undefined) throw new Error('no entries')
  const moved = [{ ...first, weight: first.weight + 1n }, ...others.slice(0, -1), { ...last, weight: last.weight - 1n }]
  const id = await settle([
    { text: answer, contributions: moved },
    { text: answer, contributions: contributionsOf(honest) },
  ])
  await passWindow()
  expect(names()).toEqual(['badShareWeight'])
  expect(await voided(id)).toEqual([0])
}, 120_000)

test('a prompt that nobody published is asked for, and then the receipt is judged as any other', async () => {
  await world.pass(day)
  const honest = await attributed(answer)
  const [first, ...others] = contributionsOf(honest)
  const last = others.at(-1)
  if (first === undefined || last === undefined) throw new Error('no entries')
  const moved = [{ ...first, weight: first.weight + 1n }, ...others.slice(0, -1), { ...last, weight: last.weight - 1n }]
  const answers = [{ text: answer, contributions: moved, model: 1 as const, prompt: passage }]
  const { batchId: id, file } = await market.settle(answers, algoHashV2)
  // What the worker hands out has no prompt; what it keeps has.
  world.files.set(
    contentHash(file),
    fileWith(file, (one) => ({ ...one, prompt: new Uint32Array() })),
  )
  await world.settle()
  const { header } = batchState(world.book, id) ?? {}
  if (header === undefined) throw new Error('no batch')
  for (const { demand } of openDemands(world.book)) {
    const call = answerOfBatch(demand, header, file)
    if (call === undefined) throw new Error('the file has not what is asked for')
    await world.chain.send(world.chain.actor('worker'), 'AttributionLedger', call.functionName, call.args)
  }
  await passWindow()
  expect([...new Set(names())]).toEqual(['requestPrompt', 'badShareWeight'])
  expect(await voided(id)).toEqual([0])
}, 120_000)
