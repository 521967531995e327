import { type Hex, zeroAddress } from '../../protocol/bytes.ts'
import { type ChainAccess, optional, query } from './action.ts'
import { addressArg, poolArg } from './arg-kinds.ts'
import { type ProofValues, proofArgs, proofsOf } from './proofs.ts'
import { RefusedError } from './refused.ts'
import { Amount } from './values.ts'

type Payee = readonly [paid: bigint, epoch: bigint, ...flags: boolean[]]

export const claimStatus = query(
  'Shows what a payee was paid and where its money goes; with a source of proofs what it can claim, with --pool its share of a pool.',
  { payee: optional(addressArg('the payee; absent: you')), pool: optional(poolArg), ...proofArgs },
  async ({ payee: given, pool, ...values }, chain) => {
    const payee = given ?? chain.sender()
    const [paid, epoch] = (await chain.read('RoyaltyVault', 'payees', [payee])) as Payee
    const recipient = (await chain.read('RoyaltyVault', 'recipientOf', [payee])) as Hex
    return {
      payee,
      paid: new Amount(paid),
      lastClaimedEpoch: epoch,
      recipient: recipient === zeroAddress ? payee : recipient,
      othersMayClaim: await chain.read('RoyaltyVault', 'mayClaimFor', [payee, zeroAddress]),
      ...(hasSource(values) ? await claimable(payee, paid, values, chain) : {}),
      ...(pool === undefined
        ? {}
        : {
            ofPool: new Amount((await chain.read('RoyaltyVault', 'claimable', [pool.kind, pool.id, payee])) as bigint),
          }),
    }
  },
)

function hasSource(values: ProofValues): boolean {
  return [values.graphql, values['epoch-file'], values['content.dir'], values.node].some((each) => each !== undefined)
}

async function claimable(payee: Hex, paid: bigint, values: ProofValues, chain: ChainAccess) {
  try {
    const [claim] = await proofsOf([payee], values, chain)
    const cumulative = claim?.cumulative ?? 0n
    return { earned: new Amount(cumulative), claimable: new Amount(cumulative > paid ? cumulative - paid : 0n) }
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error
    return { claimable: error.message }
  }
}
