import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { decodeBatchFile } from '../../../attribution/epochs/batch-file.ts'
import { buildEpoch } from '../../../attribution/epochs/build-epoch.ts'
import { decodeEpochFile, type EpochFile, encodeEpochFile } from '../../../attribution/epochs/epoch-file.ts'
import { creditBytes, creditTree, payoutTree, setU128, u128At, viewOf } from '../../../attribution/epochs/epoch-rows.ts'
import { noEpoch } from '../../../attribution/epochs/epoch-task.ts'
import { sumOf } from '../../../attribution/epochs/epoch-trees.ts'
import { batchState } from '../../../chain/ledger/batch-state.ts'
import { openDemands } from '../../../chain/ledger/demand-state.ts'
import { epochStage } from '../../../chain/ledger/epoch-state.ts'
import { SendError } from '../../../chain/ledger/sender.ts'
import { algoHashV1 } from '../../../protocol/attribution-rule.ts'
import { bytesToHex } from '../../../protocol/bytes.ts'
import { noEpoch as noState } from '../../../protocol/epoch-record.ts'
import { WatchedChain } from '../../fakes/watched-chain.ts'

const window = 30

let world: WatchedChain
const hookMs = 60_000
beforeEach(async () => {
  world = await WatchedChain.open()
}, hookMs)
afterEach(async () => {
  await world.close()
}, hookMs)

/** One mature batch whose file is there, and the epoch that follows from it. */
async function mature(): Promise<EpochFile> {
  const { built, file } = world.market.build(4)
  world.publish(file)
  const batchId = await world.market.commit({ built })
  await world.settle()
  await world.pass(window)
  await world.follow()
  const header = batchState(world.book, batchId)?.header
  await world.chain.send(world.chain.actor('bob'), 'InferenceMarket', 'matureBatches', [[header]])
  const batches = [{ batchId, file: decodeBatchFile(file), voided: [] }]
  const epoch = buildEpoch({ epoch: 1n, parent: noEpoch, lastBatch: batchId, batches, algoHash: algoHashV1 })
  return decodeEpochFile(epoch.file)
}

/** The attributor proposes what the file says, whatever that is, and publishes it or not. */
async function propose(file: EpochFile, isPublished: boolean): Promise<void> {
  const [credits, payouts] = [creditTree(file.credits), payoutTree(file.payouts)]
  const encoded = encodeEpochFile(file)
  const header = {
    epoch: file.epoch,
    parentRoot: file.parentRoot,
    firstBatch: file.firstBatch,
    lastBatch: file.lastBatch,
    creditsRoot: bytesToHex(credits.root),
    creditsSum: sumOf(credits),
    creditsCount: credits.count,
    payoutRoot: bytesToHex(payouts.root),
    payoutSum: sumOf(payouts),
    payoutCount: payouts.count,
    dataHash: isPublished ? world.publish(encoded) : algoHashV1,
    algoHash: algoHashV1,
  }
  const tops = [credits, payouts].map(({ top }) => bytesToHex(top.subarray(0, 32)))
  const args = [header, ...tops, noState]
  const value = 10n * 10n ** 18n
  await world.chain.send(world.chain.actor('attributor'), 'AttributionLedger', 'proposeEpoch', args, { value })
}

async function stage(): Promise<string> {
  await world.follow()
  const [epoch] = world.book.proposals(1n)
  if (epoch === undefined) throw new Error('no epoch')
  return epochStage(world.book, epoch)
}

/** A wei of the last credit goes to the first, in credits and payouts. */
function shifted(file: EpochFile): EpochFile {
  const credits = file.credits.slice()
  const view = viewOf(credits)
  const ends = [creditBytes - 16, credits.length - 16] as const
  setU128(view, ends[0], u128At(view, ends[0]) + 1n)
  setU128(view, ends[1], u128At(view, ends[1]) - 1n)
  return { ...file, credits }
}

const sent = () => world.sender.sent.map(({ functionName }) => functionName)

describe('a proposed epoch', { timeout: 120_000 }, () => {
  test('that is right is left alone, with its file and without', async () => {
    await propose(await mature(), false)
    await world.settle()
    expect(sent()).toEqual([])
    expect(world.messages('info')).toContain('an epoch is right')
    expect(await stage()).toBe('proposed')
  })

  test('that moves a wei is reverted at once, and half of its bond is the watcher’s', async () => {
    await propose(shifted(await mature()), true)
    await world.settle()
    expect(sent()).toEqual(['badAmount'])
    expect(await stage()).toBe('reverted')
    const before = await world.chain.balance(world.sender.address)
    for (let block = 0; block < 52; block++) await world.pass(2)
    await world.settle()
    expect(sent()).toEqual(['badAmount', 'payReward'])
    expect(await world.chain.balance(world.sender.address)).toBeGreaterThan(before + 4n * 10n ** 18n)
  })

  test('that moves a wei and hides its rows is reverted when its proposer is silent', async () => {
    await propose(shifted(await mature()), false)
    await world.settle()
    expect(new Set(sent())).toEqual(new Set(['requestCredit']))
    await world.pass(21)
    await world.settle()
    expect(new Set(sent())).toEqual(new Set(['requestCredit', 'epochDataMissing']))
    // What was prepaid comes back, for every leaf that was asked for.
    expect(openDemands(world.book)).toEqual([])
    expect(await stage()).toBe('reverted')
  })
})

describe('a watcher that commits to its evidence', { timeout: 120_000 }, () => {
  test('does so in a block before the challenge', async () => {
    await world.close()
    world = await WatchedChain.open({ commitEvidence: true })
    await propose(shifted(await mature()), true)
    await world.settle()
    expect(sent()).toEqual(['commitEvidence', 'badAmount'])
    expect(await stage()).toBe('reverted')
  })
})

describe('a challenge', { timeout: 120_000 }, () => {
  test('that somebody else was faster with is told, and neither ends anything nor is sent again', async () => {
    await propose(shifted(await mature()), true)
    world.sender.rival = ({ contract, functionName, args }) =>
      world.chain.send(world.chain.actor('alice'), contract, functionName, args)
    await world.settle()
    expect(await stage()).toBe('reverted')
    expect(sent()).toEqual(['badAmount'])
    expect(world.messages('warn')).toContain('a challenge was not sent, trying again while it can help')
    await world.pass(12)
    await world.settle()
    expect(sent()).toEqual(['badAmount'])
  })

  test('that a copier was faster with pays the watcher who committed to it before', async () => {
    await world.close()
    world = await WatchedChain.open({ commitEvidence: true })
    await propose(shifted(await mature()), true)
    world.sender.rival = async ({ contract, functionName, args }) => {
      if (functionName !== 'badAmount') return
      await world.chain.send(world.chain.actor('alice'), contract, functionName, args)
    }
    await world.settle()
    await world.pass(12)
    await world.settle()
    expect(sent()).toEqual(['commitEvidence', 'badAmount', 'takeOverReward'])
  })

  test('that cannot be sent now is sent later', async () => {
    await propose(shifted(await mature()), true)
    let isDown = true
    world.sender.rival = async () => {
      if (isDown) throw new SendError('insufficient-funds', 'fund the account')
    }
    await world.settle()
    expect(world.messages('error')).toContain('a challenge was not sent, trying again while it can help')
    expect(await stage()).toBe('proposed')
    isDown = false
    await world.pass(4)
    await world.settle()
    expect(await stage()).toBe('reverted')
  })
})
