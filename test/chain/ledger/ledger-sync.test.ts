import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { batchState, lastMatureBatch } from '../../../chain/ledger/batch-state.ts'
import { committedBatch } from '../../../chain/ledger/committed-batch.ts'
import type { L2Rpc } from '../../../chain/ledger/l2-rpc.ts'
import { LedgerBook } from '../../../chain/ledger/ledger-book.ts'
import { LedgerSync } from '../../../chain/ledger/ledger-sync.ts'
import { systemClock } from '../../../common/clock.ts'
import { RpcError, rpcCodes } from '../../../common/json-rpc.ts'
import { silentLog } from '../../../common/log.ts'
import { bytesToHex, type Hex } from '../../../protocol/bytes.ts'
import { batchHash } from '../../../protocol/receipt-batch.ts'
import { LedgerChain } from '../../fakes/ledger-chain.ts'
import { LedgerMarket } from '../../fakes/ledger-market.ts'

describe('the book of the chain’s money', () => {
  let chain: LedgerChain
  let market: LedgerMarket
  let dir: string
  let book: LedgerBook

  beforeEach(async () => {
    chain = await LedgerChain.open()
    market = await LedgerMarket.open(chain)
    dir = mkdtempSync(join(tmpdir(), 'ledger-book-'))
    book = openBook()
  }, 60_000)
  afterEach(async () => {
    book.close()
    await chain.close()
    rmSync(dir, { recursive: true })
  })

  const openBook = (first: Hex = chain.firstHash) => LedgerBook.open(join(dir, 'ledger.sqlite'), first)
  const follow = async (rpc: L2Rpc = chain.rpc, into = book) => {
    const sync = new LedgerSync({ rpc, book: into, clock: systemClock, log: silentLog })
    while (await sync.step());
    return sync
  }

  test('a batch is rebuilt from its transaction to what the contract’s hash opens, and becomes mature', async () => {
    const batch = market.build(3)
    const id = await market.commit(batch)
    await follow()
    const state = batchState(book, id)
    expect(state?.segments).toEqual(batch.built.segments)
    expect(state?.header.dataHash).toBe(batch.built.input['dataHash'])
    expect(bytesToHex(batchHash(state?.header ?? never()))).toBe(await chain.read('InferenceMarket', 'batchHash', [id]))
    expect(state).toMatchObject({ isMature: false, isVoid: false, voided: [], holds: 0 })
    expect(await committedBatch(chain.rpc, id)).toEqual(book.batch(id))
    expect(await committedBatch(chain.rpc, id + 1n)).toBeUndefined()

    chain.advance(30)
    await chain.send(chain.actor('bob'), 'InferenceMarket', 'matureBatches', [[state?.header]])
    await follow()
    expect(batchState(book, id)?.isMature).toBe(true)
    expect(lastMatureBatch(book)).toBe(id)
  })

  test('a reorg takes back what was in the blocks that went, and no more', async () => {
    const kept = await market.commit(market.build(1))
    const gone = await market.commit(market.build(1))
    await follow()
    expect(book.lastBatch).toBe(gone)
    await chain.reorg(1)
    await follow()
    expect(book.lastBatch).toBe(kept)
    expect(batchState(book, gone)).toBeUndefined()
    expect(book.head).toEqual(expect.objectContaining(chain.head))
  })

  test('a shorter chain replaces a longer one; a head that lags replaces nothing', async () => {
    await market.commit(market.build(1))
    const lagging = chain.head
    await follow()
    await chain.mine()
    await follow()
    const before = book.head
    const behind: L2Rpc = {
      request: async (method, params = []) => {
        const [tag] = params
        const isAbove =
          method === 'eth_getBlockByNumber' && typeof tag === 'string' && BigInt(numberOf(tag)) > lagging.number
        return isAbove
          ? null
          : await chain.rpc.request(method, tag === 'latest' ? [hex(lagging.number), ...params.slice(1)] : params)
      },
    }
    const numberOf = (tag: string) => (tag.startsWith('0x') ? tag : 0)
    await follow(behind)
    expect(book.head).toEqual(before)
    expect(book.lastBatch).toBe(1n)

    // One block in place of two: the head goes down and is another one.
    const parent = chain.chain.canonicalHash(lagging.number - 1n) ?? never()
    chain.advance(1)
    await chain.mine(parent)
    await follow()
    expect(book.head?.number).toBe(lagging.number)
    expect(book.lastBatch).toBe(0n)
  })

  test('a restart goes on where the book stood, and a killed run’s book is the same as one made at once', async () => {
    const id = await market.commit(market.build(2))
    await follow()
    const asked: string[] = []
    book.close()
    book = openBook()
    await market.commit(market.build(1))
    const counting: L2Rpc = {
      request: (method, params = []) => {
        if (method === 'eth_getLogs') asked.push(String((params[0] as { fromBlock: string }).fromBlock))
        return chain.rpc.request(method, params)
      },
    }
    await follow(counting)
    expect(asked.map(BigInt)).toEqual([chain.head.number])
    const fresh = LedgerBook.open(join(dir, 'fresh.sqlite'), chain.firstHash)
    await follow(chain.rpc, fresh)
    for (const batch of [id, id + 1n]) expect(batchState(book, batch)).toEqual(batchState(fresh, batch))
    fresh.close()
  })

  test('the book of another chain is begun anew', async () => {
    await market.commit(market.build(1))
    await follow()
    book.close()
    book = openBook(`0x${'cc'.repeat(32)}`)
    expect(book.head).toBeUndefined()
    expect(book.lastBatch).toBe(0n)
  })

  test('an engine that refuses long ranges is asked for shorter ones', async () => {
    await market.commit(market.build(1))
    for (let i = 0; i < 20; i++) await chain.mine()
    let widest = 0n
    const strict: L2Rpc = {
      request: (method, params = []) => {
        if (method === 'eth_getLogs') {
          const { fromBlock, toBlock } = params[0] as { fromBlock: string; toBlock: string }
          const blocks = BigInt(toBlock) - BigInt(fromBlock) + 1n
          if (blocks > 10n) return Promise.reject(new RpcError(rpcCodes.limitExceeded, 'too many blocks'))
          widest = blocks > widest ? blocks : widest
        }
        return chain.rpc.request(method, params)
      },
    }
    await follow(strict)
    expect(book.head?.number).toBe(chain.head.number)
    expect(book.lastBatch).toBe(1n)
    expect(widest).toBeGreaterThan(2n)
  })
})

const hex = (number: bigint) => `0x${number.toString(16)}`

function never(): never {
  throw new Error('absent')
}
