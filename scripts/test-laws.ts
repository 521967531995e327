import { BatchCampaign } from '../test/fakes/batch-campaign.ts'
import { EpochCampaign } from '../test/fakes/epoch-campaign.ts'
import { MoneyCampaign } from '../test/fakes/money-campaign.ts'
import { unmet } from '../test/fakes/money-coverage.ts'
import { moneyContracts } from '../test/fakes/money-fuzz.ts'
import { Random } from '../test/fakes/random.ts'
import { tableOf } from '../test/fakes/tally.ts'

/**
 * The laws of money at length: `npm run test:laws [money] [batches] [epochs]`, all three where none is named. `OPENLEDGER_FUZZ`:
 * calls of the first, a fifth as many batches, a fifth as many epochs; `OPENLEDGER_SEED` repeats a run.
 */
const calls = Number(process.env['OPENLEDGER_FUZZ'] ?? 100_000)
const seed = Number(process.env['OPENLEDGER_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

type Campaign = {
  readonly done: number
  readonly outcomes: ReadonlyMap<string, number>
  round(): Promise<void>
}

const campaigns: Readonly<Record<string, { readonly least: number; create(random: Random): Promise<Campaign> }>> = {
  money: { least: calls, create: (random) => MoneyCampaign.create(random) },
  batches: { least: Math.ceil(calls / 5), create: (random) => BatchCampaign.create(random) },
  epochs: { least: Math.ceil(calls / 5), create: (random) => EpochCampaign.create(random) },
}

const named = process.argv.slice(2)
const outcomes = new Map<string, number>()
/** Ctrl-C ends the campaign and tells what came of it. */
let isStopped = false
process.once('SIGINT', () => {
  isStopped = true
})
for (const [name, { least, create }] of Object.entries(campaigns)) {
  if (isStopped || (named.length > 0 && !named.includes(name))) continue
  const start = process.cpuUsage()
  const seconds = () => {
    const { user, system } = process.cpuUsage(start)
    return `${((user + system) / 1e6).toFixed(0)} s of CPU`
  }
  const campaign = await create(new Random(seed))
  for (let told = 0; campaign.done < least && !isStopped; ) {
    try {
      await campaign.round()
    } catch (error) {
      process.stderr.write(
        `${name}, seed ${seed}, behind ${campaign.done}: ${error instanceof Error ? error.stack : error}\n`,
      )
      process.exit(1)
    }
    if (campaign.done < told + least / 20) continue
    told = campaign.done
    process.stdout.write(`${name}: ${told} of ${least}, ${seconds()}\n`)
  }
  process.stdout.write(`${name}, seed ${seed}: ${campaign.done} in ${seconds()}\n${tableOf(campaign.outcomes)}\n`)
  for (const [how, count] of campaign.outcomes) outcomes.set(how, count)
}
const { functions, errors } = unmet(moneyContracts, outcomes)
process.stdout.write(`never went through: ${functions.join(', ')}\nnever met: ${errors.join(', ')}\n`)
