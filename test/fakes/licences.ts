import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import { licenceIdOf } from '../../protocol/licences/spdx.ts'

/** The id on chain of a licence that is on the list. */
export function licence(spdx: string): Hex {
  const id = licenceIdOf(spdx)
  if (id === undefined || id === zeroHash) throw new Error(`no licence ${spdx}`)
  return id
}

/** A licence that clashes with nothing. */
export const permissive = licence('MIT')
