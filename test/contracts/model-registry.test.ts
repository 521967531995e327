import { toFunctionSelector } from 'viem'
import { beforeEach, describe, expect, test } from 'vitest'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { indexSetHash, trainedOnHash } from '../../protocol/attribution-rule.ts'
import { bytesToHex, type Hex, hexToBytes, zeroAddress, zeroHash } from '../../protocol/bytes.ts'
import { modelVersionHash } from '../../protocol/inference-request.ts'
import { type RoyaltyRow, royaltyHash, royaltyModelId } from '../../protocol/royalty-vector.ts'
import { loadArtifact } from '../fakes/artifact.ts'
import { permissive } from '../fakes/licences.ts'
import { type Actor, MoneyChain } from '../fakes/money-chain.ts'
import { Random } from '../fakes/random.ts'

const royaltyGraph: Hex = '0x4f4c000000000000000000000000000000000011'
const day = 86_400n
const word = (n: number): Hex => `0x${n.toString(16).padStart(64, '0')}`
const version = { weightsManifest: word(1), configHash: word(2), trainingRoot: word(3), indexIds: [] }
const [absolute, relative] = [0, 1]

let chain: MoneyChain
let owner: Actor
beforeEach(async () => {
  chain = await MoneyChain.create()
  owner = chain.actor('model owner')
})

const send = (name: string, args: readonly unknown[], from: Actor = owner) =>
  chain.send(from, 'ModelRegistry', name, args)
const fails = async (name: string, args: readonly unknown[], from: Actor | Hex = owner) =>
  (await chain.fails(from, 'ModelRegistry', name, args)).error
const read = (name: string, args: readonly unknown[]) => chain.read('ModelRegistry', name, args)
type Parent = { id: bigint; relation?: number; bps: number; policy: number }
const params = { kind: 0, verifyClasses: 0b101, licenceId: permissive, version }
const withRelation = (parents: readonly Parent[]) => parents.map((parent) => ({ relation: 0, ...parent }))
const register = async (parents: readonly Parent[] = [], input: object = version) =>
  (await send('register', [{ ...params, version: input }, withRelation(parents), []])).result as bigint
const row = (id: bigint, bps: number): RoyaltyRow => ({ kind: 0, id: royaltyModelId(id), bps })
const hashOf = (id: bigint) => read('royaltyHashOf', [modelVersionHash(id, 1)])

