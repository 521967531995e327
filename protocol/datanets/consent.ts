import { FormatError } from '../bytes.ts'

/** Purposes of ERC-7517's dataMiningPreference, in the order of their bits. */
export const purposes = [
  'dataMining',
  'aiInference',
  'aiTraining',
  'aiGenerativeTraining',
  'aiTrainingWithAuthorship',
  'aiGenerativeTrainingWithAuthorship',
] as const
export type Purpose = (typeof purposes)[number]

/** What may be said of a purpose, as its two bits count. */
export const permissions = ['unspecified', 'notAllowed', 'constrained', 'allowed'] as const
export type Permission = (typeof permissions)[number]

export type Consent = Readonly<Partial<Record<Purpose, Permission>>>

/** Everything allowed. */
export const consentAll = 0x0fff

/** Purpose i in bits 2i and 2i + 1; what is not said is unspecified. */
export function encodeConsent(consent: Consent): number {
  return purposes.reduce(
    (mask, purpose, i) => mask | (permissions.indexOf(consent[purpose] ?? 'unspecified') << (2 * i)),
    0,
  )
}

/** Throws FormatError for a mask of more than 12 bits. */
export function decodeConsent(mask: number): Readonly<Record<Purpose, Permission>> {
  if (!Number.isInteger(mask) || mask < 0 || mask > consentAll) throw new FormatError(`consent ${mask}`)
  const entries = purposes.map((purpose, i) => [purpose, permissions[(mask >> (2 * i)) & 3]])
  return Object.fromEntries(entries) as Record<Purpose, Permission>
}

/** Whether a version may hold it: its author did not refuse training. Of a mask of more than 12 bits, the same. */
export function allowsTraining(mask: number): boolean {
  return permissions[(mask >> (2 * purposes.indexOf('aiTraining'))) & 3] !== 'notAllowed'
}
