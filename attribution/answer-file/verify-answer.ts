import type { Hex } from '../../protocol/bytes.ts'
import type { Header } from '../../protocol/header.ts'
import type { BatchReceipt } from '../epochs/batch-rows.ts'
import type { Evidence } from '../suffix/evidence.ts'
import { AnswerFileError } from './answer-error.ts'
import { type AnswerFile, decodeAnswerFile } from './answer-file.ts'
import { type ChainDigests, checkL1, checkL2, type L1Anchor } from './check-chain.ts'
import { checkFacts, questionOf } from './check-facts.ts'
import { checkReceipt } from './check-receipt.ts'
import { type CheckedInfluences, checkSharesV2 } from './check-shares-v2.ts'
import { checkText } from './check-text.ts'
import { checkWords } from './check-words.ts'
import { type CheckedWordsV2, checkWordsV2 } from './check-words-v2.ts'
import type { RuleFacts } from './rule-facts.ts'

/** What the verifier knows beforehand. */
export type Trust = {
  /** Undefined: whoever reads the result compares where the file leads. */
  readonly l1Hash?: Hex | undefined
  readonly oracle?: Hex | undefined
}

/** What a file shows of an answer under algoHash v2, beside its spans. */
export type VerifiedRule = {
  readonly parts: CheckedWordsV2['parts']
  readonly citations: CheckedWordsV2['citations']
  readonly facts: RuleFacts
  /** Undefined where no table of influences was in force. */
  readonly influences: CheckedInfluences | undefined
}

export type VerifiedAnswer = {
  readonly file: AnswerFile
  readonly receipt: BatchReceipt
  readonly evidence: Evidence | undefined
  readonly digests: ChainDigests
  /** Undefined under algoHash v1. */
  readonly v2: VerifiedRule | undefined
  readonly l2: { readonly number: bigint; readonly time: bigint }
  readonly l1: L1Anchor
}

/** Checks all of an answer file, with nothing but its bytes. docs/ANSWER-FILE.md. Throws {@link AnswerFileError}. */
export function verifyAnswer(bytes: Uint8Array, { l1Hash, oracle }: Trust = {}): VerifiedAnswer {
  const file = decodeAnswerFile(bytes)
  const receipt = checkReceipt(file)
  const words = file.v2 && checkWordsV2(file, file.v2, receipt)
  const { records, evidence } = words ?? checkWords(file, receipt)
  const { block, digests } = checkL2(file, receipt, records)
  const v2 = words && checkRule(file, words, receipt, block, digests)
  checkText(file, receipt, { weightsManifest: digests.weightsManifest, records })
  const l1 = checkL1(file, block)
  if (l1Hash !== undefined && l1.hash !== l1Hash)
    throw new AnswerFileError('l1-hash', `the file leads to L1 block ${l1.hash}, not to ${l1Hash}`)
  if (oracle !== undefined && l1.oracle !== oracle)
    throw new AnswerFileError('oracle', `the file is of the rollup of oracle ${l1.oracle}, not of ${oracle}`)
  return { file, receipt, evidence, digests, v2, l2: { number: block.number, time: block.timestamp }, l1 }
}

/** What stands under algoHash v2 alone, by what the L2 block's state says. */
function checkRule(
  { v2, batch }: AnswerFile,
  words: CheckedWordsV2,
  receipt: BatchReceipt,
  { stateRoot }: Pick<Header, 'stateRoot'>,
  { weightsManifest }: ChainDigests,
): VerifiedRule | undefined {
  if (v2 === undefined) return undefined
  const facts = checkFacts(v2.facts, stateRoot, questionOf(words, receipt, batch.header.committedAt))
  const influences = checkSharesV2(v2, words, receipt, facts, weightsManifest)
  return { parts: words.parts, citations: words.citations, facts, influences }
}
