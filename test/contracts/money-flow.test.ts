import { describe, expect, test } from 'vitest'
import { claimOf } from '../fakes/money-batch.ts'
import { open } from '../fakes/money-chain.ts'
import { MoneyWorld } from '../fakes/money-world.ts'
import { stake } from '../fakes/standing-model.ts'

describe('a fee on its way', () => {
  test('from the channel to everyone it belongs to, to the wei', async () => {
    const world = await MoneyWorld.create()
    const { chain } = world
    const [payer, worker, modelOwner] = [chain.actor('payer'), chain.actor('worker'), chain.actor('model owner')]
    await stake(chain, worker)
    await world.deposit(payer, worker, 5n * open)
    const built = world.build(worker, [world.plan(payer, worker), world.plan(payer, worker, 7, 3)])
    const { batch } = await world.commit(worker, built)
    const fees = built.receipts.reduce((sum, { receipt }) => sum + receipt.fee, 0n)
    const epoch = await world.settle([batch])
    expect(chain.balance('InferenceMarket')).toBe(5n * open - fees)
    expect(chain.balance('RoyaltyVault')).toBe(fees)
    const parts = (name: 'worker' | 'model') => built.receipts.reduce((sum, receipt) => sum + receipt.parts[name], 0n)
    for (const [payee, part] of [
      [worker, parts('worker')],
      [modelOwner, parts('model')],
    ] as const) {
      const before = chain.balance(payee)
      await world.claim(payee, epoch)
      expect(chain.balance(payee) - before).toBe(part)
      expect((await world.claim(payee, epoch)).result).toBe(0n)
    }
    expect(chain.supply()).toBe(10n ** 27n)
    expect(claimOf(1n, epoch.built, worker.address).cumulative).toBe(parts('worker'))
  })
})
