import { concatBytes } from '../../protocol/bytes.ts'
import { tokenLeaf, tokenLevels, tokensPerLeaf } from '../../protocol/token-list.ts'
import type { Run } from './step.ts'

/** The leaves of tokens `from` … `to` − 1 of a token list, whose odd nodes go up unchanged. docs/MONEY.md §2. */
export function tokenRun(tokens: ArrayLike<number>, from: number, to: number): Run {
  const levels = tokenLevels(tokens)
  const [first, last] = [Math.floor(from / tokensPerLeaf), Math.floor((to - 1) / tokensPerLeaf)]
  const data = concatBytes(...Array.from({ length: last - first + 1 }, (_, i) => tokenLeaf(tokens, first + i).bytes))
  const siblings = levels.slice(0, -1).flatMap((level, height) => {
    const [left, right] = [Math.floor(first / 2 ** height), Math.floor(last / 2 ** height)]
    return [...(left % 2 === 1 ? [level[left - 1]] : []), ...(right % 2 === 0 ? [level[right + 1]] : [])]
  })
  return { first, data, siblings: siblings.filter((sibling) => sibling !== undefined) }
}
