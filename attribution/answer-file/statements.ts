import { isSealed, privateClass } from '../../protocol/private-tokens.ts'
import { type AtHandChecks, nothingAtHand } from './check-at-hand.ts'
import type { VerifiedAnswer } from './verify-answer.ts'

/** What a file says and does not show, and what it rests on instead. */
export type OpenStatement = { readonly statement: string; readonly restsOn: string }

const challenges = 'challenges, open in the window of the batch'

/** What is shown of why the contributors' entries are what they are, by the file and by what was at hand. */
export function shownStatements(verified: VerifiedAnswer, atHand = nothingAtHand): readonly string[] {
  const open = openStatements(verified)
  const left = new Set(openStatements(verified, atHand).map(({ statement }) => statement))
  return [...byFile(verified), ...open.map(({ statement }) => statement).filter((each) => !left.has(each))]
}

function byFile({ evidence, v2 }: VerifiedAnswer): readonly string[] {
  const words =
    evidence === undefined
      ? []
      : [
          'every span stands where it is said to and nowhere else in the indexes, and is maximal',
          'the scores of tokens',
        ]
  if (v2 === undefined) return [...words, ...(evidence === undefined ? [] : ['the weights of classes S and U'])]
  const { influences, citations } = v2
  return [
    ...words,
    'the rule was in force, and whether an index was dead, when the batch was committed',
    ...(evidence === undefined ? [] : ['which contributions are near-duplicates, by the signatures on chain']),
    ...(citations.length === 0 ? [] : ['every quotation of the prompt, and that its contribution is the smallest']),
    ...(influences === undefined
      ? ['no table of influences was in force']
      : ['the table of influences in force, its head, and the product of every row that has an entry']),
    ...(influences?.isByRule === true
      ? ['the query is zeros, as it must be without tokens that anybody can read']
      : []),
    evidence === undefined ? 'the weights of class G' : 'the weights of classes S, G, R and U',
  ]
}

/** What of a verified file is for others, who could have voided the receipt, or for nobody. docs/ANSWER-FILE.md §3. */
export function openStatements(
  verified: VerifiedAnswer,
  { words, gradient }: AtHandChecks = nothingAtHand,
): readonly OpenStatement[] {
  const { receipt: one, evidence, v2 } = verified
  return [
    ofModel(one.receipt.class),
    ...(isSealed(one.prompt) ? [sealed] : []),
    { statement: 'payees, prices and shares were those in force', restsOn: challenges },
    ...ofDeath(verified),
    ...(words ? [] : ofWords(verified)),
    ...(v2?.influences === undefined ? [] : ofInfluences(v2.influences.isByRule || gradient)),
    ...(evidence === undefined ? [ofUnits] : []),
  ]
}

const sealed: OpenStatement = {
  statement: 'what was asked and answered',
  restsOn: 'payer and worker, who can unseal it',
}

const ofUnits: OpenStatement = {
  statement: 'how the Datanets that the model was trained on share class U',
  restsOn: 'the model’s registration, which whoever follows the chain compares',
}

function ofModel(proofClass: number): OpenStatement {
  const statement = 'the tokens are what the model makes of the prompt'
  const ofClass = `the checks of proof class ${proofClass}, and its ${challenges}`
  return { statement, restsOn: proofClass === privateClass ? 'the signature and the stake of the worker' : ofClass }
}

/** Under v1 nothing in the file says whether an index was dead. */
function ofDeath({ receipt: one, evidence, v2 }: VerifiedAnswer): readonly OpenStatement[] {
  const isSaid = v2 === undefined && evidence?.scores.length === 0 && one.output.length > 0
  return isSaid ? [{ statement: 'an index of the model was dead', restsOn: challenges }] : []
}

function ofWords({ receipt: one, evidence, v2 }: VerifiedAnswer): readonly OpenStatement[] {
  if (evidence === undefined || (evidence.scores.length === 0 && one.output.length > 0)) return []
  const spans = { statement: 'no better span was left out', restsOn: `omittedSpan, of the ${challenges}` }
  return v2 === undefined ? [spans] : [spans, quotations]
}

const quotations: OpenStatement = {
  statement: 'no quotation of the prompt was left out',
  restsOn: `omittedCitation, of the ${challenges}`,
}

/** `isKnown`: the rule says what the query is, or it was computed again. */
function ofInfluences(isKnown: boolean): readonly OpenStatement[] {
  const training = {
    statement: 'the table is what training makes',
    restsOn: 'nothing on chain; whoever has the record trains again',
  }
  if (isKnown) return [training]
  return [
    {
      statement: 'the query is the gradient of this answer, which takes model and adapter to compute',
      restsOn: 'questionQuery, five checkers in the window of the batch',
    },
    { statement: 'no row with a larger product was left out', restsOn: `omittedScore, of the ${challenges}` },
    training,
  ]
}