describe('a model', () => {
  test('without parents keeps all of its royalties', async () => {
    expect(await register()).toBe(1n)
    expect(await hashOf(1n)).toBe(bytesToHex(royaltyHash([row(1n, 10_000)])))
    expect(await read('indexSetHashOf', [modelVersionHash(1n, 1)])).toBe(zeroHash)
  })

  test('shares with its ancestors, absolute shares across generations and relative ones of what the child receives', async () => {
    await register()
    await register([{ id: 1n, bps: 1_000, policy: absolute }])
    await register([
      { id: 2n, bps: 2_000, policy: relative },
      { id: 1n, bps: 500, policy: relative },
    ])
    const [ids, bps] = (await chain.evm.call(
      { abi: loadArtifact('RoyaltyGraph').abi, address: royaltyGraph },
      'flatten',
      [3n, 32n],
    )) as [bigint[], number[]]
    const kept = ids.map((id, i) => row(id, bps[i] ?? 0)).reverse()
    const own = 10_000 - bps.reduce((sum, each) => sum + each, 0)
    expect(kept.length).toBe(2)
    expect(await hashOf(3n)).toBe(bytesToHex(royaltyHash([...kept, row(3n, own)])))
  })

  test('that owes everything has no row of its own', async () => {
    await register()
    await register([{ id: 1n, bps: 10_000, policy: absolute }])
    expect(await hashOf(2n)).toBe(bytesToHex(royaltyHash([row(1n, 10_000)])))
  })

  test('names each parent once', async () => {
    await register()
    const parent = { id: 1n, relation: 1, bps: 100, policy: relative }
    expect(await fails('register', [params, [parent, parent], []])).toBe('DuplicateParent')
    const itself = [{ ...parent, id: 2n }]
    expect(await fails('register', [params, itself, []])).toBe('UnknownModel')
    const { events } = await send('register', [params, [parent], []])
    expect(events.map(({ name }) => name)).toEqual([
      'ModelParent',
      'ModelRegistered',
      'RoyaltySnapshot',
      'ModelVersion',
      'ModelLicensed',
    ])
    expect(events[0]?.args).toEqual({ id: 2n, parent: 1n, relation: 1, bps: 100, policy: relative })
  })

  test('names parents that there are, and at most 32 payees', async () => {
    const attempt = (parents: readonly Parent[]) => fails('register', [params, withRelation(parents), []])
    expect(await attempt([{ id: 1n, bps: 1, policy: absolute }])).toBe('UnknownModel')
    for (let i = 0; i < 32; i++) await register()
    const parents = Array.from({ length: 16 }, (_, i) => ({ id: BigInt(i + 1), bps: 100, policy: absolute }))
    const first = await register(parents)
    const others = parents.slice(0, 14).map(({ id, ...rest }) => ({ ...rest, id: id + 16n }))
    expect(await register([...others, { id: first, bps: 100, policy: absolute }])).toBe(34n)
    const fifteen = parents.slice(0, 15).map(({ id, ...rest }) => ({ ...rest, id: id + 16n }))
    expect(await attempt([...fifteen, { id: first, bps: 100, policy: absolute }])).toBe('TooManyPayees')
  })

  test('has a manifest, datanets of no more than the whole, and an owner', async () => {
    expect(await fails('register', [{ ...params, version: { ...version, weightsManifest: zeroHash } }, [], []])).toBe(
      'EmptyManifest',
    )
    await chain.send(owner, 'DatanetRegistry', 'create', [0, 0, permissive, word(2), 0n, word(3)])
    const datanet = { id: 1n, version: 1, weightBps: 5_001 }
    expect(await fails('register', [params, [], Array(9).fill({ ...datanet, weightBps: 1 })])).toBe('TooManyDatanets')
    expect(await fails('register', [params, [], [{ ...datanet, id: 2n }]])).toBe('UnknownDatanet')
    for (const datanets of [[{ ...datanet, id: 0n }], [datanet, datanet], [{ ...datanet, id: 2n }, datanet]]) {
      const bps = { weightBps: 1 }
      expect(await fails('register', [params, [], datanets.map((each) => ({ ...each, ...bps }))])).toBe(
        'BadDatanetOrder',
      )
    }
    for (const weights of [[0], [10_001], [5_000, 5_001]]) {
      const datanets = weights.map((weightBps, i) => ({ id: BigInt(i + 1), version: 1, weightBps }))
      expect(await fails('register', [params, [], datanets])).toBe('BadWeights')
    }
    for (const verifyClasses of [0, 0x40]) {
      expect(await fails('register', [{ ...params, verifyClasses }, [], []])).toBe('BadClasses')
    }
    expect(await fails('publish', [1n, version])).toBe('UnknownModel')
    await register()
    const other = chain.actor('other')
    for (const [name, args] of [
      ['publish', [1n, version]],
      ['setPrice', [1n, 1, 0, 1n, 1n, chain.now + 10n]],
      ['transfer', [1n, other.address]],
      ['deprecate', [1n]],
      ['commitEval', [1n, word(1)]],
      ['recordEval', [1n, 1, word(1), word(1), word(1)]],
    ] as const) {
      expect(await fails(name, args, other)).toBe('NotModelOwner')
    }
  })

  test('is committed to the Datanets that it was trained on, each version to the same; none is nothing', async () => {
    const random = new Random(5)
    for (let i = 0; i < 8; i++)
      await chain.send(owner, 'DatanetRegistry', 'create', [0, 0, permissive, word(2), 0n, word(3)])
    const hashAt = (id: bigint, at = 1) => read('trainedOnHashOf', [modelVersionHash(id, at)])
    for (let count = 0; count <= 8; count++) {
      const left = Array.from({ length: 8 }, (_, i) => BigInt(i + 1)).filter(
        (id) => id > 8 - count || random.chance(0.2),
      )
      const datanets = left
        .slice(0, count)
        .map((datanet) => ({ datanet, version: 1 + random.int(9), weightBps: 1 + random.int(1_250) }))
      const refs = datanets.map(({ datanet: id, ...rest }) => ({ id, ...rest }))
      const id = (await send('register', [params, [], refs])).result as bigint
      expect(await hashAt(id)).toBe(trainedOnHash(datanets))
      expect(await read('models', [id])).toMatchObject({ trainedOnHash: trainedOnHash(datanets) })
      await send('publish', [id, version])
      expect(await hashAt(id, 2)).toBe(trainedOnHash(datanets))
    }
    expect(await hashAt(1n), 'of no Datanet').toBe(zeroHash)
    expect(await hashAt(99n), 'of no model').toBe(zeroHash)
  })

  test('version has the royalties of its model and indexes of its own; none is nothing', async () => {
    await liveIndexes(word(7), word(8))
    await register()
    const indexIds = [word(7), word(8)]
    const { events } = await send('publish', [1n, { ...version, indexIds }])
    const set = indexSetHash(indexIds)
    expect(events).toMatchObject([
      { name: 'ModelVersion', args: { id: 1n, version: 2, indexSetHash: set } },
      { name: 'ModelIndexes', args: { id: 1n, version: 2, indexIds } },
      // What the texts' licence asks: docs/LICENCES.md.
      { name: 'ModelLicensed', args: { model: 1n, inherited: 2 } },
    ])
    const second = modelVersionHash(1n, 2)
    expect(await read('royaltyHashOf', [second])).toBe(await hashOf(1n))
    expect(await read('indexSetHashOf', [second])).toBe(set)
    expect(await read('versionOf', [1n, 2])).toMatchObject({ weightsManifest: word(1), indexSetHash: set })
    expect(await read('royaltyHashOf', [modelVersionHash(1n, 3)])).toBe(zeroHash)
  })

  test('version pins at most 8 indexes, in order, and only such as stand', async () => {
    const nine = Array.from({ length: 9 }, (_, i) => word(i + 1))
    await liveIndexes(...nine)
    await register()
    const publish = (indexIds: readonly Hex[]) => fails('publish', [1n, { ...version, indexIds }])
    expect(await publish(nine)).toBe('TooManyIndexes')
    expect(await publish([word(2), word(1)])).toBe('BadIndexOrder')
    expect(await publish([word(2), word(2)])).toBe('BadIndexOrder')
    expect(await publish([zeroHash])).toBe('BadIndexOrder')
    expect(await publish([word(1), word(10)])).toBe('IndexNotLive')
    expect((await send('publish', [1n, { ...version, indexIds: nine.slice(0, 8) }])).result).toBe(2)
  })
})

