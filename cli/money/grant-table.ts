import { bytesToHex, concatBytes, type Hex, uintBytes, zeroHash } from '../../protocol/bytes.ts'
import { asAddresses } from '../worker/lists.ts'
import { type Action, action, type ChainAccess, optional, type Query, query } from './action.ts'
import { addressArg, hashArg, idArg, openArg, whenArg } from './arg-kinds.ts'
import { asAnyText, asHash, asOpen, asUint32, asWhen, type When } from './parsers.ts'
import { RefusedError } from './refused.ts'
import { Amount, Time } from './values.ts'
import { atTime } from './when.ts'

const grantArg = idArg('the grant')
const milestoneArg = { help: 'number of the milestone, the first is 0', value: 'N', parse: asUint32 }

type Terms = { readonly amount: bigint; readonly deadline: When; readonly schema: Hex; readonly attester: Hex }
type Milestone = {
  readonly terms: Omit<Terms, 'deadline'> & { readonly deadline: bigint }
  readonly state: number
  readonly attestation: Hex
}
const uidArg = hashArg('uid of the attestation')
const states = ['open', 'paid', 'closed'] as const

/** `AMOUNT:DEADLINE:SCHEMA:ATTESTER`, several between commas. */
const asMilestones = (text: string): readonly Terms[] =>
  text.split(',').map((each) => {
    const [amount = '', deadline = '', schema = '', attester = '', ...rest] = each.trim().split(':')
    const [account] = asAddresses(attester)
    if (rest.length > 0 || account === undefined) throw new Error('must be AMOUNT:DEADLINE:SCHEMA:ATTESTER')
    return { amount: asOpen(amount), deadline: asWhen(deadline), schema: asHash(schema), attester: account }
  })

/** `openledger grant`: Grants. docs/GRANTS.md. */
export const grantTable: Readonly<Record<string, Action | Query>> = {
  create: action(
    'Grants',
    'create',
    'Promises a grant, paid milestone by milestone on attestations by EAS; the amount sent along is the first of its money.',
    {
      to: addressArg('the grantee'),
      milestones: {
        help: 'each with its amount, deadline, EAS schema and attester, as 25:90d:0x…:0x…',
        value: 'AMOUNT:DEADLINE:SCHEMA:ATTESTER,…',
        parse: asMilestones,
        many: true,
      },
      amount: { ...openArg('what is sent along'), default: '0' },
      uri: { help: 'where the grant is described', value: 'URI', parse: asAnyText, default: '' },
      'uri-hash': { ...hashArg('keccak256 of what stands there'), default: zeroHash },
    },
    async ({ to, milestones, amount, uri, 'uri-hash': uriHash }, chain) => {
      const terms = await Promise.all(
        milestones.map(async (each) => ({ ...each, deadline: await atTime(each.deadline, chain) })),
      )
      return { args: [to, terms, uri, uriHash], value: amount }
    },
  ),
  fund: action(
    'Grants',
    'fund',
    'Adds to your grant, no more than its open milestones need.',
    { grant: grantArg, amount: openArg('how much') },
    ({ grant, amount }) => ({ args: [grant], value: amount }),
  ),
  release: action(
    'Grants',
    'release',
    'Pays a milestone on its attestation, which names the grant and the milestone; anyone may show it.',
    { grant: grantArg, milestone: milestoneArg, attestation: uidArg },
    ({ grant, milestone, attestation }) => ({ args: [grant, milestone, attestation] }),
  ),
  close: action(
    'Grants',
    'close',
    'Closes a milestone: its grantee at any time, anyone after its deadline and the grace. What is not needed goes back to the funder.',
    { grant: grantArg, milestone: milestoneArg },
    ({ grant, milestone }) => ({ args: [grant, milestone] }),
  ),
  'claim-owed': action(
    'Grants',
    'claimOwed',
    'Pays you what milestones, or closed ones, left you.',
    { to: addressArg('who is paid') },
    ({ to }) => ({ args: [to] }),
  ),
  schema: action(
    'SchemaRegistry',
    'register',
    'Registers the schema that milestones may name, "uint256 grant,uint256 milestone", where nobody did; tells its uid.',
    {},
    async (_, chain) => {
      const { milestoneSchema, schemaCall } = await import('./attestations.ts')
      return schemaCall(milestoneSchema, chain)
    },
  ),
  attest: action(
    'EAS',
    'attest',
    'Attests by EAS that a milestone is reached; its attester alone. What is attested is grant and milestone alone: docs/GRANTS.md.',
    { grant: grantArg, milestone: milestoneArg, expires: optional(whenArg('when it ends; absent: never')) },
    async ({ grant, milestone, expires }, chain) => {
      const { grantee } = (await chain.read('Grants', 'grantOf', [grant])) as { readonly grantee: Hex }
      const all = (await chain.read('Grants', 'milestonesOf', [grant])) as readonly Milestone[]
      const terms = all[milestone]?.terms
      if (terms === undefined) throw new RefusedError(`grant ${grant} has no milestone ${milestone}`)
      if (terms.attester !== chain.sender()) {
        throw new RefusedError(
          `milestone ${milestone} of grant ${grant} is paid on the word of ${terms.attester}, not yours`,
        )
      }
      const { attestCall } = await import('./attestations.ts')
      const data = bytesToHex(concatBytes(uintBytes(grant, 32), uintBytes(BigInt(milestone), 32)))
      return attestCall({ schema: terms.schema, recipient: grantee, expires, data }, chain)
    },
  ),
  'revoke-attestation': action(
    'EAS',
    'revoke',
    'Revokes what you attested to; a milestone that was not paid by then is not paid on it.',
    { attestation: uidArg },
    async ({ attestation }, chain) => (await import('./attestations.ts')).revokeCall(attestation, chain),
  ),
  attestation: query('Shows what an attestation says.', { attestation: uidArg }, async ({ attestation }, chain) =>
    (await import('./attestations.ts')).shownAttestation(attestation, chain),
  ),
  show: query('Shows a grant and its milestones.', { grant: grantArg }, async ({ grant }, chain) => {
    const found = (await chain.read('Grants', 'grantOf', [grant])) as Readonly<Record<string, bigint | Hex>>
    const wei = (name: string) => new Amount(BigInt(found[name] ?? 0))
    return {
      grant,
      funder: found['funder'],
      grantee: found['grantee'],
      open: wei('open'),
      held: wei('held'),
      paid: wei('paid'),
      returned: wei('returned'),
      milestones: await milestonesOf(chain, grant),
    }
  }),
}

async function milestonesOf(chain: ChainAccess, grant: bigint) {
  const all = (await chain.read('Grants', 'milestonesOf', [grant])) as readonly Milestone[]
  return all.map(({ terms, state, attestation }, milestone) => ({
    milestone,
    state: states[state] ?? String(state),
    amount: new Amount(terms.amount),
    deadline: new Time(terms.deadline),
    schema: terms.schema,
    attester: terms.attester,
    ...(attestation === zeroHash ? {} : { attestation }),
  }))
}
