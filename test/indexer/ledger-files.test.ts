import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Abi, encodeFunctionData } from 'viem'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ContentStore } from '../../common/content-store.ts'
import { silentLog } from '../../common/log.ts'
import { loadArtifact } from '../../contracts/artifact.ts'
import { LedgerFiles } from '../../indexer/content/ledger-files.ts'
import { entryClasses, isUnitsPool } from '../../protocol/attribution-entry.ts'
import { type Hex, hexToBytes, zeroHash } from '../../protocol/bytes.ts'
import { merkleRoot } from '../../protocol/content-hash.ts'
import { FiledWorld } from '../fakes/filed-world.ts'
import { type Actor, addressOf, clocks, open } from '../fakes/money-chain.ts'
import { type CommittedBatch, unitsOf } from '../fakes/money-world.ts'
import { stake } from '../fakes/standing-model.ts'
import { dump, IndexWorld, type TestIndex } from '../fakes/test-index.ts'

let world: IndexWorld
let money: FiledWorld
let index: TestIndex
let worker: Actor
let payer: Actor

beforeEach(async () => {
  world = await IndexWorld.start()
  index = world.open()
  money = await FiledWorld.watchedBy(world)
  ;[worker, payer] = [money.chain.actor('worker'), money.chain.actor('payer')]
  await stake(money.chain, worker)
  await money.deposit(payer, worker, 10n * open)
})

afterEach(() => world.stop())

async function commit(...outputs: readonly number[]): Promise<CommittedBatch> {
  const plans = outputs.map((tout) => money.plan(payer, worker, 100, tout))
  return (await money.commit(worker, money.build(worker, plans))).batch
}

async function show(): Promise<void> {
  money.show()
  await index.follow()
}

const fileOf = (hash: string) => join(world.dir, 'content', hash.slice(2, 4), hash.slice(4))
const payee = (address: string, fields: string) =>
  index.ask(`{ payee(address: "${address}") { ${fields} } }`).then(({ data, errors }) => {
    expect(errors).toBeUndefined()
    return data.payee
  })

describe('claims', () => {
  test('the proof of every payee is taken by the contract and pays what the index said, to the wei', async () => {
    await money.settle([await commit(50, 7), await commit(1)])
    await money.settle([await commit(30)])
    await show()
    await index.fetchFiles()
    const payees = (await index.ask('{ payees { nodes { address } } }')).data.payees.nodes as { address: Hex }[]
    expect(payees.map(({ address }) => address).sort()).toEqual(money.payouts.map((payout) => payout.payee).sort())
    const modelOwner = money.chain.actor('model owner')
    for (const { address } of payees) {
      const fields =
        'earned pending claimed claimable isComplete pool { kind } claim { epoch index count cumulative siblings amount to calldata forCalldata }'
      // What a Datanet's pool is owed is claimed epoch by epoch.
      if (isUnitsPool(address)) {
        const first = (await payee(address, fields)).claim
        expect(first).toMatchObject({ epoch: '1', amount: first.cumulative })
        await money.chain.sendRaw(payer, first.to, hexToBytes(first.forCalldata))
        await show()
      }
      const { claim, claimable, earned, pending, claimed, isComplete, pool } = await payee(address, fields)
      const { cumulative: owed = 0n } = money.payouts.find((payout) => payout.payee === address) ?? {}
      const left = String(owed - BigInt(claimed))
      expect(claimed !== '0').toBe(isUnitsPool(address))
      expect({ claimable, earned, pending, isComplete, amount: claim.amount }).toEqual({
        claimable: left,
        earned: String(owed),
        pending: '0',
        isComplete: true,
        amount: left,
      })
      expect(claim.to).toBe(addressOf('RoyaltyVault'))
      // As viem writes the same calls.
      const proof = [claim.epoch, claim.index, claim.count, claim.cumulative, claim.siblings]
      const abi = loadArtifact('RoyaltyVault').abi as unknown as Abi
      const args = { epoch: proof[0], index: proof[1], count: proof[2], cumulative: proof[3], siblings: proof[4] }
      expect(claim.forCalldata).toBe(encodeFunctionData({ abi, functionName: 'claimFor', args: [address, args] }))
      if (pool === null) expect(claim.calldata).toBe(encodeFunctionData({ abi, functionName: 'claim', args: [args] }))
      const before = money.chain.balance(address)
      const own = pool === null && address !== modelOwner.address
      const call = hexToBytes(own ? claim.calldata : claim.forCalldata)
      const { result } = await money.chain.sendRaw(own ? address : payer, claim.to, call)
      expect(result.execResult.exceptionError).toBeUndefined()
      if (pool === null) expect(money.chain.balance(address) - before).toBe(owed)
    }
    await show()
    for (const { address } of payees) {
      const { claim, claimable, claimed, earned } = await payee(address, 'claimable claimed earned claim { epoch }')
      expect([claim, claimable, claimed]).toEqual([null, '0', earned])
    }
    expect(money.chain.balance('RoyaltyVault')).toBeGreaterThan(0n)
  })

  test('what stands unfinal is pending and cannot be claimed; a reverted one owes nothing', async () => {
    const batch = await commit(50)
    money.chain.advance(clocks.window)
    await money.mature([batch])
    const { epoch } = await money.propose([batch])
    await show()
    await index.fetchFiles()
    const { cumulative } = epoch.built.payouts.find((payout) => payout.payee === worker.address) ?? {}
    const fields = 'earned pending claimable claim { epoch } credits { totalCount }'
    const pending = {
      earned: '0',
      pending: String(cumulative),
      claimable: '0',
      claim: null,
      credits: { totalCount: 1 },
    }
    expect(await payee(worker.address, fields)).toEqual(pending)
    const before = world.chain.head.number
    money.chain.advance(clocks.window)
    await money.finalize(epoch)
    await show()
    const now = await payee(worker.address, fields)
    expect(now).toMatchObject({ earned: String(cumulative), pending: '0', claim: { epoch: '1' } })
    const then = await index.ask(`{ payee(address: "${worker.address}", block: { number: ${before} }) { ${fields} } }`)
    expect(then.data.payee).toEqual(pending)
    const more = await commit(3)
    money.chain.advance(clocks.window)
    await money.mature([more])
    const next = await money.propose([more])
    const stood = money.chain.blockNumber
    await show()
    await index.fetchFiles()
    const standing = await payee(worker.address, fields)
    expect(BigInt(standing.pending)).toBeGreaterThan(0n)
    await money.chain.send(addressOf('DisputeGame'), 'AttributionLedger', 'revertEpoch', [
      next.epoch.record,
      payer.address,
    ])
    await show()
    expect(await payee(worker.address, fields)).toEqual(now)
    const past = await index.ask(`{ payee(address: "${worker.address}", block: { number: ${stood} }) { ${fields} } }`)
    expect(past.data.payee).toEqual(standing)
  })
})

