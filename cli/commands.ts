import { UsageError } from '../common/errors.ts'
import type { Command, CommandGroup } from './command.ts'

/** Each command is a module, loaded when it is asked for, so that help and errors come at once. */
const loaders: Readonly<Record<string, () => Promise<{ readonly command: Command | CommandGroup }>>> = {
  dev: () => import('./commands/dev.ts'),
  node: () => import('./commands/node.ts'),
  engine: () => import('./commands/engine.ts'),
  indexer: () => import('./commands/indexer.ts'),
  genesis: () => import('./commands/genesis.ts'),
  audit: () => import('./commands/audit.ts'),
  conformance: () => import('./commands/conformance.ts'),
  simulate: () => import('./commands/simulate.ts'),
  model: () => import('./commands/model.ts'),
  datanet: () => import('./commands/datanet.ts'),
  licence: () => import('./commands/licence.ts'),
  index: () => import('./commands/index.ts'),
  worker: () => import('./commands/worker.ts'),
  infer: () => import('./commands/infer.ts'),
  claim: () => import('./commands/claim.ts'),
  agent: () => import('./commands/agent.ts'),
  grant: () => import('./commands/grant.ts'),
  gov: () => import('./commands/gov.ts'),
  stake: () => import('./commands/stake.ts'),
  committee: () => import('./commands/committee.ts'),
  explain: () => import('./commands/explain.ts'),
  answer: () => import('./commands/answer.ts'),
}

/** One line a command, for the overview. */
export const commandSummaries: Readonly<Record<string, string>> = {
  dev: 'a whole chain on this machine: L1, sequencer, independent verifier, indexer, seeded Datanets',
  node: 'the rollup node: derive the L2 from L1, sequence, batch, propose, attribute, watch',
  engine: 'the embedded engine alone, for op-node or another rollup node to drive',
  indexer: 'follow a node and serve GraphQL',
  genesis: 'deploy config to genesis.json and rollup.json',
  audit: 're-derive and re-execute a chain from L1 and compare it with a node',
  conformance: 'run test vectors through the production code',
  simulate: 'run a custom precompile on an input',
  model: 'models: register, publish, price, evaluate, give away',
  datanet: 'texts of Datanet versions: search with citations, near-duplicates',
  licence: 'licences: what they ask for, what clashes, new ones by explicit terms',
  index: 'suffix indexes of Datanet versions: build, publish, verify, retire',
  worker: 'workers: stake, receipts, batches',
  infer: 'payers: deposits, requests, vouchers, refunds; what matures and settles batches',
  claim: 'payees: claims with proof, pools, recipients, operators, payout addresses, app codes',
  agent: 'agents: identity, stake, limits of their keys, trails, reviews; leaderboards',
  grant: 'grants: OPEN paid by milestone on attestations',
  gov: 'OPEN holders: GOPEN, proposals, votes, timelocks, gas fees, supply',
  stake: 'stakers: locks, flexible stakes, interest, their part of the fees',
  committee: 'checkers: stake for the committee that judges floats, its cases and votes',
  explain: 'recompute a payout to the wei: receipts, entries, formulas, words',
  answer: 'one file with an answer and all of its proofs: made, and verified offline',
}

export const commandNames: readonly string[] = Object.keys(loaders)

/** Throws {@link UsageError} for a name that is none of {@link commandNames}. */
export async function loadCommand(name: string): Promise<Command | CommandGroup> {
  const loader = Object.hasOwn(loaders, name) ? loaders[name] : undefined
  if (loader === undefined) throw new UsageError(`unknown command ${name}; openledger --help lists them`)
  return (await loader()).command
}
