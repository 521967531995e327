import { type EntryLetter, entryLetters } from '../../protocol/attribution-entry.ts'
import type { Hex } from '../../protocol/bytes.ts'

/** What an epoch credited to a payee, or the part of it that entries of one class earned. */
export type PayoutId = { readonly epoch: bigint; readonly payee: Hex; readonly class?: EntryLetter | undefined }

/** `EPOCH:PAYEE` or `EPOCH:PAYEE:CLASS`. Undefined for anything else. */
export function parsePayoutId(text: string): PayoutId | undefined {
  const found = /^(\d{1,15}):(0x[0-9a-fA-F]{40})(?::([A-Z]))?$/.exec(text)
  if (found === null) return undefined
  const [, epoch = '', payee = '', letter] = found
  const id = { epoch: BigInt(epoch), payee: payee.toLowerCase() as Hex }
  if (letter === undefined) return id
  const kind = entryLetters.find((each) => each === letter)
  return kind && { ...id, class: kind }
}

export function formatPayoutId({ epoch, payee, class: letter }: PayoutId): string {
  return `${epoch}:${payee}${letter === undefined ? '' : `:${letter}`}`
}

/** `BATCH:INDEX` of a receipt. Undefined for anything else. */
export function parseReceiptPlace(text: string): { readonly batchId: bigint; readonly index: number } | undefined {
  const found = /^(\d{1,15}):(\d{1,6})$/.exec(text)
  return found === null ? undefined : { batchId: BigInt(found[1] ?? ''), index: Number(found[2]) }
}
