import type { Hex } from '../../protocol/bytes.ts'
import type { BatchReceipt } from '../epochs/batch-rows.ts'
import type { Evidence } from '../suffix/evidence.ts'
import { AnswerFileError } from './answer-error.ts'
import { type AnswerFile, decodeAnswerFile } from './answer-file.ts'
import { type ChainDigests, checkL1, checkL2, type L1Anchor } from './check-chain.ts'
import { checkReceipt } from './check-receipt.ts'
import { checkText } from './check-text.ts'
import { checkWords } from './check-words.ts'

/** What the verifier knows beforehand. */
export type Trust = {
  /** Undefined: whoever reads the result compares where the file leads. */
  readonly l1Hash?: Hex | undefined
  readonly oracle?: Hex | undefined
}

export type VerifiedAnswer = {
  readonly file: AnswerFile
  readonly receipt: BatchReceipt
  readonly evidence: Evidence | undefined
  readonly digests: ChainDigests
  readonly l2: { readonly number: bigint; readonly time: bigint }
  readonly l1: L1Anchor
}

/** Checks all of an answer file, with nothing but its bytes. docs/ANSWER-FILE.md. Throws {@link AnswerFileError}. */
export function verifyAnswer(bytes: Uint8Array, { l1Hash, oracle }: Trust = {}): VerifiedAnswer {
  const file = decodeAnswerFile(bytes)
  const receipt = checkReceipt(file)
  const { records, evidence } = checkWords(file, receipt)
  const { block, digests } = checkL2(file, receipt, records)
  checkText(file, receipt, { weightsManifest: digests.weightsManifest, records })
  const l1 = checkL1(file, block)
  if (l1Hash !== undefined && l1.hash !== l1Hash)
    throw new AnswerFileError('l1-hash', `the file leads to L1 block ${l1.hash}, not to ${l1Hash}`)
  if (oracle !== undefined && l1.oracle !== oracle)
    throw new AnswerFileError('oracle', `the file is of the rollup of oracle ${l1.oracle}, not of ${oracle}`)
  return { file, receipt, evidence, digests, l2: { number: block.number, time: block.timestamp }, l1 }
}
