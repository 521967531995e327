import { decodeFunctionResult, encodeFunctionData } from 'viem'
import { signatureHash, signatureOf } from '../../attribution/near-duplicates/signature.ts'
import type { Clock } from '../../common/clock.ts'
import type { ContentStore } from '../../common/content-store.ts'
import { devPrivateKeys } from '../../common/dev-keys.ts'
import type { RpcClient } from '../../common/json-rpc.ts'
import type { Log } from '../../common/log.ts'
import { codeRegistryAbi } from '../../contracts/abi/code-registry.ts'
import { datanetRegistryAbi } from '../../contracts/abi/datanet-registry.ts'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { bytesToHex, concatBytes, type Hex, hexToBytes, zeroHash } from '../../protocol/bytes.ts'
import { canonicalText } from '../../protocol/datanets/canonical-text.ts'
import { consentAll } from '../../protocol/datanets/consent.ts'
import { batchRecordBytes, encodeBatchRecords } from '../../protocol/datanets/item-record.ts'
import { metadataBytes } from '../../protocol/datanets/metadata.ts'
import { encodeSuffix } from '../../protocol/erc8021.ts'
import { encodeOlPayload } from '../../protocol/ol-payload.ts'
import { Account, type Call, SeedError } from './account.ts'
import { runLine } from './run-line.ts'
import type { SeedDatanet, SeedText } from './seed-sources.ts'

/** App code of the seeding, registered in the CodeRegistry. */
export const seedCode = 'openledger'
/** Accounts that contribute, by index of the dev keys; account 0 owns the Datanets. */
const contributors = [1, 2, 3, 4, 5] as const
/** Items a contributor submits alone, in each Datanet: with a batch each that is 20 files for four Datanets, a day's limit. */
const singlesPerDatanet = 4
/** Locked with each item: 0.001 OPEN. */
const bondPerItem = 10n ** 15n

const registry = openLedgerPredeploys.datanetRegistry

export type SeedOptions = {
  readonly chainId: bigint
  /** The chain again, for commands that open it themselves. */
  readonly rpcUrl: string
  /** Directory of `content`. */
  readonly contentDir: string
}

export type SeedParts = {
  readonly rpc: RpcClient
  readonly content: ContentStore
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
}

export type SeedResult = {
  readonly datanets: number
  readonly items: number
  readonly singles: number
  readonly batches: number
  readonly lastBlock: bigint
}

/**
 * Creates the Datanets with all their contributions, all Datanets at once, step by step; then publishes version 1 of each with its
 * description and the owner's signed statement. Reads the chain before each step, so a seeding that was cut off goes on where it
 * stopped.
 */
export async function seedChain(
  datanets: readonly SeedDatanet[],
  options: SeedOptions,
  parts: SeedParts,
): Promise<SeedResult> {
  const { chainId } = options
  const account = (index: number) => new Account({ privateKey: devPrivateKeys[index] as Hex, chainId }, parts)
  const owner = account(0)
  await registerCode(owner, parts)
  const plans = datanets.map((datanet, index): Plan => {
    return { id: BigInt(index + 1), datanet, byContributor: contributionPlan(datanet, parts.content) }
  })
  const ofAll = async (callsOf: (plan: Plan) => Promise<Call[]>) => (await Promise.all(plans.map(callsOf))).flat()
  await owner.send(await ofAll((plan) => creation(plan, parts)))
  await owner.send(await ofAll((plan) => opening(plan, parts)))
  await Promise.all(
    contributors.map(async (key, i) => account(key).send(await ofAll((plan) => contributions(plan, i, parts)))),
  )
  parts.log.info('contributions submitted')
  await owner.send(await ofAll((plan) => decisionsOn(plan, parts)))
  for (const plan of plans) await publish(plan, options, parts)
  const items = plans.flatMap(({ byContributor }) => byContributor.flat())
  const head = (await parts.rpc.request('eth_blockNumber')) as string
  return {
    datanets: datanets.length,
    items: datanets.reduce((sum, { texts }) => sum + texts.length, 0),
    singles: items.filter(({ kind }) => kind === 'single').length,
    batches: items.filter(({ kind }) => kind === 'batch').length,
    lastBlock: BigInt(head),
  }
}

