import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import { tokenListRoot } from '../../protocol/token-list.ts'

/**
 * Why an answer cannot be explained from its batch's file: undefined where its tokens are those that it commits to. Under v1 nothing is of the
 * prompt.
 */
export function tokensMissing({ receipt, request, prompt, output }: AnswerTokensOf, rule: 1 | 2): string | undefined {
  const isOf = (tokens: Uint32Array, root: Hex) => bytesToHex(tokenListRoot(tokens)) === root
  const lists = [
    ...(isOf(output, receipt.outputRoot) ? [] : ['output']),
    ...(rule === 1 || isOf(prompt, request.promptRoot) ? [] : ['prompt']),
  ]
  if (lists.length === 0) return undefined
  return `the file of its batch has not the tokens of its ${lists.join(' and ')}: whoever asked or answered has them, and a worker shows them on demand while the batch is in its window`
}

type AnswerTokensOf = {
  readonly receipt: { readonly outputRoot: Hex }
  readonly request: { readonly promptRoot: Hex }
  readonly prompt: Uint32Array
  readonly output: Uint32Array
}
