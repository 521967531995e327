import { devPrivateKeys } from '../../common/dev-keys.ts'
import { predeploys } from '../../contracts/addresses.ts'
import { bytesToHex, hexToBytes } from '../../protocol/bytes.ts'
import {
  documentedGovernance,
  type GovernanceParameters,
  governanceDrift,
} from '../../protocol/governance-parameters.ts'
import { privateKeyAddress } from '../../protocol/secp256k1.ts'
import type { ChainAccess } from './action.ts'
import { Amount, Time } from './values.ts'

/** Names of `Governor.state`, by its numbers. */
export const proposalStates = [
  'Pending',
  'Active',
  'Canceled',
  'Defeated',
  'Succeeded',
  'Queued',
  'Expired',
  'Executed',
] as const

/** What the chain's Governor and Timelock have now. */
export async function governanceOf({ read }: Pick<ChainAccess, 'read'>): Promise<GovernanceParameters> {
  const number = async (contract: 'OpenLedgerGovernor' | 'Timelock', name: string) =>
    BigInt((await read(contract, name)) as bigint)
  return {
    votingDelaySeconds: await number('OpenLedgerGovernor', 'votingDelay'),
    votingPeriodSeconds: await number('OpenLedgerGovernor', 'votingPeriod'),
    proposalThreshold: await number('OpenLedgerGovernor', 'proposalThreshold'),
    quorumPercent: await number('OpenLedgerGovernor', 'quorumNumerator'),
    timelockDelaySeconds: await number('Timelock', 'getMinDelay'),
    timelockGraceSeconds: await number('Timelock', 'gracePeriod'),
  }
}

/** Each parameter beside the documented one, and what differs in one line. */
export async function parametersOf(chain: Pick<ChainAccess, 'read'>) {
  const actual = await governanceOf(chain)
  const names = Object.keys(documentedGovernance) as (keyof typeof documentedGovernance)[]
  const shown = (name: (typeof names)[number], value: bigint) =>
    name === 'proposalThreshold' ? new Amount(value) : value
  const parameters = Object.fromEntries(
    names.map((name) => [
      name,
      { chain: shown(name, actual[name]), documented: shown(name, documentedGovernance[name]) },
    ]),
  )
  const drift = governanceDrift(actual).map(
    ({ parameter, actual: has, documented }) =>
      `${parameter} is ${shown(parameter, has)}, documented ${shown(parameter, documented)}`,
  )
  return { parameters, drift: drift.length === 0 ? 'none' : drift }
}

/** Which of the dev accounts and the owner of the OP predeploys may propose to the Timelock without a vote. */
export async function keysThatPropose({ request, read }: Pick<ChainAccess, 'request' | 'read'>) {
  const call = { to: predeploys.proxyAdmin, data: ownerSelector }
  const owner = `0x${String(await request('eth_call', [call, 'latest'])).slice(-40)}`
  const devAccounts = devPrivateKeys.map((key) => bytesToHex(privateKeyAddress(hexToBytes(key))))
  const role = await read('Timelock', 'PROPOSER_ROLE')
  const found: string[] = []
  for (const account of new Set([owner, ...devAccounts])) {
    if ((await read('Timelock', 'hasRole', [role, account])) === true) found.push(account)
  }
  return found.length === 0 ? 'nobody' : found.map((account) => `${account}: a key, which needs no vote`)
}

/** `owner()`. */
const ownerSelector = '0x8da5cb5b'

/** A proposal as the chain has it now. */
export async function proposalOf(id: bigint, chain: Pick<ChainAccess, 'read' | 'now'>) {
  const governor = (name: string) => chain.read('OpenLedgerGovernor', name, [id])
  const state = proposalStates[Number(await governor('state'))]
  const [against, votesFor, abstain] = (await governor('proposalVotes')) as readonly [bigint, bigint, bigint]
  const snapshot = (await governor('proposalSnapshot')) as bigint
  const eta = (await governor('proposalEta')) as bigint
  const isOpen = snapshot < (await chain.now())
  const quorum = isOpen ? ((await chain.read('OpenLedgerGovernor', 'quorum', [snapshot])) as bigint) : undefined
  return {
    proposal: id,
    state,
    proposer: await governor('proposalProposer'),
    voteStart: new Time(snapshot),
    voteEnd: new Time((await governor('proposalDeadline')) as bigint),
    for: new Amount(votesFor),
    against: new Amount(against),
    abstain: new Amount(abstain),
    ...(quorum === undefined ? {} : { quorum: new Amount(quorum) }),
    ...(eta === 0n ? {} : await dueOf(eta, chain)),
  }
}

async function dueOf(eta: bigint, { read }: Pick<ChainAccess, 'read'>) {
  const grace = (await read('Timelock', 'gracePeriod')) as bigint
  return { executableFrom: new Time(eta), expiresAfter: new Time(eta + grace) }
}
