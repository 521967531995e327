import { type Hex, zeroHash } from '../../../protocol/bytes.ts'
import type { Capability, ProofAnnounce, Verdict } from './messages.ts'
import { verdictKinds } from './messages.ts'

/** Largest proof that is pulled: traces of tens of MB pass, and a few of them fit in memory. */
export const proofBytesMax = 64 * 1024 * 1024
const classMax = 5

/** What is wrong with values that a message may hold by its type only; undefined where nothing is. */
export function faultOfProof({ origin, class: proofClass, proofBytes }: ProofAnnounce): string | undefined {
  if (origin > 1) return `origin ${origin}`
  if (proofClass > classMax) return `proof class ${proofClass}`
  return proofBytes === 0 || proofBytes > proofBytesMax ? `a proof of ${proofBytes} bytes` : undefined
}

/** Where a verdict has no place its fields are zero, so that one verdict has one form. */
export function faultOfVerdict({ kind, slab, op, position, part, row }: Verdict): string | undefined {
  if (kind > verdictKinds.withheld) return `verdict ${kind}`
  if (kind === verdictKinds.unit) return undefined
  const hasPlace = slab + op + part + row > 0 || (kind !== verdictKinds.answer && position > 0)
  return hasPlace ? 'a place in a verdict that names no unit' : undefined
}

export function faultOfCapability(offer: Capability): string | undefined {
  const { keyPrefix, port, units, classes } = offer
  if (keyPrefix !== 2 && keyPrefix !== 3) return `key prefix ${keyPrefix}`
  if (port === 0) return 'port 0'
  if (units === 0 || classes === 0 || classes >> (classMax + 1) !== 0) return 'no units, or classes that are none'
  return ascend([offer.model0, offer.model1, offer.model2, offer.model3]) ? undefined : 'models out of order'
}

/** Ascending, and zero words behind the last. */
function ascend(models: readonly Hex[]): boolean {
  const named = models.filter((model) => model !== zeroHash)
  return (
    models.slice(0, named.length).every((model) => model !== zeroHash) &&
    named.every((model, i) => i === 0 || (named[i - 1] ?? '') < model)
  )
}