/** A Datanet to be seeded, and what each contributor submits to it. */
type Plan = {
  readonly id: bigint
  readonly datanet: SeedDatanet
  readonly byContributor: readonly (readonly Contribution[])[]
}

/** One transaction's worth of contributions; `root` is what the registry files it under. */
type Contribution = {
  readonly kind: 'single' | 'batch'
  readonly root: Hex
  readonly items: readonly StoredText[]
}

type StoredText = { readonly hash: Hex; readonly simHash: Hex; readonly size: number }

/** Stores every text; for each contributor: its single items, then the rest of its share as one batch. */
function contributionPlan(datanet: SeedDatanet, content: ContentStore): Contribution[][] {
  const share = Math.ceil(datanet.texts.length / contributors.length)
  return contributors.map((_, i) => {
    const items = datanet.texts.slice(i * share, (i + 1) * share).map((item) => store(item, content))
    const singles = items.slice(0, singlesPerDatanet)
    const batch = items.slice(singlesPerDatanet)
    return [
      ...singles.map((item): Contribution => ({ kind: 'single', root: item.hash, items: [item] })),
      ...(batch.length === 0
        ? []
        : [{ kind: 'batch' as const, root: content.putRecords(manifestOf(batch), batchRecordBytes), items: batch }]),
    ]
  })
}

function manifestOf(items: readonly StoredText[]): Uint8Array {
  return encodeBatchRecords(
    items.map(({ hash, simHash, size }) => ({ contentHash: hash, simHash, consent: consentAll, size })),
  )
}

function store(item: SeedText, content: ContentStore): StoredText {
  const bytes = canonicalText(new TextEncoder().encode(item.text))
  return { hash: content.put(bytes), simHash: signatureHash(signatureOf(bytes)), size: bytes.length }
}

async function registerCode(owner: Account, { rpc }: SeedParts): Promise<void> {
  const abi = codeRegistryAbi
  const to = openLedgerPredeploys.codeRegistry
  const data = encodeFunctionData({ abi, functionName: 'isRegistered', args: [seedCode] })
  const answer = (await rpc.request('eth_call', [{ to, data }, 'latest'])) as Hex
  if (decodeFunctionResult({ abi, functionName: 'isRegistered', data: answer })) return
  const call = encodeFunctionData({ abi, functionName: 'register', args: [seedCode, owner.address, ''] })
  await owner.send([{ to, data: hexToBytes(call) }])
}

async function creation({ id, datanet }: Plan, parts: SeedParts): Promise<Call[]> {
  if ((await readRegistry(parts.rpc, 'datanetCount', [])) >= id) return []
  const { name, description, mediaType, licence } = datanet
  const meta = JSON.stringify({ name, description, mediaType, licence })
  const metaHash = parts.content.put(new TextEncoder().encode(meta))
  return [registryCall('create', [0, 0, licenceId(licence), zeroHash, bondPerItem, metaHash])]
}

async function opening({ id }: Plan, { rpc }: SeedParts): Promise<Call[]> {
  const { status } = await readRegistry(rpc, 'datanets', [id])
  return status === datanetStatus.draft ? [registryCall('setStatus', [id, datanetStatus.open])] : []
}

const datanetStatus = { draft: 1, open: 2 } as const
const decisions = { pending: 1 } as const

