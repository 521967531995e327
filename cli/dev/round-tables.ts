import type { Hex } from '../../protocol/bytes.ts'
import { knownAccounts } from './accounts.ts'
import type { Earning } from './payments.ts'
import type { Round } from './round.ts'
import { table } from './table.ts'
import type { PaidWords } from './words.ts'

/** Characters of a text in a table. */
const textMax = 60

/** Question, answer, fee, and who found it right. */
export function answersTable(answers: Round['answers']): string[] {
  const rows = answers.map(({ answer, verdicts }) => [
    answer.question,
    short(answer.text),
    inOpen(answer.fee),
    verdicts.map(({ node, hasWeights }) => `${node} (${hasWeights ? 'weights' : 'no weights'})`).join(', '),
  ])
  return table(['question', 'answer', 'fee, OPEN', 'found right by'], rows)
}

/** Who earned what, and why: the largest first. */
export function earningsTable(earnings: readonly Earning[]): string[] {
  const rows = earnings.map((each) => [inOpen(each.amount), each.payee, String(each.answers), reasonOf(each)])
  return table(['earned, OPEN', 'payee', 'answers', 'why'], rows)
}

/** For which words of the answers the largest earners are paid. */
export function wordsTable(answers: Round['answers'], words: readonly PaidWords[]): string[] {
  if (words.length === 0) return []
  const questions = new Map(answers.map(({ answer }) => [answer.requestId, answer.question]))
  const rows = words.map(({ requestId, payee, text, contributions }) => [
    questions.get(requestId) ?? requestId,
    `“${short(text ?? '')}”`,
    contributions.join(', '),
    payee,
  ])
  return table(['question', 'words of the answer', 'of contribution', 'payee'], rows)
}

function reasonOf({ class: kind, id, payee, contribution, datanet }: Earning): string {
  switch (kind) {
    case 'W':
      return 'W: the worker that answered'
    case 'M':
      return `M: the model's lineage, row ${id}${nameOf(payee)}`
    case 'A':
      return 'A: the app that asked'
    case 'U':
      return `U: unit holders of Datanet ${datanet}, for what no text is found for`
    default:
      return `${kind}: contribution ${id} to Datanet ${datanet}, “${short(contribution?.preview ?? '')}”`
  }
}

function nameOf(payee: Hex): string {
  if (payee === knownAccounts.trainer.address) return ', who trained the float original'
  return payee === knownAccounts.converter.address ? ', who made whole numbers of it' : ''
}

function short(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return line.length > textMax ? `${line.slice(0, textMax - 1)}…` : line
}

/** wei in OPEN, to a millionth. */
function inOpen(wei: bigint): string {
  return (Number(wei / 10n ** 12n) / 1e6).toFixed(6)
}
