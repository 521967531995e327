import { errorMessage } from '../../common/errors.ts'
import { readTokenizer } from '../tokenizer/model-tokenizer.ts'
import type { CheckParts } from './check-answer.ts'
import { checkProof, type ProofOutcome, type ReceiptFacts } from './check-proof.ts'
import type { KeptModel } from './kept-model.ts'
import type { SecretPair } from './pair-file.ts'
import { WeightlessPass } from './weightless-pass.ts'

/** To the thread: what to check with, from then on; an answer to check. */
export type ToChecker =
  | { readonly kept: KeptModel; readonly pair: SecretPair }
  | { readonly job: number; readonly facts: ReceiptFacts; readonly file: Uint8Array }

/** An error as it comes out of a thread: its class is lost on the way. */
export type FailedCheck = { readonly name: string; readonly code: string | undefined; readonly message: string }
export type FromChecker = { readonly job: number } & (
  | { readonly done: ProofOutcome }
  | { readonly failed: FailedCheck }
)

/** The thread's side: one model, one pair, answers one after another. */
export class CheckerJobs {
  readonly #tell: (message: FromChecker) => void
  #parts: CheckParts | undefined

  constructor(tell: (message: FromChecker) => void) {
    this.#tell = tell
  }

  take(message: ToChecker): void {
    if ('kept' in message) {
      const { kept, pair } = message
      this.#parts = { kept, pass: new WeightlessPass(kept, pair), text: readTokenizer(kept.tokenizer) }
      return
    }
    const { job, facts, file } = message
    try {
      if (this.#parts === undefined) throw new Error('nothing to check with')
      this.#tell({ job, done: checkProof(this.#parts, facts, file) })
    } catch (error) {
      const { name, code } = error as { readonly name: string; readonly code?: string }
      this.#tell({ job, failed: { name, code, message: errorMessage(error) } })
    }
  }
}
