import { readFileSync } from 'node:fs'
import { errorMessage, UsageError } from '../../common/errors.ts'
import { asCount, asText } from '../../common/flag-parsers.ts'
import { Allotment, parseShares } from '../../protocol/datanets/allotment.ts'
import { asHash, asUint32, asUint64, asUint128, asUint256 } from './parsers.ts'

/** A Datanet's version, `7.2`. */
export type VersionRef = { readonly datanet: bigint; readonly version: number }

export const asVersionRef = (text: string): VersionRef => {
  const [datanet = '', version = '', ...rest] = text.split('.')
  if (rest.length > 0 || version === '') throw new Error('must be a Datanet and its version such as 7.2')
  return { datanet: asUint64(datanet), version: asUint32(version) }
}

/** The id of a version's units. */
export const unitsId = ({ datanet, version }: VersionRef): bigint => (datanet << 32n) | BigInt(version)

export const versionArg = { help: 'Datanet and version, as 7.2', value: 'ID.VERSION', parse: asVersionRef }
export const amountArg = { help: 'how many', value: 'N', parse: asUint128 }

export const allotmentArg = {
  help: 'file of lines ADDRESS,UNITS: whose units a version makes',
  value: 'FILE',
  parse: asText,
}

export function readAllotment(path: string): Allotment {
  try {
    return new Allotment(parseShares(readFileSync(path, 'utf8')))
  } catch (cause) {
    throw new UsageError(`--allotment ${path} cannot be used: ${errorMessage(cause)}`)
  }
}

/** Parameters of a Datanet by name: of DatanetRegistry, of its votes, of access to it. docs/DATANETS.md. */
export const parameterKeys = {
  bond: 1,
  admission: 2,
  'veto-window': 3,
  status: 4,
  meta: 5,
  policy: 6,
  'daily-bytes': 7,
  'near-duplicate': 8,
  'label-share': 10,
  'vote-period': 0x40,
  'vote-quorum': 0x41,
  'vote-threshold': 0x42,
  'offer-train': 0x50,
  'offer-evaluate': 0x51,
  'offer-read': 0x52,
  'offer-retrieve': 0x53,
  'gate-credential': 0x58,
  'gate-attester': 0x59,
  'gate-reputation': 0x5a,
} as const

export const asParameterKey = (text: string): number => {
  const known = parameterKeys[text as keyof typeof parameterKeys]
  if (known !== undefined) return known
  if (!/^\d+$/.test(text) || asCount(text) > 0xff)
    throw new Error(`must be one of ${Object.keys(parameterKeys).join(', ')}`)
  return asCount(text)
}

export const parameterArg = {
  help: `which parameter: ${Object.keys(parameterKeys).join(', ')}, or its number`,
  value: 'NAME',
  parse: asParameterKey,
}
export const parameterValueArg = {
  help: 'its value: a number, or a hash',
  value: 'N|HASH',
  parse: (text: string): bigint => (text.startsWith('0x') ? BigInt(asHash(text)) : asUint256(text)),
}
