import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { allEvents } from '../../../chain/ledger/all-events.ts'
import { openLedgerPredeploys, predeploys } from '../../../contracts/addresses.ts'
import { AttributorWorld } from '../../fakes/attributor-world.ts'

const timeout = 120_000
const open = 10n ** 18n
/** Far above what the blocks of a test pay in gas. */
const disburseMinimum = 5n * open
const disburseIntervalSeconds = 3_600n

describe('gas fees, by the attributor', { timeout }, () => {
  let world: AttributorWorld
  beforeEach(async () => {
    world = await AttributorWorld.open()
  }, timeout)
  afterEach(() => world.close(), timeout)

  const start = () => world.start({ disburseMinimum, disburseIntervalSeconds })
  const bob = () => world.chain.actor('bob')
  const fill = (amount: bigint) => world.chain.transfer(bob(), predeploys.baseFeeVault, amount)
  const disbursed = () => allEvents(world.chain.rpc, 'FeeSplitter', 'FeesDisbursed')
  /** Lets chain time pass, and has the role see it. */
  const pass = async (seconds: bigint) => {
    world.chain.advance(seconds)
    const { number } = await world.chain.mine()
    await world.until('time is seen', (book) => (book.head?.number ?? 0n) > number + 3n)
  }

  test('are divided once they are worth it, and not again before the interval is over', async () => {
    const { chain } = world
    await chain.send(bob(), 'StakePool', 'stake', [0, bob().address], { value: open })
    await start()
    await fill(disburseMinimum - open)
    await pass(120n)
    expect(await disbursed(), 'less than the minimum').toEqual([])
    await fill(open)
    await world.until('they are divided', async () => (await disbursed()).length === 1)
    const [first] = await disbursed()
    const gross = first?.args['grossRevenue'] as bigint
    expect(gross).toBeGreaterThanOrEqual(disburseMinimum)
    expect(gross, 'beside what blocks paid').toBeLessThan(disburseMinimum + open)
    // A share of a pool is rounded down.
    const claimable = async (...of: readonly unknown[]) => (await chain.read('RoyaltyVault', 'claimable', of)) as bigint
    const [staker, treasury] = [
      await claimable(0, 0n, bob().address),
      await claimable(2, 0n, openLedgerPredeploys.timelock),
    ]
    expect([gross / 2n, gross / 2n - 1n]).toContain(staker)
    expect([gross - gross / 2n, gross - gross / 2n - 1n]).toContain(treasury)
    await fill(disburseMinimum)
    await pass(disburseIntervalSeconds / 2n)
    expect(await disbursed(), 'the interval is not over').toHaveLength(1)
    await pass(disburseIntervalSeconds / 2n)
    await world.until('the second time', async () => (await disbursed()).length === 2)
    expect(world.lines.filter((line) => line.includes('gas fees disbursed')).length).toBe(2)
    expect(world.lines.join('')).not.toContain('failed')
  })

  test('wait for the interval after a restart too, and after a disbursement by somebody else', async () => {
    await fill(disburseMinimum)
    await world.chain.send(bob(), 'FeeSplitter', 'disburseFees')
    await fill(disburseMinimum)
    for (let restarts = 0; restarts < 3; restarts++) {
      await start()
      await pass(disburseIntervalSeconds / 5n)
      await world.stop()
    }
    expect(await disbursed()).toHaveLength(1)
    world.chain.advance(disburseIntervalSeconds)
    await start()
    await world.until('they are divided', async () => (await disbursed()).length === 2)
    expect(await world.nonceOf('attributor')).toBe(1)
  })

  test('are left alone where the minimum is 0', async () => {
    await fill(disburseMinimum)
    await world.start({ disburseMinimum: 0n, disburseIntervalSeconds })
    await pass(2n * disburseIntervalSeconds)
    expect(await disbursed()).toEqual([])
  })
})
