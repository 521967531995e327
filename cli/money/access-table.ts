import { UsageError } from '../../common/errors.ts'
import { asSwitch, asText, oneOf } from '../../common/flag-parsers.ts'
import { bytesToHex, type Hex, hexToBytes, zeroHash } from '../../protocol/bytes.ts'
import { recoverCompactKey } from '../../protocol/compact-signature.ts'
import { wrapKey } from '../../protocol/datanets/sealing.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { type Action, action, type ChainAccess, optional, type Query, query } from './action.ts'
import { addressArg, idArg, nameArg, openArg } from './arg-kinds.ts'
import { readContentKey } from './content-key.ts'
import { asBytes, asUint32, asWhen } from './parsers.ts'
import { RefusedError } from './refused.ts'
import { parameterKeys, versionArg } from './units-args.ts'

/** As DatanetAccess numbers them. */
export const purposes = ['train', 'evaluate', 'read', 'retrieve'] as const

const datanetArg = idArg('the Datanet')
const requestArg = idArg('the request')
const grantArg = idArg('the grant')
const purposeArg = { help: 'what for', value: purposes.join('|'), parse: oneOf(...purposes) }
const reasonArg = { ...nameArg('why'), default: zeroHash }
const scope = {
  datanet: datanetArg,
  purpose: purposeArg,
  first: { help: 'first version', value: 'N', parse: asUint32, default: '1' },
  last: { help: 'last version; absent: all to come', value: 'N', parse: asUint32, default: '4294967295' },
  'public-key': optional({
    help: 'key to which the keys of content are encrypted, 33 bytes; absent: that of your account',
    value: 'HEX',
    parse: asBytes,
  }),
}
const lasts = (text: string): bigint => {
  const when = asWhen(text)
  if (!('afterSeconds' in when)) throw new Error('must be a span of time such as 12h or 30d')
  return when.afterSeconds
}
const durationArg = { help: 'how long it lasts: 12h, 30d', value: 'TIME', parse: lasts }

/** `openledger datanet`: DatanetAccess. */
export const accessTable: Readonly<Record<string, Action | Query>> = {
  offer: action(
    'DatanetAccess',
    'setParameter',
    'Sets what access to your permissioned Datanet costs for a purpose; whoever pays it gets it. Once governed, a vote sets it.',
    {
      datanet: datanetArg,
      purpose: purposeArg,
      price: { ...openArg('the price'), default: '0' },
      lasts: durationArg,
      stands: { help: 'whether the offer stands', value: 'true|false', parse: asSwitch, default: 'true' },
    },
    ({ datanet, purpose, price, lasts, stands }) => ({
      args: [datanet, parameterKeys[`offer-${purpose}`], offerWord(price, lasts, stands)],
    }),
  ),
  buy: action(
    'DatanetAccess',
    'buy',
    'Buys access from the standing offer, at its price, which goes to the unit holders.',
    scope,
    async ({ datanet, purpose, first, last, 'public-key': key }, chain) => {
      const place = purposes.indexOf(purpose)
      const [price] = (await chain.read('DatanetAccess', 'offers', [datanet, place])) as readonly [bigint]
      return { args: [datanet, place, first, last, key ?? ownKey(chain)], value: price }
    },
  ),
  'request-access': action(
    'DatanetAccess',
    'request',
    "Asks a permissioned Datanet's owner for access. What you would pay stands by until it is decided.",
    {
      ...scope,
      lasts: durationArg,
      price: { ...openArg('what you would pay'), default: '0' },
      statement: { ...nameArg('what you want it for'), default: zeroHash },
    },
    ({ datanet, purpose, first, last, lasts, price, statement, 'public-key': key }, chain) => ({
      args: [datanet, purposes.indexOf(purpose), first, last, Number(lasts), key ?? ownKey(chain), statement],
      value: price,
    }),
  ),
  grant: action(
    'DatanetAccess',
    'grant',
    'Grants a request for access to your Datanet, from now on.',
    { request: requestArg },
    ({ request }) => ({
      args: [request],
    }),
  ),
  deny: action(
    'DatanetAccess',
    'deny',
    'Denies a request for access to your Datanet; what was offered goes back.',
    { request: requestArg, reason: reasonArg },
    ({ request, reason }) => ({ args: [request, reason] }),
  ),
  'withdraw-request': action(
    'DatanetAccess',
    'withdrawRequest',
    'Takes your request for access back, and what you offered with it.',
    { request: requestArg },
    ({ request }) => ({ args: [request] }),
  ),
  revoke: action(
    'DatanetAccess',
    'revoke',
    'Ends a grant that was not paid for.',
    { grant: grantArg, reason: reasonArg },
    ({ grant, reason }) => ({ args: [grant, reason] }),
  ),
  'deliver-key': action(
    'DatanetAccess',
    'deliverKey',
    "Gives a grantee the key of a version's content, which it alone can read.",
    {
      grant: grantArg,
      version: { help: 'the version', value: 'N', parse: asUint32 },
      'content-key': { help: 'file of datanet seal with the key, in hex', value: 'FILE', parse: asText },
    },
    async ({ grant, version, 'content-key': path }, chain) => {
      const { allEvents, topicOf } = await import('../../chain/ledger/all-events.ts')
      const [granted] = await allEvents(chain, 'DatanetAccess', 'AccessGranted', [topicOf(grant)])
      if (granted === undefined) throw new RefusedError(`there is no grant ${grant}`)
      const wrapped = wrapKey(readContentKey(path), hexToBytes(granted.args['publicKey'] as Hex))
      return { args: [grant, version, bytesToHex(wrapped)] }
    },
  ),
  'access-refund': action(
    'DatanetAccess',
    'claimRefund',
    'Pays what requests for access that were denied or withdrawn gave back to you.',
    { to: optional(addressArg('who is paid; absent: you')) },
    ({ to }, chain) => ({ args: [to ?? chain.sender()] }),
  ),
  allowed: query(
    'Shows whether somebody may use a version for a purpose now; refused by the reason where not.',
    { version: versionArg, purpose: purposeArg, who: optional(addressArg('who; absent: you')) },
    async ({ version: { datanet, version }, purpose, who: given }, chain) => {
      const who = given ?? chain.sender()
      const asked = [datanet, version, who, purposes.indexOf(purpose)]
      // Where it is not allowed, this reverts with the reason.
      if (!(await chain.read('DatanetAccess', 'allowed', asked)))
        await chain.read('DatanetAccess', 'requireAllowed', asked)
      return { datanet, version, who, purpose, allowed: true }
    },
  ),
}

/** An offer as DatanetAccess reads it. */
export function offerWord(price: bigint, seconds: bigint, stands: boolean): bigint {
  if (seconds >= 1n << 32n) throw new UsageError('--lasts is more than 136 years')
  return price | (seconds << 128n) | ((stands ? 1n : 0n) << 160n)
}

/** The public key of the account that signs, which a signature tells. */
function ownKey(chain: ChainAccess): Hex {
  const digest = keccak256(new TextEncoder().encode('openledger public key'))
  return bytesToHex(recoverCompactKey(digest, chain.sign(digest)))
}
