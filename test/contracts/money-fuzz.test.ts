import { expect, test } from 'vitest'
import { MoneyCampaign } from '../fakes/money-campaign.ts'
import { Random } from '../fakes/random.ts'

/** `npm run test:laws` for the full run. */
const calls = Number(process.env['OPENLEDGER_FUZZ'] ?? 500)
const seed = Number(process.env['OPENLEDGER_SEED'] ?? 1)

test(`${calls} calls of random actors break no law, strand nothing and pay nobody twice`, async () => {
  const campaign = await MoneyCampaign.create(new Random(seed))
  while (campaign.done < calls) await campaign.round()
  expect(campaign.done).toBeGreaterThanOrEqual(calls)
}, 3_600_000)
