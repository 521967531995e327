import type { Hex } from '../../protocol/bytes.ts'
import { type Clash, clashes, clashTexts } from '../../protocol/licences/lattice.ts'
import { spdxOf } from '../../protocol/licences/spdx.ts'
import { nameOfTerms } from '../../protocol/licences/terms.ts'

/** How licences are shown: by unit, as `{licenceId:licence}`. Numbers are those of the LicencePolicy. */
export const licenceUnits: Readonly<Record<string, (value: unknown) => string>> = {
  licence: (value) => spdxOf(value as Hex) ?? asText(value as Hex),
  terms: (value) => nameOfTerms(Number(value)),
  clash: (value) => clashTexts[clashes[Number(value)] as Clash] ?? `clash ${value}`,
  work: (value) => (Number(value) === 0 ? 'Datanet' : 'model'),
}

/** The ASCII that a word begins with; hex where it holds none. */
export function asText(id: Hex): string {
  const name = Buffer.from(id.slice(2), 'hex').toString('latin1').replace(/\0+$/, '')
  return /^[\x21-\x7e]+$/.test(name) ? name : id
}
