import { readFileSync } from 'node:fs'
import { type Claim, claimOf, claimOpens } from '../../attribution/epochs/claim-proof.ts'
import { decodeEpochFile, type EpochFile } from '../../attribution/epochs/epoch-file.ts'
import { payoutTree } from '../../attribution/epochs/epoch-rows.ts'
import { errorMessage, UsageError } from '../../common/errors.ts'
import { asHttpUrl, asText } from '../../common/flag-parsers.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import { type ArgValues, type ChainAccess, optional } from './action.ts'
import { ContentPlaces, contentArgs } from './content-places.ts'
import { finalEpochFile } from './final-epoch.ts'
import { claimFromGraphql } from './graphql-claim.ts'
import { asUint64 } from './parsers.ts'
import { RefusedError } from './refused.ts'

/** Where proofs of claims come from; each is checked against the root on chain before it is sent. */
export const proofArgs = {
  graphql: optional({ help: 'GraphQL of an indexer that has the proofs', value: 'URL', parse: asHttpUrl }),
  'epoch-file': optional({ help: 'file of a final epoch', value: 'FILE', parse: asText }),
  ...contentArgs,
  epoch: optional({
    help: 'number of the final epoch whose file --content.dir or --node has; absent: the last',
    value: 'N',
    parse: asUint64,
  }),
}

export type ProofValues = ArgValues<typeof proofArgs>

export async function proofOf(payee: Hex, values: ProofValues, chain: ChainAccess): Promise<Claim> {
  const [claim] = await proofsOf([payee], values, chain)
  if (claim === undefined) throw new Error('no proof for one payee')
  return claim
}

/** A proof for each payee, in order. Throws UsageError without a source, {@link RefusedError} for who was never credited. */
export async function proofsOf(payees: readonly Hex[], values: ProofValues, chain: ChainAccess): Promise<Claim[]> {
  const find = await source(values, chain)
  const claims: Claim[] = []
  for (const payee of payees) {
    const claim = await find(payee)
    if (claim === undefined) throw new RefusedError(`nothing was ever credited to ${payee} in a final epoch`)
    const root = (await chain.read('RoyaltyVault', 'payoutRoot', [claim.epoch])) as Hex
    if (root === zeroHash) throw new RefusedError(`epoch ${claim.epoch} is not final; wait until it is finalized`)
    if (!claimOpens(root, payee, claim)) {
      throw new RefusedError(
        `the proof found does not open the root of epoch ${claim.epoch} on chain: its source is wrong`,
      )
    }
    claims.push(claim)
  }
  return claims
}

type FindClaim = (payee: Hex) => Promise<Claim | undefined>

async function source(values: ProofValues, chain: ChainAccess): Promise<FindClaim> {
  const { graphql, 'epoch-file': path, epoch, ...content } = values
  if (graphql !== undefined) return (payee) => claimFromGraphql(graphql, payee)
  const file = path === undefined ? await fetched(content, epoch, chain) : readEpochFile(path)
  const payouts = { rows: file.payouts, tree: payoutTree(file.payouts) }
  return async (payee) => claimOf(file.epoch, payouts, payee)
}

async function fetched(
  content: Pick<ProofValues, 'content.dir' | 'node'>,
  epoch: bigint | undefined,
  chain: ChainAccess,
): Promise<EpochFile> {
  if (content['content.dir'] === undefined && content.node === undefined) {
    throw new UsageError('where are proofs? Give --graphql, --epoch-file, --content.dir or --node')
  }
  return await finalEpochFile(new ContentPlaces(content), epoch, chain)
}

function readEpochFile(path: string): EpochFile {
  try {
    return decodeEpochFile(new Uint8Array(readFileSync(path)))
  } catch (cause) {
    throw new UsageError(`--epoch-file ${path} cannot be used: ${errorMessage(cause)}`)
  }
}
