import { expect, test } from 'vitest'
import { BatchCampaign } from '../fakes/batch-campaign.ts'
import { Random } from '../fakes/random.ts'

/** `npm run test:laws` for the full run. */
const spoilt = Math.ceil(Number(process.env['OPENLEDGER_FUZZ'] ?? 500) / 10)
const seed = Number(process.env['OPENLEDGER_SEED'] ?? 1)

test(`of ${spoilt} spoilt batches each is refused, found and proven wrong, or right; no honest one is challengeable`, async () => {
  const campaign = await BatchCampaign.create(new Random(seed))
  while (campaign.done < spoilt) await campaign.round()
  const kinds = [...campaign.outcomes.keys()]
  expect(kinds.some((kind) => kind.startsWith('challenged'))).toBe(true)
  expect(kinds.some((kind) => kind.startsWith('refused'))).toBe(true)
  expect(campaign.honest).toBeGreaterThan(0)
}, 600_000)
