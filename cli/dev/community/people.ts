import { bytesToHex, concatBytes, type Hex } from '../../../protocol/bytes.ts'
import { keccak256 } from '../../../protocol/keccak.ts'
import { privateKeyAddress } from '../../../protocol/secp256k1.ts'

/** Who takes part in the dev chain's community, what each is there, and the OPEN each starts with. */
export const roles = {
  Ana: { role: 'owner', open: 5n },
  Ben: { role: 'contributor', open: 5n },
  Cleo: { role: 'contributor', open: 5n },
  Dan: { role: 'contributor', open: 5n },
  Vera: { role: 'validator', open: 105n },
  Viktor: { role: 'validator', open: 105n },
  Vida: { role: 'validator', open: 105n },
  Rita: { role: 'reader', open: 15n },
} as const

export type Name = keyof typeof roles
export const names = Object.keys(roles) as readonly Name[]
export const validators = names.filter((name) => roles[name].role === 'validator')

export type Person = { readonly name: Name; readonly privateKey: Hex; readonly address: Hex }

/** Their accounts: of this chain and this round of it alone, from a secret of the chain. */
export function peopleOf(secret: Uint8Array): Readonly<Record<Name, Person>> {
  const entries = names.map((name) => {
    const key = keccak256(concatBytes(secret, new TextEncoder().encode(`community ${name}`)))
    return [name, { name, privateKey: bytesToHex(key), address: bytesToHex(privateKeyAddress(key)) }] as const
  })
  return Object.fromEntries(entries) as Record<Name, Person>
}