/** Has the IndexRegistry know these indexes alone, all of a new Datanet that permits everything. */
async function liveIndexes(...ids: readonly Hex[]): Promise<void> {
  const args = [0, 0, permissive, zeroHash, 0n, word(4)]
  const made = (await chain.send(owner, 'DatanetRegistry', 'create', args)).result as bigint
  const { abi, bytecode } = loadArtifact('Answers')
  const address = openLedgerPredeploys.indexRegistry
  chain.evm.state.account(address).storage.clear()
  await chain.evm.place(address, abi, hexToBytes(bytecode))
  const selector = toFunctionSelector('isLive(bytes32)')
  await chain.evm.call({ abi, address }, 'set', [selector, zeroHash, false, 0n])
  const ofDatanet = [toFunctionSelector('versionOf(bytes32)'), `${word(Number(made))}${word(1).slice(2)}`, false, 0n]
  await chain.evm.call({ abi, address }, 'set', ofDatanet)
  for (const id of ids) await chain.evm.call({ abi, address }, 'set', [`${selector}${id.slice(2)}`, word(1), false, 0n])
}

describe('a price', () => {
  const priceOf = (priceVersion: number) => read('priceOf', [modelVersionHash(1n, 1), 2, priceVersion])

  test('stands as it was set, with the split in force then, whatever comes after', async () => {
    await register()
    const [first, second] = [chain.now + 30n * day, chain.now + 100n]
    const setAt = chain.now
    expect((await send('setPrice', [1n, 1, 2, 3n, 6n, first])).result).toBe(1)
    expect((await send('setPrice', [1n, 1, 2, 4n, 7n, second])).result).toBe(2)
    expect(await priceOf(1)).toMatchObject({ rin: 3n, rout: 6n, validUntil: first, sharesVersion: 1 })
    expect(await priceOf(2)).toMatchObject({ rin: 4n, rout: 7n, validUntil: second })
    expect(((await priceOf(1)) as { setAt: bigint }).setAt).toBeGreaterThanOrEqual(setAt)
    for (const none of [0, 3]) expect(await priceOf(none)).toMatchObject({ rin: 0n, setAt: 0n, sharesVersion: 0 })
  })

  test('is of a version that there is, and lasts 30 days at most', async () => {
    await register()
    const set = (version: number, validUntil: bigint) => fails('setPrice', [1n, version, 2, 3n, 6n, validUntil])
    expect(await set(2, chain.now + 10n)).toBe('UnknownVersion')
    expect(await set(0, chain.now + 10n)).toBe('UnknownVersion')
    expect(await fails('setPrice', [1n, 1, 1, 3n, 6n, chain.now + 10n])).toBe('ClassNotOffered')
    expect(await fails('setPrice', [1n, 1, 255, 3n, 6n, chain.now + 10n])).toBe('ClassNotOffered')
    expect(await set(1, chain.now + 31n * day)).toBe('BadPriceExpiry')
    expect(await set(1, chain.now - 10n)).toBe('BadPriceExpiry')
  })

  test('is not set while the model is frozen, nor once it is deprecated', async () => {
    await register()
    const args = [1n, 1, 2, 3n, 6n, chain.now + day]
    expect(await fails('freeze', [1n, word(5)])).toBe('NotTimelock')
    await chain.send(openLedgerPredeploys.timelock, 'ModelRegistry', 'freeze', [1n, word(5)])
    expect(await fails('setPrice', args)).toBe('NotLive')
    await chain.send(openLedgerPredeploys.timelock, 'ModelRegistry', 'unfreeze', [1n, word(5)])
    await send('setPrice', args)
    await send('deprecate', [1n])
    expect(await fails('setPrice', args)).toBe('NotLive')
    expect(await fails('publish', [1n, version])).toBe('NotLive')
  })
})

