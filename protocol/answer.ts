import type { Hex } from './bytes.ts'
import { hashStruct, type StructTypes } from './eip712.ts'

/** What a worker signs of its output; two final ones of one request with different roots are equivocation. docs/MONEY.md §2. */
export type Answer = { readonly requestId: Hex; readonly outputRoot: Hex; readonly final: boolean }

export const answerTypes: StructTypes = {
  Answer: [
    ['requestId', 'bytes32'],
    ['outputRoot', 'bytes32'],
    ['final', 'bool'],
  ],
}

export function answerStructHash(answer: Answer): Uint8Array {
  return hashStruct(answerTypes, 'Answer', answer)
}
