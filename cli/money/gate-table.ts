import { oneOf } from '../../common/flag-parsers.ts'
import { zeroAddress, zeroHash } from '../../protocol/bytes.ts'
import { type Action, action, type ChainAccess, optional, type Query, query } from './action.ts'
import { addressArg, hashArg, idArg } from './arg-kinds.ts'
import { gateOf } from './gate-of.ts'
import { parameterKeys, parameterValueArg } from './units-args.ts'

const datanetArg = idArg('the Datanet')
const whoArg = optional(addressArg('whose; absent: yours'))
const asked = ['credential', 'attester', 'reputation'] as const

/** `openledger datanet`: what a Datanet asks of who contributes. docs/DATANETS.md §11. */
export const gateTable: Readonly<Record<string, Action | Query>> = {
  gate: action(
    'DatanetAccess',
    'setParameter',
    'Asks something of who contributes to your Datanet, or with 0 no more: a credential by EAS of a schema, by an attester, a least reputation. Once governed, a vote sets it.',
    {
      datanet: datanetArg,
      asks: { help: 'for what', value: asked.join('|'), parse: oneOf(...asked) },
      value: {
        ...parameterValueArg,
        help: "uid of the credential's schema, address of its attester (0: anybody), or least reputation, 1 to 65536",
        value: 'HASH|ADDRESS|N',
        parse: (text: string): bigint =>
          /^0x[0-9a-fA-F]{40}$/.test(text) ? BigInt(text) : parameterValueArg.parse(text),
      },
    },
    ({ datanet, asks, value }) => ({ args: [datanet, parameterKeys[`gate-${asks}`], value] }),
  ),
  'show-credential': action(
    'DatanetAccess',
    'showCredential',
    'Shows the attestation that a Datanet asks of a contributor, once; anyone may. It counts for as long as it stands.',
    { datanet: datanetArg, who: whoArg, attestation: hashArg('uid of the attestation') },
    ({ datanet, who, attestation }, chain) => ({ args: [datanet, who ?? chain.sender(), attestation] }),
  ),
  'may-contribute': query(
    'Shows what a Datanet asks of who contributes, and that somebody has it; refused by the reason where not.',
    { datanet: datanetArg, who: whoArg },
    async ({ datanet, who: given }, chain) => {
      const who = given ?? chain.sender()
      const gate = await asksOf(datanet, chain)
      // Where something is missing, this reverts with the reason.
      if (!(await chain.read('DatanetAccess', 'mayContribute', [datanet, who])))
        await chain.read('DatanetAccess', 'requireContributor', [datanet, who])
      const uid = await chain.read('DatanetAccess', 'credentialOf', [datanet, who])
      const reputation = await chain.read('DatanetAccess', 'reputationOf', [datanet, who])
      return { datanet, who, ...gate, attestation: uid === zeroHash ? undefined : uid, reputation, may: true }
    },
  ),
}

async function asksOf(datanet: bigint, chain: ChainAccess) {
  const { schema, attester, leastReputation } = await gateOf(datanet, chain)
  const isAsked = schema !== zeroHash
  return {
    schema: isAsked ? schema : undefined,
    attester: isAsked && attester !== zeroAddress ? attester : undefined,
    leastReputation,
  }
}
