import { bytesToHex, type Hex, zeroHash } from '../bytes.ts'
import { parseTerms, type Terms } from './terms.ts'

/**
 * What the licences of the SPDX list 3.28 ask, of those whose terms the four words can say, read one by one. A notice that
 * has to stay with the work is BY; copyleft of any strength is SA. Not here: licences that forbid fields of use, change with
 * time or keep parts unchangeable; who wants one defines its terms. docs/LICENCES.md
 */
const reviewed: Readonly<Record<string, readonly string[]>> = {
  none: words(
    '0BSD CC-PDDC CC-PDM-1.0 CC0-1.0 DL-DE-ZERO-2.0 MIT-0 NCBI-PD NIST-PD NTIA-PD PDDL-1.0 SAX-PD Unlicense WTFPL blessing',
  ),
  BY: words(
    'CC-BY-1.0 CC-BY-2.0 CC-BY-2.5 CC-BY-2.5-AU CC-BY-3.0 CC-BY-3.0-AT CC-BY-3.0-AU CC-BY-3.0-DE CC-BY-3.0-IGO CC-BY-3.0-NL CC-BY-3.0-US CC-BY-4.0',
    'CDLA-Permissive-1.0 CDLA-Permissive-2.0 DL-DE-BY-2.0 NLOD-1.0 NLOD-2.0 O-UDA-1.0 ODC-By-1.0 OGDL-Taiwan-1.0 OGL-Canada-2.0 OGL-UK-1.0 OGL-UK-2.0 OGL-UK-3.0 OPL-UK-3.0 OpenMDW-1.0 etalab-2.0',
    'AFL-3.0 Apache-1.1 Apache-2.0 Artistic-2.0 BSD-1-Clause BSD-2-Clause BSD-2-Clause-Patent BSD-3-Clause BSD-3-Clause-Clear BSD-4-Clause BSL-1.0 BlueOak-1.0.0 CECILL-B ECL-2.0 EFL-2.0 FSFAP Fair FreeBSD-DOC HPND ICU ISC LiLiQ-P-1.1 Libpng MIT MIT-CMU MulanPSL-2.0 NCSA NTP OLDAP-2.8 OpenSSL PHP-3.01 PSF-2.0 PostgreSQL Python-2.0 Ruby TCL UPL-1.0 Unicode-3.0 Unicode-DFS-2016 W3C W3C-20150513 WordNet X11 Xnet ZPL-2.1 Zlib bzip2-1.0.6 curl libpng-2.0',
  ),
  'BY-SA': words(
    'CC-BY-SA-1.0 CC-BY-SA-2.0 CC-BY-SA-2.0-UK CC-BY-SA-2.1-JP CC-BY-SA-2.5 CC-BY-SA-3.0 CC-BY-SA-3.0-AT CC-BY-SA-3.0-DE CC-BY-SA-3.0-IGO CC-BY-SA-4.0',
    'CDLA-Sharing-1.0 LGPLLR ODbL-1.0',
    'AGPL-1.0 AGPL-1.0-only AGPL-1.0-or-later AGPL-3.0 AGPL-3.0-only AGPL-3.0-or-later GPL-1.0 GPL-1.0+ GPL-1.0-only GPL-1.0-or-later GPL-2.0 GPL-2.0+ GPL-2.0-only GPL-2.0-or-later GPL-3.0 GPL-3.0+ GPL-3.0-only GPL-3.0-or-later LGPL-2.0 LGPL-2.0+ LGPL-2.0-only LGPL-2.0-or-later LGPL-2.1 LGPL-2.1+ LGPL-2.1-only LGPL-2.1-or-later LGPL-3.0 LGPL-3.0+ LGPL-3.0-only LGPL-3.0-or-later',
    'GFDL-1.1-no-invariants-only GFDL-1.1-no-invariants-or-later GFDL-1.2-no-invariants-only GFDL-1.2-no-invariants-or-later GFDL-1.3-no-invariants-only GFDL-1.3-no-invariants-or-later',
    'CDDL-1.0 CDDL-1.1 CECILL-2.1 CECILL-C CERN-OHL-S-2.0 CERN-OHL-W-2.0 CPL-1.0 EPL-1.0 EPL-2.0 EUPL-1.1 EUPL-1.2 IPL-1.0 LAL-1.2 LAL-1.3 LiLiQ-R-1.1 LiLiQ-Rplus-1.1 MPL-1.1 MPL-2.0 MS-RL OSL-3.0 Parity-7.0.0 RPL-1.5 Sleepycat copyleft-next-0.3.1',
  ),
  SA: words('CC-SA-1.0'),
  'BY-NC': words(
    'CC-BY-NC-1.0 CC-BY-NC-2.0 CC-BY-NC-2.5 CC-BY-NC-3.0 CC-BY-NC-3.0-DE CC-BY-NC-4.0 NCGL-UK-2.0 PolyForm-Noncommercial-1.0.0',
  ),
  'BY-NC-SA': words(
    'CC-BY-NC-SA-1.0 CC-BY-NC-SA-2.0 CC-BY-NC-SA-2.0-DE CC-BY-NC-SA-2.0-FR CC-BY-NC-SA-2.0-UK CC-BY-NC-SA-2.5 CC-BY-NC-SA-3.0 CC-BY-NC-SA-3.0-DE CC-BY-NC-SA-3.0-IGO CC-BY-NC-SA-4.0',
  ),
  'BY-ND': words('CC-BY-ND-1.0 CC-BY-ND-2.0 CC-BY-ND-2.5 CC-BY-ND-3.0 CC-BY-ND-3.0-DE CC-BY-ND-4.0'),
  'BY-NC-ND': words(
    'CC-BY-NC-ND-1.0 CC-BY-NC-ND-2.0 CC-BY-NC-ND-2.5 CC-BY-NC-ND-3.0 CC-BY-NC-ND-3.0-DE CC-BY-NC-ND-3.0-IGO CC-BY-NC-ND-4.0',
  ),
}

/** Terms by SPDX identifier: the list that genesis gives the LicencePolicy. */
export const spdxTerms: ReadonlyMap<string, Terms> = new Map(
  Object.entries(reviewed).flatMap(([name, ids]) => {
    const terms = parseTerms(name)
    if (terms === undefined) throw new Error(`no terms: ${name}`)
    return ids.map((id) => [id, terms] as const)
  }),
)

/** The id on chain of an SPDX identifier: its ASCII, left-aligned. Undefined where it does not fit or is not ASCII. */
export function licenceIdOf(spdx: string): Hex | undefined {
  if (!/^[\x21-\x7e]{1,32}$/.test(spdx)) return undefined
  return bytesToHex(new TextEncoder().encode(spdx)).padEnd(zeroHash.length, '0') as Hex
}

const byId: ReadonlyMap<Hex, string> = new Map(
  [...spdxTerms.keys()].map((spdx) => [licenceIdOf(spdx) ?? zeroHash, spdx]),
)

/** The listed identifier that stands behind an id on chain. */
export function spdxOf(licenceId: Hex): string | undefined {
  return byId.get(licenceId)
}

function words(...lines: readonly string[]): string[] {
  return lines.flatMap((line) => line.split(' '))
}
