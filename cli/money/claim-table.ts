import { asSwitch } from '../../common/flag-parsers.ts'
import { payeePools, poolPayee } from '../../protocol/attribution-entry.ts'
import { zeroAddress } from '../../protocol/bytes.ts'
import { type Action, action, optional, type Query } from './action.ts'
import { addressArg, idArg, openArg, poolArg, textArg } from './arg-kinds.ts'
import { claimStatus } from './claim-queries.ts'
import { contentArgs } from './content-places.ts'
import { asAddresses, type PoolRef } from './parsers.ts'
import { poolClaimsOf } from './pool-proofs.ts'
import { proofArgs, proofOf, proofsOf } from './proofs.ts'
import { RefusedError } from './refused.ts'

const codeArg = textArg('the app code, 1 to 32 of a-z, 0-9 and _')
const yesNo = (help: string) => ({ help, value: 'true|false', parse: asSwitch })

const payeeOf = ({ kind, id }: PoolRef) => poolPayee(kind satisfies (typeof payeePools)[keyof typeof payeePools], id)

/** `openledger claim`: RoyaltyVault, and where earnings go: DatanetRegistry, CodeRegistry. */
export const claimTable: Readonly<Record<string, Action | Query>> = {
  mine: action(
    'RoyaltyVault',
    'claim',
    'Pays what final epochs owe you beyond what you were paid, to your recipient.',
    proofArgs,
    async (values, chain) => ({ args: [await proofOf(chain.sender(), values, chain)] }),
  ),
  for: action(
    'RoyaltyVault',
    'claimFor',
    'Claims for another payee; the money goes to its recipient.',
    { payee: addressArg('who is owed'), ...proofArgs },
    async ({ payee, ...values }, chain) => ({ args: [payee, await proofOf(payee, values, chain)] }),
  ),
  many: action(
    'RoyaltyVault',
    'claimMany',
    'Claims for many payees in one transaction. Who cannot be paid is skipped and loses nothing.',
    { payees: { help: 'who is owed', value: 'ADDRESS,…', parse: asAddresses, many: true }, ...proofArgs },
    async ({ payees, ...values }, chain) => ({ args: [payees, await proofsOf(payees, values, chain)] }),
  ),
  'to-pool': action(
    'RoyaltyVault',
    'claimToPool',
    'Moves what final epochs owe a pool into that pool, for its members. Anyone may.',
    { pool: poolArg, ...proofArgs },
    async ({ pool, ...values }, chain) => ({
      args: [pool.kind, pool.id, await proofOf(payeeOf(pool), values, chain)],
    }),
  ),
  'to-datanet': action(
    'RoyaltyVault',
    'claimMany',
    "Moves what each final epoch owes a Datanet's pool into it, in order, each part for who held the Datanet's units then. Anyone may.",
    { datanet: idArg('the Datanet'), ...contentArgs },
    async ({ datanet, ...content }, chain) => {
      const pool = poolPayee(payeePools.units, datanet)
      const { pass, claims } = await poolClaimsOf(pool, content, chain)
      if (pass !== undefined)
        throw new RefusedError(`epochs before its first income are to be passed: use claim pass first`)
      if (claims.length === 0) throw new RefusedError(`nothing new was credited to the pool of Datanet ${datanet}`)
      return { args: [claims.map(() => pool), claims] }
    },
  ),
  pass: action(
    'RoyaltyVault',
    'passEpochs',
    "Shows that final epochs before the first income of a Datanet's pool owe it nothing, so that the next can be claimed.",
    { datanet: idArg('the Datanet'), ...contentArgs },
    async ({ datanet, ...content }, chain) => {
      const { pass } = await poolClaimsOf(poolPayee(payeePools.units, datanet), content, chain)
      if (pass === undefined) throw new RefusedError('no epochs are to be passed: use claim to-datanet')
      return { args: pass }
    },
  ),
  pool: action(
    'RoyaltyVault',
    'claimPool',
    "Pays a member's share of a pool to the member's recipient.",
    { pool: poolArg, member: optional(addressArg('the member; absent: you')) },
    ({ pool, member }, chain) => ({ args: [pool.kind, pool.id, member ?? chain.sender()] }),
  ),
  recipient: action(
    'RoyaltyVault',
    'setRecipient',
    'Names who gets your claims from now on.',
    { to: { ...addressArg('the recipient; absent: you yourself'), default: zeroAddress } },
    ({ to }) => ({ args: [to] }),
  ),
  operator: action(
    'RoyaltyVault',
    'setOperator',
    'Names somebody who may claim for you even where you restricted that; the money goes to your recipient all the same.',
    { operator: addressArg('the operator'), allowed: { ...yesNo('whether it may'), default: 'true' } },
    ({ operator, allowed }) => ({ args: [operator, allowed] }),
  ),
  restrict: action(
    'RoyaltyVault',
    'restrictClaims',
    'Restricts claims for you to yourself and your operators, or lets anybody claim for you again.',
    { restricted: { ...yesNo('whether claims are restricted'), default: 'true' } },
    ({ restricted }) => ({ args: [restricted] }),
  ),
  fund: action(
    'RoyaltyVault',
    'fund',
    'Gives money to the members of a pool.',
    { pool: poolArg, amount: openArg('how much') },
    ({ pool, amount }) => ({ args: [pool.kind, pool.id], value: amount }),
  ),
  'payout-author': action(
    'DatanetRegistry',
    'rotatePayout',
    'Names the address that your contributions earn for, from the next day (UTC) on.',
    { to: addressArg('the payout address') },
    ({ to }) => ({ args: [to] }),
  ),
  'payout-code': action(
    'CodeRegistry',
    'setPayout',
    'Names the address that your app code earns for, from the next day (UTC) on.',
    { code: codeArg, to: addressArg('the payout address') },
    ({ code, to }) => ({ args: [code, to] }),
  ),
  'code-register': action(
    'CodeRegistry',
    'register',
    'Registers an app code of ERC-8021; it earns from the next day (UTC) on.',
    {
      code: codeArg,
      to: addressArg('the payout address'),
      uri: { ...textArg('where to read about the app'), default: '', parse: (text: string) => text },
    },
    ({ code, to, uri }) => ({ args: [code, to, uri] }),
  ),
  'code-uri': action(
    'CodeRegistry',
    'setURI',
    'Changes where to read about the app of your code.',
    { code: codeArg, uri: textArg('where to read about the app') },
    ({ code, uri }) => ({ args: [code, uri] }),
  ),
  'code-transfer': action(
    'CodeRegistry',
    'transferCode',
    'Gives an app code away; its payout address stays until the new owner changes it.',
    { code: codeArg, to: addressArg('who gets it') },
    ({ code, to }) => ({ args: [code, to] }),
  ),
  'bond-release': action(
    'DatanetRegistry',
    'releaseBond',
    'Releases the bond of a contribution that is decided; its author fetches it by claim bond-refund.',
    { contribution: idArg('the contribution') },
    ({ contribution }) => ({ args: [contribution] }),
  ),
  'bond-refund': action(
    'DatanetRegistry',
    'claimRefund',
    'Pays the bonds that were released to you.',
    { to: optional(addressArg('who is paid; absent: you')) },
    ({ to }, chain) => ({ args: [to ?? chain.sender()] }),
  ),
  status: claimStatus,
}