/** What a contributor has yet to submit. */
async function contributions(
  { id, datanet, byContributor }: Plan,
  contributor: number,
  { rpc, content }: SeedParts,
): Promise<Call[]> {
  const missing: Call[] = []
  const metaHash = content.put(
    metadataBytes({ source: datanet.source, use: 'training and attribution', schema: 'text' }),
  )
  for (const item of byContributor[contributor] ?? []) {
    if ((await readRegistry(rpc, 'contributionOf', [id, item.root])) !== 0n) continue
    const size = item.items.reduce((sum, each) => sum + each.size, 0)
    const simHash = item.items[0]?.simHash ?? zeroHash
    const call =
      item.kind === 'single'
        ? registryCall('submit', [id, item.root, simHash, consentAll, size, metaHash], bondPerItem)
        : registryCall(
            'submitBatch',
            [id, item.root, item.items.length, size, metaHash],
            bondPerItem * BigInt(item.items.length),
          )
    missing.push({ ...call, data: concatBytes(call.data, contributionSuffix(id, item.root)) })
  }
  return missing
}

async function decisionsOn({ id, byContributor }: Plan, { rpc }: SeedParts): Promise<Call[]> {
  const calls: Call[] = []
  for (const item of byContributor.flat()) {
    const contribId = await readRegistry(rpc, 'contributionOf', [id, item.root])
    const { decision } = await readRegistry(rpc, 'contribution', [contribId])
    if (decision !== decisions.pending) continue
    calls.push(registryCall(item.kind === 'single' ? 'decide' : 'decideBatch', [contribId, true, zeroHash]))
  }
  return calls
}

/** Describes, states and publishes version 1, as the owner of any Datanet does: `datanet describe`, then `datanet publish`. */
async function publish({ id }: Plan, { rpcUrl, contentDir }: SeedOptions, parts: SeedParts): Promise<void> {
  if ((await readRegistry(parts.rpc, 'datanets', [id])).version > 0) return
  const does = async (words: readonly string[]) => {
    const places = ['--datanet', String(id), '--content.dir', contentDir, '--rpc', rpcUrl]
    const result = await runLine(['datanet', ...words, ...places], devPrivateKeys[0], parts)
    if (result.done) return result.output
    throw new SeedError('refused', `datanet ${words[0]} of Datanet ${id}: ${result.error}, ${result.words}`)
  }
  const { croissant, statement } = await does(['describe'])
  await does(['publish', '--croissant', String(croissant), '--statement', String(statement), '--json', '--yes'])
}

/** The ERC-8021 suffix that labels a contribution to the coming version 1. */
function contributionSuffix(id: bigint, root: Hex): Uint8Array {
  const payload = encodeOlPayload({ kind: 'contribution', datanet: { id, version: 1 }, root: hexToBytes(root) })
  return encodeSuffix({ code: seedCode, ol: payload })
}

/** SPDX identifier as the registry holds it: ASCII, left-aligned. */
export function licenceId(spdx: string): Hex {
  const bytes = new Uint8Array(32)
  bytes.set(new TextEncoder().encode(spdx))
  return bytesToHex(bytes)
}

type RegistryFunction = 'create' | 'setStatus' | 'submit' | 'submitBatch' | 'decide' | 'decideBatch'

function registryCall(functionName: RegistryFunction, args: readonly unknown[], value = 0n): Call {
  // The arguments are checked against the ABI when they are encoded.
  const data = encodeFunctionData({ abi: datanetRegistryAbi, functionName, args } as Parameters<
    typeof encodeFunctionData
  >[0])
  return { to: registry, data: hexToBytes(data), value }
}

type RegistryView = {
  datanetCount: bigint
  datanets: { readonly status: number; readonly version: number }
  contributionOf: bigint
  contribution: { readonly decision: number }
}

async function readRegistry<Name extends keyof RegistryView>(
  rpc: RpcClient,
  functionName: Name,
  args: readonly unknown[],
): Promise<RegistryView[Name]> {
  const abi = datanetRegistryAbi
  const data = encodeFunctionData({ abi, functionName, args } as Parameters<typeof encodeFunctionData>[0])
  const answer = (await rpc.request('eth_call', [{ to: registry, data }, 'latest'])) as Hex
  // The decoded value has the ABI's type for this function, which RegistryView repeats for the fields read here.
  return decodeFunctionResult({ abi, functionName, data: answer } as Parameters<
    typeof decodeFunctionResult
  >[0]) as RegistryView[Name]
}
