import { UsageError } from '../../common/errors.ts'
import { type Hex, zeroAddress, zeroHash } from '../../protocol/bytes.ts'
import type { ChainAccess, Prepared } from './action.ts'
import type { When } from './parsers.ts'
import { RefusedError } from './refused.ts'
import { Time } from './values.ts'
import { atTime } from './when.ts'

/** Data of an attestation that pays a milestone begin so. docs/GRANTS.md */
export const milestoneSchema = 'uint256 grant,uint256 milestone'

/** Makes a schema known whose attestations can be revoked, without a resolver. Throws RefusedError where it is known. */
export async function schemaCall(text: string, chain: ChainAccess): Promise<Prepared> {
  const uid = await schemaUid(text)
  if ((await schemaText(uid, chain)) !== undefined) {
    throw new RefusedError(`this schema is registered already, its uid is ${uid}`)
  }
  return { args: [text, zeroAddress, true], afterwards: async () => [`schema ${uid}`] }
}

/** Something to attest to; `data`: the bytes, or a JSON list of the values that its schema names. */
export type Attested = {
  readonly schema: Hex
  readonly recipient: Hex
  readonly expires: When | undefined
  readonly data: Hex | { readonly values: string | undefined }
}

/** Throws RefusedError where nobody registered the schema, UsageError for values that are not as it says. */
export async function attestCall(
  { schema, recipient, expires, data }: Attested,
  chain: ChainAccess,
): Promise<Prepared> {
  const text = await schemaText(schema, chain)
  if (text === undefined) throw new RefusedError(`nobody registered the schema ${schema}`)
  const request = {
    ...{ recipient, revocable: true, refUID: zeroHash, value: 0n },
    expirationTime: expires === undefined ? 0n : await atTime(expires, chain),
    data: typeof data === 'string' ? data : await encoded(text, data.values),
  }
  return { args: [{ schema, data: request }] }
}

/** Throws RefusedError where there is no such attestation. */
export async function revokeCall(uid: Hex, chain: ChainAccess): Promise<Prepared> {
  const { schema } = await attestationOf(uid, chain)
  return { args: [{ schema, data: { uid, value: 0n } }] }
}

/** What an attestation says, in words where its schema is known. Throws RefusedError where there is none. */
export async function shownAttestation(uid: Hex, chain: ChainAccess) {
  const { schema, recipient, attester, time, expirationTime, revocationTime, data } = await attestationOf(uid, chain)
  return {
    ...{ attestation: uid, schema, schemaText: await schemaText(schema, chain), recipient, attester },
    made: new Time(time),
    ...(expirationTime === 0n ? {} : { expires: new Time(expirationTime) }),
    ...(revocationTime === 0n ? {} : { revoked: new Time(revocationTime) }),
    data,
  }
}

type Attestation = {
  readonly [name in 'uid' | 'schema' | 'recipient' | 'attester' | 'data']: Hex
} & { readonly [name in 'time' | 'expirationTime' | 'revocationTime']: bigint }

async function attestationOf(uid: Hex, chain: ChainAccess): Promise<Attestation> {
  const found = (await chain.read('EAS', 'getAttestation', [uid])) as Attestation
  if (found.uid !== uid || uid === zeroHash) throw new RefusedError(`there is no attestation ${uid}`)
  return found
}

/** Undefined where nobody registered it. */
async function schemaText(uid: Hex, chain: ChainAccess): Promise<string | undefined> {
  const found = (await chain.read('SchemaRegistry', 'getSchema', [uid])) as {
    readonly uid: Hex
    readonly schema: string
  }
  return found.uid === zeroHash ? undefined : found.schema
}

/** The registry's: keccak of text, resolver and whether it can be revoked, packed. */
async function schemaUid(text: string): Promise<Hex> {
  const { encodePacked } = await import('viem/utils')
  const { keccakHex } = await import('../../protocol/keccak.ts')
  const { hexToBytes } = await import('../../protocol/bytes.ts')
  return keccakHex(hexToBytes(encodePacked(['string', 'address', 'bool'], [text, zeroAddress, true])))
}

async function encoded(schema: string, values: string | undefined): Promise<Hex> {
  if (schema.trim() === '' && values === undefined) return '0x'
  const { encodeAbiParameters, parseAbiParameters } = await import('viem')
  try {
    const fields = parseAbiParameters(schema)
    const list = JSON.parse(values ?? '') as readonly unknown[]
    if (!Array.isArray(list) || list.length !== fields.length) throw new Error(`${fields.length} values`)
    return encodeAbiParameters(
      fields,
      list.map((value, i) => (/^u?int\d*$/.test(fields[i]?.type ?? '') ? BigInt(value as string) : value)),
    )
  } catch (cause) {
    throw new UsageError(`--values must be a JSON list of what the schema names, ${schema}`, { cause })
  }
}
