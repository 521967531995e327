import { zeroAddress, zeroHash } from '../../protocol/bytes.ts'
import { type Action, action, optional, type Query, query } from './action.ts'
import { addressArg, hashArg, idArg, textArg, whenArg } from './arg-kinds.ts'
import { gateOf } from './gate-of.ts'
import { asAnyText } from './parsers.ts'
import { RefusedError } from './refused.ts'

const uidArg = hashArg('uid of the attestation')

/** `openledger datanet`: credentials that Datanets ask for, made by EAS. docs/DATANETS.md §11. */
export const credentialTable: Readonly<Record<string, Action | Query>> = {
  'credential-schema': action(
    'SchemaRegistry',
    'register',
    'Registers what a credential says, a schema of EAS such as "string profession"; its uid is what a Datanet asks for.',
    { text: textArg('types and names, as Solidity has them, between commas') },
    async ({ text }, chain) => (await import('./attestations.ts')).schemaCall(text, chain),
  ),
  attest: action(
    'EAS',
    'attest',
    'Attests that somebody has the credential that a Datanet asks of its contributors; its attester alone, where it names one.',
    {
      datanet: idArg('the Datanet'),
      who: addressArg('about whom'),
      values: optional({
        help: 'what is said, as the schema names it: a JSON list such as ["physician"]',
        value: 'JSON',
        parse: asAnyText,
      }),
      expires: optional(whenArg('when it ends; absent: never')),
    },
    async ({ datanet, who, values, expires }, chain) => {
      const { schema, attester } = await gateOf(datanet, chain)
      if (schema === zeroHash) throw new RefusedError(`Datanet ${datanet} asks for no credential`)
      if (attester !== zeroAddress && attester !== chain.sender()) {
        throw new RefusedError(`Datanet ${datanet} takes credentials by ${attester}, not yours`)
      }
      const { attestCall } = await import('./attestations.ts')
      return attestCall({ schema, recipient: who, expires, data: { values } }, chain)
    },
  ),
  'revoke-credential': action(
    'EAS',
    'revoke',
    'Revokes a credential that you attested to: from now on it counts no more.',
    { attestation: uidArg },
    async ({ attestation }, chain) => (await import('./attestations.ts')).revokeCall(attestation, chain),
  ),
  credential: query('Shows what an attestation says.', { attestation: uidArg }, async ({ attestation }, chain) =>
    (await import('./attestations.ts')).shownAttestation(attestation, chain),
  ),
}
