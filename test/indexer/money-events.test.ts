import fc from 'fast-check'
import {
  type AbiEvent,
  type AbiParameter,
  decodeEventLog,
  encodeAbiParameters,
  encodeEventTopics,
  type Hex,
} from 'viem'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadArtifact } from '../../contracts/artifact.ts'
import { eventTables, stateTables } from '../../indexer/store/schema.ts'
import { addressOf, type MoneyContract } from '../fakes/money-chain.ts'
import { IndexWorld, type TestIndex } from '../fakes/test-index.ts'

/** Events that stand alone: every value that viem decodes must be in the rows of their block. */
const events: readonly (readonly [MoneyContract, string])[] = [
  ...(['PriceSet', 'ModelTrainedOn', 'ModelParent', 'EvaluationCommitted', 'EvaluationRecorded'] as const).map(
    (name) => ['ModelRegistry', name] as const,
  ),
  ['ModelRegistry', 'ModelRegistered'],
  ['WorkerRegistry', 'WorkerRegistered'],
  ['WorkerRegistry', 'PeerBound'],
  ['WorkerRegistry', 'WorkerSlashed'],
  ['WorkerRegistry', 'WorkerJailed'],
  ['WorkerRegistry', 'HeartbeatRoot'],
  ['InferenceMarket', 'PayerDeposited'],
  ['InferenceMarket', 'RequestOpened'],
  ['InferenceMarket', 'EpochPaid'],
  ['AttributionLedger', 'AttributionDeclared'],
  ['AttributionLedger', 'AlgoSet'],
  ['AttributionLedger', 'DataRequested'],
  ['AttributionLedger', 'AttributorSet'],
  ['AttributionLedger', 'EpochProposed'],
  ['RoyaltyVault', 'Claimed'],
  ['RoyaltyVault', 'ClaimSkipped'],
  ['RoyaltyVault', 'RecipientSet'],
  ['RoyaltyVault', 'OperatorSet'],
  ['RoyaltyVault', 'ClaimsRestricted'],
  ['RoyaltyVault', 'PoolUnits'],
  ['DisputeGame', 'ReceiptDisputed'],
  ['DisputeGame', 'BatchDisputed'],
  ['DisputeGame', 'EpochDisputed'],
  ['DisputeGame', 'EquivocationProven'],
  ['DisputeGame', 'EvidenceCommitted'],
  ['DisputeGame', 'RewardWon'],
  ['RevenueSplitter', 'SharesSet'],
  ['OpenBurner', 'Burned'],
  ['IndexRegistry', 'IndexPublished'],
  ['EvidenceDemands', 'EvidenceRequested'],
  ['TraceDemands', 'TraceRequested'],
]

/** Shown by name, or part of what a hash beside them opens. */
const notStored = [
  ...['fault', 'relation', 'kind', 'chainId', 'modelVersion', 'adapters', 'templateHash', 'tempQ16', 'topK', 'topPQ16'],
  ...['stopHash'],
]

let world: IndexWorld
let index: TestIndex

beforeEach(async () => {
  world = await IndexWorld.start()
  index = world.open()
})

afterEach(() => world.stop())

type Parameter = AbiParameter & { readonly components?: readonly Parameter[] }

function arbitrary({ name, type, components }: Parameter): fc.Arbitrary<unknown> {
  if (type === 'tuple')
    return fc.record(Object.fromEntries((components ?? []).map((each) => [each.name, arbitrary(each)])))
  if (type.endsWith('[]'))
    return fc.array(arbitrary({ name, type: type.slice(0, -2), components } as Parameter), { maxLength: 3 })
  if (type === 'address') return hex(20)
  if (type === 'bool') return fc.boolean()
  if (type === 'bytes') return fc.uint8Array({ minLength: 1, maxLength: 100 }).map(hexOf)
  if (type.startsWith('bytes')) return hex(Number(type.slice(5)))
  // Ids and times of the chain are far below 2^53; what a stranger chooses is not a number here.
  const bits = Math.min(
    Number(type.slice('uint'.length)),
    ['nonce', 'modelId', 'datanetId'].includes(name ?? '') ? 256 : Number(type.slice(4)),
  )
  const most = bits === 64 && !['nonce'].includes(name ?? '') ? 2n ** 53n - 1n : 2n ** BigInt(bits) - 1n
  return bits <= 48 ? fc.integer({ min: 0, max: Number(most) }) : fc.bigInt({ min: 0n, max: most })
}

