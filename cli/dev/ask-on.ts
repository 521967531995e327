import { errorMessage } from '../../common/errors.ts'
import { ask, questions } from './ask.ts'
import { askAndCheck, explained, paid, type RoundParts } from './round.ts'
import { answersTable, earningsTable, wordsTable } from './round-tables.ts'
import type { StatusScreen } from './screen.ts'

/** Between two questions after the first round. */
const pauseMs = 30_000

/**
 * Asks all questions and shows who checked the answers, who was paid for them and for which words, then one question now and then, until the signal.
 * `fillUp`: sees that the payer can pay.
 */
export async function keepAsking(
  parts: RoundParts,
  { screen, fillUp }: { readonly screen: StatusScreen; readonly fillUp: () => Promise<void> },
): Promise<void> {
  const { clock, signal, log } = parts
  const tried = async (what: () => Promise<void>) => {
    await what().catch((error: unknown) => {
      if (!signal.aborted) log.warn('a question came to nothing', { error: errorMessage(error) })
    })
  }
  await tried(async () => {
    const answers = await askAndCheck(parts)
    for (const line of answersTable(answers)) screen.write(line)
    const earnings = await paid(answers, parts)
    for (const line of earningsTable(earnings)) screen.write(line)
    for (const line of wordsTable(answers, await explained(answers, earnings, parts))) screen.write(line)
  })
  for (let i = 0; !signal.aborted; i++) {
    await clock.sleep(pauseMs, signal)
    const question = questions[i % questions.length] ?? questions[0]
    if (signal.aborted) return
    await tried(async () => {
      await fillUp()
      await ask(parts.endpoint, question, parts)
    })
  }
}
