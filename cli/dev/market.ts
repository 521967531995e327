import { readFileSync } from 'node:fs'
import { buildVersionIndex, indexBond } from '../../chain/indexes/build-version-index.ts'
import { publishedIndex } from '../../chain/indexes/published-index.ts'
import { callContract, readHead } from '../../chain/ledger/l2-calls.ts'
import { versionsOf } from '../../chain/ledger/model-terms.ts'
import { encodeCall, type MoneyCall } from '../../chain/ledger/money-contracts.ts'
import type { Clock } from '../../common/clock.ts'
import type { ContentStore } from '../../common/content-store.ts'
import type { RpcClient } from '../../common/json-rpc.ts'
import type { Log } from '../../common/log.ts'
import { decodeModel, modelRoot } from '../../inference/model-file.ts'
import { baseModelFile, readBaseModelRecord } from '../../inference/models/base-model.ts'
import { type Hex, hexToBytes, parseQuantity, zeroHash } from '../../protocol/bytes.ts'
import { parseModelVersion } from '../../protocol/inference-request.ts'
import { largestRemainder } from '../../protocol/largest-remainder.ts'
import { lastPrice } from '../proxy/served-models.ts'
import { Account, type Call } from './account.ts'
import { type DevAccount, type FreshAccounts, knownAccounts } from './accounts.ts'
import { type DevHosts, peerIdBytes } from './hosts.ts'
import type { DevLayout } from './layout.ts'
import { licenceId } from './seed.ts'
import type { SeedDatanet } from './seed-sources.ts'

export type MarketParts = {
  readonly rpc: RpcClient
  readonly content: ContentStore
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
}

const open = 10n ** 18n
/** Every number of an answer can be checked and disputed. */
const exact = 1
const offeredClasses = 0b11
/** wei for 1,000 tokens of a prompt and of an answer. */
const [rin, rout] = [open, 2n * open]
/** Seconds; a registry takes 30 days at most, and a price is renewed where it ends within a week. */
const [priceSeconds, renewSeconds] = [29n * 86_400n, 7n * 86_400n]
/** Of the integer model's revenue, to who trained the float original. */
const originalBps = 1_000
const relations = { quantise: 2 } as const
const stake = 200n * open
/** wei that an account of this chain is filled up to where it has less than half of it. */
const funds: Readonly<Record<keyof FreshAccounts, bigint>> = {
  worker: 2n * stake,
  payer: 200n * open,
  sequencerChecker: 20n * open,
  verifierChecker: 20n * open,
}

/** The shipped model with a price and a worker with a stake. Reads the chain before each step: what is there already stays. */
export async function openMarket(
  options: {
    readonly chainId: bigint
    readonly datanets: readonly SeedDatanet[]
    readonly layout: Pick<DevLayout, 'indexes'>
    readonly accounts: FreshAccounts
    readonly hosts: Pick<DevHosts, 'worker'>
  },
  parts: MarketParts,
): Promise<void> {
  const { chainId, accounts } = options
  const account = ({ privateKey }: DevAccount) => new Account({ privateKey, chainId }, parts)
  await fillUp({ chainId, accounts }, parts)
  const modelVersion = await ensureModel(options, account, parts)
  await ensurePrice(modelVersion, account(knownAccounts.converter), parts)
  await ensureWorker(options.hosts.worker, account(accounts.worker), parts)
}

/** Sends what accounts of this chain are short of. */
export async function fillUp(
  { chainId, accounts }: { readonly chainId: bigint; readonly accounts: FreshAccounts },
  parts: MarketParts,
): Promise<void> {
  const missing: Call[] = []
  for (const name of Object.keys(funds) as (keyof FreshAccounts)[]) {
    const { address } = accounts[name]
    const balance = parseQuantity(await parts.rpc.request('eth_getBalance', [address, 'latest']))
    const value = funds[name] - balance
    if (balance * 2n < funds[name]) missing.push({ to: address, data: new Uint8Array(), value })
  }
  const { privateKey } = knownAccounts.owner
  await new Account({ privateKey, chainId }, parts).send(missing)
}

