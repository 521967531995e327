import type { QueryContext } from './context.ts'
import { queryError } from './query-error.ts'

export type BlockInput = { readonly number?: number | null; readonly hash?: string | null }
/** Arguments of a field that answers as of a block. */
export type AtBlock = { readonly block?: BlockInput | null | undefined }

/**
 * The block number of a `block` argument; undefined: the newest. A hash that a reorg removed has its own error, never
 * the new block. Throws BAD_INPUT, BLOCK_REORGED or BLOCK_NOT_INDEXED.
 */
export function atBlock({ block }: AtBlock, { store }: QueryContext): number | undefined {
  if (block === null || block === undefined) return undefined
  const { number, hash } = block
  const hasNumber = typeof number === 'number'
  if (hasNumber === (typeof hash === 'string')) throw queryError('BAD_INPUT', 'block needs either number or hash')
  if (!hasNumber) {
    const found = store.get('select number from block where hash = ?', hash ?? '')
    if (found === undefined) throw queryError('BLOCK_REORGED', `block ${hash} is not on the indexed chain`)
    return Number(found['number'])
  }
  const head = store.cursor()?.number ?? -1
  if (number < 0 || number > head)
    throw queryError('BLOCK_NOT_INDEXED', `block ${number} is not indexed; the index is at ${head}`)
  return number
}
