import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ChainFacts } from '../../../chain/ledger/chain-facts.ts'
import { zeroAddress, zeroHash } from '../../../protocol/bytes.ts'
import { LedgerChain } from '../../fakes/ledger-chain.ts'
import { LedgerMarket } from '../../fakes/ledger-market.ts'

describe('facts of the chain', () => {
  let chain: LedgerChain
  let market: LedgerMarket
  let calls = 0

  beforeAll(async () => {
    chain = await LedgerChain.open()
    market = await LedgerMarket.open(chain)
  }, 60_000)
  afterAll(() => chain.close())

  const facts = () =>
    new ChainFacts({
      rpc: {
        request: (...call) => {
          calls++
          return chain.rpc.request(...call)
        },
      },
      chainId: 901n,
      earlierReceipt: async () => undefined,
    })

  test('what every receipt asks for is asked of the chain once; what is absent is asked for again', async () => {
    const one = facts()
    const { modelVersion, royaltyHash } = market.terms
    calls = 0
    const prices = [await one.price(modelVersion, 0, 1), await one.price(modelVersion, 0, 1)]
    expect(prices[0]).toMatchObject(market.terms.price)
    expect(calls).toBe(1)
    expect(await one.royaltyRows(royaltyHash)).toEqual(market.royaltyRows)
    calls = 0
    for (let i = 0; i < 2; i++) {
      expect(await one.price(modelVersion, 0, 9)).toBeUndefined()
      expect(await one.codePayee(zeroHash, 1n)).toBe(zeroAddress)
    }
    expect(calls).toBe(4)
    one.forget()
    await one.price(modelVersion, 0, 1)
    expect(calls).toBe(5)
  })
})