/** The first version on chain of the shipped model; where there is none, it is registered with the indexes of what it was trained on. */
async function ensureModel(
  { datanets, layout }: { readonly datanets: readonly SeedDatanet[]; readonly layout: Pick<DevLayout, 'indexes'> },
  account: (of: DevAccount) => Account,
  parts: MarketParts,
): Promise<Hex> {
  const { rpc, log } = parts
  const model = decodeModel(readFileSync(baseModelFile))
  const root = modelRoot(model)
  const [known] = await versionsOf(rpc, new Set([root]))
  if (known !== undefined) return known
  const original = await ensureOriginal(account(knownAccounts.trainer), datanets, parts)
  const owner = account(knownAccounts.owner)
  const ids = datanets.map((_, i) => BigInt(i + 1))
  const indexIds = await ensureIndexes(ids, { tokenizer: model.tokenizer, dir: layout.indexes }, owner, parts)
  const parents = [{ id: original, relation: relations.quantise, bps: originalBps, policy: 0 }]
  const version = versionOf(root, indexIds.toSorted())
  await account(knownAccounts.converter).send([registration(version, parents, datanets)])
  const [registered] = await versionsOf(rpc, new Set([root]))
  if (registered === undefined) throw new Error('the model was registered and is not on chain')
  log.info('model registered', { modelVersion: registered, root })
  return registered
}

/** The float model that the integer one was made of: the id of its registration. */
async function ensureOriginal(trainer: Account, datanets: readonly SeedDatanet[], { rpc }: MarketParts) {
  const root: Hex = `0x${readBaseModelRecord().weights}`
  const find = async () => (await versionsOf(rpc, new Set([root])))[0]
  if ((await find()) === undefined) await trainer.send([registration(versionOf(root, []), [], datanets)])
  return parseModelVersion((await find()) ?? zeroHash).modelId
}

/** Indexes of the first versions of Datanets, built and published; their ids. */
async function ensureIndexes(
  datanets: readonly bigint[],
  of: { readonly tokenizer: Uint8Array; readonly dir: string },
  publisher: Account,
  parts: MarketParts,
): Promise<Hex[]> {
  const ids: Hex[] = []
  const missing: Call[] = []
  for (const datanet of datanets) {
    const { id, record } = await buildVersionIndex({ ...of, datanet, version: 1 }, { ...parts, peers: [] })
    ids.push(id)
    parts.log.info('index built', { datanet, id, tokens: record.n })
    if ((await publishedIndex(parts.rpc, id)) !== undefined) continue
    const call = { contract: 'IndexRegistry', functionName: 'publish', args: [record], value: indexBond } as const
    missing.push(callOf(call))
  }
  await publisher.send(missing)
  return ids
}

async function ensurePrice(modelVersion: Hex, owner: Account, { rpc, log }: MarketParts): Promise<void> {
  const now = (await readHead(rpc, 'latest'))?.time ?? 0n
  if ((await lastPrice(rpc, modelVersion, exact, now + renewSeconds)) !== undefined) return
  const { modelId, version } = parseModelVersion(modelVersion)
  const args = [modelId, version, exact, rin, rout, now + priceSeconds]
  await owner.send([callOf({ contract: 'ModelRegistry', functionName: 'setPrice', args })])
  log.info('price set', { modelVersion, rin, rout })
}

/** Stake is added where it fell below what the worker's unit needs; a jailed one waits. */
async function ensureWorker(host: string, worker: Account, { rpc, log }: MarketParts): Promise<void> {
  const ask = (functionName: string) =>
    callContract(rpc, { contract: 'WorkerRegistry', functionName, args: [worker.address] })
  const known = (await ask('workers')) as { readonly registeredAt: bigint; readonly jailed: boolean }
  const call = { contract: 'WorkerRegistry', value: stake } as const
  if (known.registeredAt === 0n) {
    const args = [peerIdBytes(host), 1, offeredClasses]
    await worker.send([callOf({ ...call, functionName: 'register', args })])
    log.info('worker registered', { worker: worker.address, stake })
  } else if ((await ask('isActive')) !== true && !known.jailed) {
    await worker.send([callOf({ ...call, functionName: 'addStake', args: [] })])
  }
}

function registration(
  version: ReturnType<typeof versionOf>,
  parents: readonly object[],
  datanets: readonly SeedDatanet[],
): Call {
  const params = { kind: 0, verifyClasses: offeredClasses, licenceId: licenceId('MIT'), version }
  const args = [params, parents, trainedOn(datanets)]
  return callOf({ contract: 'ModelRegistry', functionName: 'register', args })
}

function versionOf(root: Hex, indexIds: readonly Hex[]) {
  return { weightsManifest: root, configHash: root, trainingRoot: zeroHash, indexIds }
}

/** In parts by the bytes of their texts, in basis points that sum to the whole. */
function trainedOn(datanets: readonly SeedDatanet[]) {
  const bytes = datanets.map(({ texts }) => BigInt(texts.reduce((sum, { text }) => sum + text.length, 0)))
  return largestRemainder(bytes, 10_000).map((weight, i) => ({
    ...{ id: BigInt(i + 1), version: 1, weightBps: weight },
  }))
}

function callOf(call: MoneyCall): Call {
  const { to, data } = encodeCall(call)
  return { to, data: hexToBytes(data), ...(call.value === undefined ? {} : { value: call.value }) }
}
