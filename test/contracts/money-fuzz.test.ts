import { expect, test } from 'vitest'
import { MoneyFuzz } from '../fakes/money-fuzz.ts'
import { Random } from '../fakes/random.ts'

/** `OPENLEDGER_FUZZ=100000 npx vitest run test/contracts/money-fuzz.test.ts` for the full run. */
const calls = Number(process.env['OPENLEDGER_FUZZ'] ?? 200)
const seed = Number(process.env['OPENLEDGER_SEED'] ?? 1)
/** Every chain begins anew after so many steps, so that its trees stay small. */
const stepsPerChain = 150

test(`${calls} calls of random actors break no law, strand nothing and pay nobody twice`, async () => {
  let done = 0
  for (let round = 0; done < calls; round++) {
    const fuzz = await MoneyFuzz.create(new Random(seed * 1000 + round))
    for (let i = 0; i < stepsPerChain; i++) {
      await fuzz.step()
      await fuzz.laws.check()
    }
    await fuzz.finish()
    done += [...fuzz.outcomes.values()].reduce((sum, count) => sum + count, 0)
  }
  expect(done).toBeGreaterThanOrEqual(calls)
}, 3_600_000)