const hexOf = (value: Uint8Array): Hex => `0x${Buffer.from(value).toString('hex')}`
const hex = (bytes: number) => fc.uint8Array({ minLength: bytes, maxLength: bytes }).map(hexOf)

/** What an event says beside a struct is what the struct says; versions are given once. */
function consistent(inputs: readonly Parameter[], sample: Readonly<Record<string, unknown>>, i: number) {
  const all = { ...sample, ...('version' in sample && 'betaBps' in sample ? { version: i + 2 } : {}) }
  const structs = inputs
    .filter(({ type }) => type === 'tuple')
    .map(({ name = '', components = [] }) => {
      const same = components.flatMap((each) => (each.name !== undefined && each.name in all ? [each.name] : []))
      const values = Object.fromEntries(same.map((each) => [each, all[each as keyof typeof all]]))
      return [name, { ...(sample[name] as object), ...values }]
    })
  return { ...all, ...Object.fromEntries(structs) } as Record<string, unknown>
}

/** Every value of an event with its name, those of structs included. */
function valuesOf(parameters: readonly Parameter[], args: Readonly<Record<string, unknown>>): [string, string][] {
  return parameters.flatMap(({ name = '', components }): [string, string][] => {
    const value = args[name]
    if (notStored.includes(name)) return []
    if (components !== undefined) return valuesOf(components, value as Readonly<Record<string, unknown>>)
    return [[name, typeof value === 'boolean' ? String(Number(value)) : String(value).toLowerCase()]]
  })
}

/** Every value that the rows of a block hold. */
function stored(block: number): Set<string> {
  const own = eventTables.filter((name) => !['tx', 'log'].includes(name))
  const rows = [
    ...own.flatMap((name) => index.store.all(`select * from ${name} where block = ?`, block)),
    ...Object.keys(stateTables).flatMap((name) => index.store.all(`select * from ${name}_h where at = ?`, block)),
  ]
  const parts = (value: unknown) => String(value).split('-')
  return new Set(rows.flatMap((row) => Object.values(row).flatMap((value) => [String(value), ...parts(value)])))
}

test.each(events)('%s.%s is indexed with the values that viem decodes', async (contract, name) => {
  const event = (loadArtifact(contract).abi as unknown as AbiEvent[]).find(
    (item) => item.type === 'event' && item.name === name,
  ) as AbiEvent
  const inputs = event.inputs as readonly (Parameter & { readonly indexed?: boolean })[]
  const samples = fc.sample(fc.record(Object.fromEntries(inputs.map((input) => [input.name, arbitrary(input)]))), {
    numRuns: 8,
    seed: 21,
  })
  for (const [i, random] of (samples as Record<string, unknown>[]).entries()) {
    const sample = consistent(inputs, random, i)
    const plain = inputs.filter(({ indexed }) => indexed !== true)
    const topics = encodeEventTopics({ abi: [event], eventName: name, args: sample }) as Hex[]
    const data = encodeAbiParameters(
      plain,
      plain.map((input) => sample[input.name ?? '']),
    )
    world.chain.mine([{ logs: [{ address: addressOf(contract), topics, data }] }])
    await index.follow()
    const { args } = decodeEventLog({ abi: [event], topics: topics as [Hex], data })
    const found = stored(world.chain.head.number)
    const absent = valuesOf(inputs, args as unknown as Record<string, unknown>).filter(([, value]) => !found.has(value))
    expect(absent).toEqual([])
  }
})
