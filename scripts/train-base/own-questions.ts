import { readFileSync } from 'node:fs'
import { ownQuestionsFile } from '../../inference/models/base-model.ts'
import type { Turn } from './document.ts'

/** An answer and ways to ask for it. */
type Fact = readonly [answer: string, ...questions: string[]]

/** How often each of these is seen: few facts that must be known by heart. */
export const ownRepeats = 14

const facts = JSON.parse(readFileSync(ownQuestionsFile, 'utf8')) as readonly Fact[]

/** Greetings, questions on OpenLedger and what surrounds it, and a few that everyone asks; written for this model. */
export function ownQuestions(): Turn[] {
  return facts.flatMap(([answer, ...questions]) => questions.map((question) => ({ question, answer })))
}

/** Sums, differences and products of small numbers. */
export function sums(): Turn[] {
  const numbers = Array.from({ length: 13 }, (_, i) => i)
  return numbers.flatMap((a) =>
    numbers.flatMap((b) => [
      { question: `What is ${a} plus ${b}?`, answer: `${a} plus ${b} is ${a + b}.` },
      { question: `What is ${a} + ${b}?`, answer: `${a} + ${b} = ${a + b}` },
      { question: `What is ${a} times ${b}?`, answer: `${a} times ${b} is ${a * b}.` },
      { question: `What is ${a + b} minus ${b}?`, answer: `${a + b} minus ${b} is ${a}.` },
    ]),
  )
}
