import { MoneyFuzz } from './money-fuzz.ts'
import { Random } from './random.ts'

/** Every chain begins anew after so many steps, so that its trees stay small. */
const stepsPerChain = 200

/** Random actors on one chain after another, each wound up at its end. */
export class MoneyCampaign {
  /** How often each call ended how. */
  readonly outcomes = new Map<string, number>()
  readonly #random: Random
  done = 0

  static async create(random: Random): Promise<MoneyCampaign> {
    return new MoneyCampaign(random)
  }

  constructor(random: Random) {
    this.#random = random
  }

  async round(): Promise<void> {
    const fuzz = await MoneyFuzz.create(new Random(this.#random.int(2 ** 32)))
    for (let i = 0; i < stepsPerChain; i++) {
      await fuzz.step()
      await fuzz.laws.check()
    }
    await fuzz.finish()
    for (const [how, count] of fuzz.outcomes) {
      this.outcomes.set(how, (this.outcomes.get(how) ?? 0) + count)
      this.done += count
    }
  }
}