describe('data files', () => {
  test('receipts and entries are those of the batch, linked to models and credits', async () => {
    const batch = await commit(50, 7, 9)
    await money.settle([batch])
    await show()
    await index.fetchFiles()
    const { data, errors } = await index.ask(`{ batch(id: 1) { data { state } receipts { totalCount nodes {
      index requestId payer worker tin tout fee isVoid payment model { id } modelVersion parts { contributors }
      entries { nodes { index class id payee weight amount datanet { id } receipt { index } } } } } }
      credits { nodes { payee amount batchId receiptIndex entryIndex entry { payee amount } receipt { requestId } epoch { number } } } }`)
    expect(errors).toBeUndefined()
    expect(data.batch.data.state).toBe('present')
    expect(data.batch.receipts.totalCount).toBe(3)
    for (const [i, receipt] of data.batch.receipts.nodes.entries()) {
      const built = batch.built.receipts[i]
      expect(receipt).toMatchObject({
        index: i,
        requestId: built?.receipt.requestId,
        payer: payer.address,
        worker: worker.address,
        tout: built?.receipt.tout,
        fee: String(built?.receipt.fee),
        isVoid: false,
        payment: 'voucher',
        model: { id: '1' },
        modelVersion: 1,
        parts: { contributors: String(built?.parts.contributors) },
      })
      const entries = built?.entries.map(({ payee: of, id, weight }, k) => ({
        index: k,
        id: String(id),
        payee: of,
        weight: String(weight),
        datanet: id === 1n ? { id: '1' } : null,
        receipt: { index: i },
      }))
      expect(receipt.entries.nodes).toMatchObject(entries ?? [])
    }
    for (const credit of data.credits.nodes) {
      expect(credit.entry).toEqual({ payee: credit.payee, amount: credit.amount })
      expect(credit.receipt.requestId).toBe(batch.built.receipts[credit.receiptIndex]?.receipt.requestId)
    }
    expect(data.credits.nodes).toHaveLength(9)
  })

  test('files that come in another order, or after others, leave the same rows and digest', async () => {
    for (const outputs of [[50, 7], [3], [9, 9, 9]]) await money.settle([await commit(...outputs)])
    const late = world.open('late')
    const none = new ContentStore(join(world.dir, 'empty'), merkleRoot)
    await show()
    await index.fetchFiles()
    await late.follow()
    await late.fetchFiles(none)
    expect(Number(late.store.get('select count(*) as n from credit')?.['n'])).toBe(0)
    const hashes = late.store
      .all('select hash from ledger_file order by block desc, kind desc')
      .map((row) => String(row['hash']))
    const source = new ContentStore(join(world.dir, 'content'), merkleRoot)
    for (const hash of hashes) {
      none.put(source.get(hash) ?? new Uint8Array())
      await late.fetchFiles(none)
    }
    expect(dump(late.store)).toEqual(dump(index.store))
    expect(late.store.cursor()).toEqual(index.store.cursor())
  })

  test('a missing or damaged file is told, holds up nothing and is taken once it is there', async () => {
    const [first, second] = [await commit(50), await commit(7)]
    await money.settle([first, second])
    const { dataHash } = first.header
    const bytes = money.files.get(dataHash) ?? new Uint8Array()
    writeFileSync(fileOf(dataHash), bytes.subarray(1))
    await show()
    await index.fetchFiles()
    const state = async () =>
      (
        await index.ask(
          '{ batches { nodes { data { hash state problem } receipts { totalCount } } } _meta { missingContent } }',
        )
      ).data
    const found = await state()
    expect(found.batches.nodes[0]).toMatchObject({ data: { state: 'damaged' }, receipts: { totalCount: 0 } })
    expect(found.batches.nodes[0].data.problem).toContain('another hash')
    expect(found.batches.nodes[1]).toMatchObject({ data: { state: 'present' }, receipts: { totalCount: 1 } })
    const others = found._meta.missingContent - 1
    money.files.keep(dataHash, bytes)
    await index.fetchFiles()
    const after = await state()
    expect(after.batches.nodes[0]).toMatchObject({
      data: { state: 'present', problem: null },
      receipts: { totalCount: 1 },
    })
    expect(after._meta.missingContent).toBe(others)
  })

  test('a payee whose epoch has no data is told that there may be more', async () => {
    await money.settle([await commit(50)])
    await show()
    const fields = 'earned isComplete claim { epoch }'
    expect(await payee(worker.address, fields)).toEqual({ earned: '0', isComplete: false, claim: null })
    await index.fetchFiles()
    expect(await payee(worker.address, fields)).toMatchObject({ isComplete: true, claim: { epoch: '1' } })
  })

  test('a file that does not open what stands on chain is bad and makes no rows', async () => {
    const { header } = await commit(50)
    const other = await commit(7, 8)
    await show()
    const otherFile = other.header.dataHash
    index.store.run('update ledger_file set hash = ? where key = 1', otherFile)
    index.store.run('update receipt_batch set data_hash = ? where key = 1', otherFile)
    await index.fetchFiles()
    const { data } = await index.ask('{ batch(id: 1) { data { state problem } receipts { totalCount } } }')
    expect(data.batch).toEqual({
      data: { state: 'bad', problem: 'the receipts do not open the root of the batch' },
      receipts: { totalCount: 0 },
    })
    expect(header.count).toBe(1)
  })

  test('a reorg takes the rows of its files along, also in the middle of writing them', async () => {
    const fresh = world.open('fresh')
    await money.settle([await commit(50, 7)])
    await show()
    await index.fetchFiles()
    const { number } = world.chain.head
    const batchBlock = Number(index.store.state('receipt_batch', 1)?.['block'])
    const proposed = Number(index.store.state('epoch', 1)?.['block'])
    for (const to of [number - 1, proposed - 1, batchBlock - 1]) {
      index.store.rollbackTo(to)
      const catchUp = world.chain.lagTo(to)
      const early = world.open(`early-${to}`)
      await early.follow()
      await early.fetchFiles()
      expect(dump(index.store)).toEqual(dump(early.store))
      world.close(early)
      catchUp()
    }
    await index.follow()
    // The first slice is written when the batch's block goes.
    const clock = { nowMs: () => 0, sleep: async () => index.store.rollbackTo(batchBlock - 1) }
    const parts = { store: index.store, content: world.content, peers: undefined, clock, log: silentLog }
    await new LedgerFiles(parts).round(new AbortController().signal)
    clock.sleep = async () => {}
    await index.follow()
    await index.fetchFiles()
    await fresh.follow()
    await fresh.fetchFiles()
    expect(dump(index.store)).toEqual(dump(fresh.store))
  })
})

test('a contribution shows where receipts used it and what that brought', async () => {
  const author = money.chain.actor('author')
  const word = (n: number): Hex => `0x${n.toString(16).padStart(64, '0')}`
  await money.chain.send(author, 'DatanetRegistry', 'submit', [1n, word(7), word(8), 0, 0, word(0)])
  const span = { payee: author.address, id: 1n, class: entryClasses.S, evidenceHash: zeroHash, weight: 600_000 }
  const plan = money.plan(payer, worker, 10, 10, [span, { ...unitsOf(1n), weight: 400_000 }])
  await money.settle([(await money.commit(worker, money.build(worker, [plan]))).batch])
  await show()
  await index.fetchFiles()
  const { data } =
    await index.ask(`{ contribution(id: 1) { entries { nodes { class weight amount receipt { fee batch { id } } } } }
    payee(address: "${author.address}") { earned credits { nodes { entry { contribution { id author } } } } } }`)
  const [entry] = data.contribution.entries.nodes
  expect(entry).toMatchObject({ class: 'S', weight: '600000', receipt: { batch: { id: '1' } } })
  expect(data.payee.earned).toBe(entry.amount)
  expect(data.payee.credits.nodes).toEqual([{ entry: { contribution: { id: '1', author: author.address } } }])
})