test('a transfer moves the revenue at the next day, and the model at once', async () => {
  await register()
  const buyer = chain.actor('buyer')
  const tomorrow = (chain.now / day + 1n) * day
  const payee = async (time: bigint) => String(await read('payeeAt', [1n, time])).toLowerCase()
  expect(await payee(chain.now)).toBe(owner.address)
  expect(await fails('transfer', [1n, zeroAddress])).toBe('ZeroAddress')
  await send('transfer', [1n, buyer.address])
  expect(await payee(tomorrow - 1n)).toBe(owner.address)
  expect(await payee(tomorrow)).toBe(buyer.address)
  expect(await fails('deprecate', [1n])).toBe('NotModelOwner')
  await send('deprecate', [1n], buyer)
  expect(String(await read('payeeAt', [2n, tomorrow]))).toBe(zeroAddress)
})

test('an evaluation has one result, and only under a suite committed in an earlier block', async () => {
  await register()
  const record = [1n, 1, word(7), word(8), zeroHash]
  expect(await fails('recordEval', record)).toBe('NotCommitted')
  await send('commitEval', [1n, word(7)])
  expect(await fails('recordEval', record)).toBe('NotCommitted')
  expect(await fails('commitEval', [1n, word(7)])).toBe('AlreadyCommitted')
  chain.advance(2)
  expect(await fails('recordEval', [1n, 2, word(7), word(8), zeroHash])).toBe('UnknownVersion')
  const { events } = await send('recordEval', record)
  expect(events).toMatchObject([{ name: 'EvaluationRecorded', args: { suiteHash: word(7), resultRoot: word(8) } }])
  expect(await fails('recordEval', [1n, 1, word(7), word(9), zeroHash])).toBe('AlreadyRecorded')
  await send('publish', [1n, version])
  await send('recordEval', [1n, 2, word(7), word(9), zeroHash])
})

test('a sale owes the ancestors their share, to whoever is entitled to the first parent', async () => {
  const [buyer, sale] = [chain.actor('buyer'), 2n ** 255n]
  const royaltyInfo = async (id: bigint, price: bigint) => {
    const [receiver, amount] = (await read('royaltyInfo', [id, price])) as [string, bigint]
    return [receiver.toLowerCase(), amount]
  }
  await register()
  await register()
  const parents = [
    { id: 2n, bps: 1_500, policy: absolute },
    { id: 1n, bps: 1_000, policy: relative },
  ]
  await register(parents)
  expect(await royaltyInfo(1n, sale)).toEqual([zeroAddress, 0n])
  for (const none of [0n, 4n, 2n ** 64n + 3n]) expect(await royaltyInfo(none, sale)).toEqual([zeroAddress, 0n])
  expect(await royaltyInfo(3n, sale)).toEqual([owner.address, (sale * 2_500n) / 10_000n])
  await send('transfer', [2n, buyer.address])
  expect(await royaltyInfo(3n, 10_000n)).toEqual([owner.address, 2_500n])
  chain.advance(day)
  expect(await royaltyInfo(3n, 10_000n)).toEqual([buyer.address, 2_500n])
  expect(await read('supportsInterface', ['0x2a55205a'])).toBe(true)
  expect(await read('supportsInterface', ['0xffffffff'])).toBe(false)
})

test('a version is a commitment to its weights and its graph; none is zeros', async () => {
  await register()
  expect(await read('getModel', [modelVersionHash(1n, 1)])).toEqual({
    modelHash: version.weightsManifest,
    circuitHash: version.configHash,
    vkHash: zeroHash,
    proofSystemId: zeroHash,
  })
  expect(await read('getModel', [modelVersionHash(1n, 2)])).toMatchObject({ modelHash: zeroHash })
})
