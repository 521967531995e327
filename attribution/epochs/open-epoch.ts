import { bytesToHex } from '../../protocol/bytes.ts'
import type { EpochHeader } from '../../protocol/payout-epoch.ts'
import { decodeEpochFile } from './epoch-file.ts'
import { creditTree, payoutTree } from './epoch-rows.ts'
import type { Rows } from './epoch-trees.ts'

/** An epoch's rows with their trees. */
export type OpenEpoch = { readonly credits: Rows; readonly payouts: Rows }

/** The same as it leaves a thread: rows, and the trees' levels. */
export type OpenedFile = {
  readonly rows: { readonly credits: Uint8Array; readonly payouts: Uint8Array }
  readonly levels: { readonly credits: readonly Uint8Array[]; readonly payouts: readonly Uint8Array[] }
}

/** Throws DataError for bytes that are no epoch file, FormatError where a sum overflows. */
export function openEpochFile(file: Uint8Array): OpenedFile {
  // Views into the file are sent along with the whole of it; both parts are copied apart once.
  const { credits, payouts } = decodeEpochFile(file)
  const rows = { credits: credits.slice(), payouts: payouts.slice() }
  return { rows, levels: { credits: creditTree(rows.credits).levels, payouts: payoutTree(rows.payouts).levels } }
}

/** True where the rows are what the header's roots commit to. */
export function isOf({ credits, payouts }: OpenEpoch, header: EpochHeader): boolean {
  return bytesToHex(credits.tree.root) === header.creditsRoot && bytesToHex(payouts.tree.root) === header.payoutRoot
}
