import { withFileSource } from '../../inference/check/model-source.ts'
import { SecretPool } from '../../inference/check/pool.ts'
import { FormatError, type Hex } from '../../protocol/bytes.ts'
import { filesOf } from './model-files.ts'

export type PoolTask = { readonly root: Hex; readonly folders: readonly string[]; readonly pools: string }

/** Makes the pool of a model from the first file of the folders that is it; false where none is. Reads all of the weights. */
export async function makePool({ root, folders, pools }: PoolTask): Promise<boolean> {
  for (const path of await filesOf(folders, '.olm')) {
    try {
      await withFileSource(path, (source) => SecretPool.open({ folder: pools, root }, async () => source))
      return true
    } catch (error) {
      // Another model: the pool holds what it reads against the root.
      if (!(error instanceof FormatError)) throw error
    }
  }
  return false
}
