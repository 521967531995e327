import { toFunctionSelector } from 'viem'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { encodeSignature, signatureHash, signatureOf } from '../../../attribution/near-duplicates/signature.ts'
import { itemTree } from '../../../attribution/suffix/item-tree.ts'
import type { L2Rpc } from '../../../chain/ledger/l2-rpc.ts'
import { decodeCall, type MoneyCall, moneyContracts } from '../../../chain/ledger/money-contracts.ts'
import { RpcError, rpcCodes } from '../../../common/json-rpc.ts'
import { bytesToHex, concatBytes, type Hex, zeroHash } from '../../../protocol/bytes.ts'
import { contentHash } from '../../../protocol/content-hash.ts'
import { batchRecordBytes, encodeBatchRecords } from '../../../protocol/datanets/item-record.ts'
import { encodeList, type ListedItem, listedItemBytes, versionDiff } from '../../../protocol/datanets/version-diff.ts'
import type { AccountName } from '../../fakes/ledger-chain.ts'
import { permissive } from '../../fakes/licences.ts'
import { Random } from '../../fakes/random.ts'
import { noRoots } from '../../fakes/version-diff.ts'
import { WatchedChain } from '../../fakes/watched-chain.ts'

const open = 10n ** 18n
const bond = open
const nearDuplicateKey = 8
const bondKey = 1
const slashedDecision = 5
const text = (value: string) => new TextEncoder().encode(value)
const mp3 = concatBytes(text('ID3'), Uint8Array.of(4, 0, 0, 0, 0, 0, 0), new Uint8Array(2_000).fill(0x55))
const hookMs = 60_000

let world: WatchedChain
/** Each test has a Datanet of its own, and what the watcher sent before it does not count. */
let datanet = 0n
let before = 0
async function begin(options: Parameters<typeof WatchedChain.open>[0] = {}): Promise<void> {
  world = await WatchedChain.open({ bare: true, community: true, ...options })
  datanet = 0n
}
async function create(): Promise<void> {
  await registry('datanet owner', 'create', [0, 0, permissive, zeroHash, bond, zeroHash])
  datanet++
  before = world.sender.sent.length
  world.lines.splice(0)
  await registry('datanet owner', 'setParameter', [datanet, nearDuplicateKey, 5_500n])
}
beforeAll(() => begin(), hookMs)
beforeEach(create)
afterAll(() => world.close(), hookMs)

const send = (who: AccountName, contract: MoneyCall['contract'], name: string, args: readonly unknown[], value = 0n) =>
  world.chain.send(world.chain.actor(who), contract, name, args, { value })
const registry = (who: AccountName, name: string, args: readonly unknown[], value = 0n) =>
  send(who, 'DatanetRegistry', name, args, value)
const read = (name: string, ...args: readonly unknown[]) => world.chain.read('DatanetRegistry', name, args)
const openUp = () => registry('datanet owner', 'setStatus', [datanet, 2])
const slashed = async (id: bigint) =>
  ((await read('contribution', id)) as { readonly decision: number }).decision === slashedDecision
/** What the watcher sent in this test; rewards of those before come in meanwhile. */
const calls = () => world.sender.sent.slice(before).map(({ functionName }) => functionName)
const challenges = () => calls().filter((name) => name !== 'payReward')

type Lie = { readonly size?: number; readonly sim?: Hex; readonly consent?: number }

/** Bytes of contributions as they said them. */
const sizes = new Map<bigint, number>()

/** Contributes a content, and puts it where the watcher finds it. */
async function submit(content: Uint8Array, lie: Lie = {}, who: AccountName = 'alice'): Promise<bigint> {
  world.content.put(content)
  const { size = content.length, sim = signatureHash(signatureOf(content)), consent = 0 } = lie
  const args = [datanet, contentHash(content), sim, consent, size, zeroHash]
  const id = (await registry(who, 'submit', args, bond)).result as bigint
  sizes.set(id, size)
  return id
}

async function submitBatch(contents: readonly Uint8Array[], lies: readonly Lie[] = [], each = bond): Promise<bigint> {
  for (const content of contents) world.content.put(content)
  const items = contents.map((content, i) => {
    const { size = content.length, sim = signatureHash(signatureOf(content)) } = lies[i] ?? {}
    return { contentHash: contentHash(content), simHash: sim, consent: 0, size }
  })
  const root = world.content.putRecords(encodeBatchRecords(items), batchRecordBytes)
  const size = items.reduce((sum, item) => sum + item.size, 0)
  const args = [datanet, root, items.length, size, zeroHash]
  const first = (await registry('bob', 'submitBatch', args, each * BigInt(items.length))).result as bigint
  for (const [i, item] of items.entries()) sizes.set(first + BigInt(i), item.size)
  return first
}

/** Lists, then what they list, then what is false: each is looked at after the last. */
async function settle(): Promise<void> {
  for (let round = 0; round < 4; round++) await world.settle()
}

const accept = (id: bigint) => registry('datanet owner', 'decide', [id, true, zeroHash])

/** Words that are ours: syllables by chance. */
function words(count: number, seed: number): string {
  const random = new Random(seed)
  const syllables = ['ka', 'lo', 'mi', 'ter', 'sun', 've', 'dra', 'pol', 'ni', 'esh']
  const word = () => Array.from({ length: 3 }, () => syllables[random.int(syllables.length)]).join('')
  return Array.from({ length: count }, word).join(' ')
}

describe('a contribution', () => {
  beforeEach(() => openUp())

  test('that says what its content is, is left alone: texts, others’ texts, a batch, one that is not here', async () => {
    const [first = 0n] = [await submit(text(words(200, 1)))]
    await accept(first)
    await submit(text(words(900, 2)), {}, 'bob')
    await submitBatch([text(words(30, 3)), text(words(40, 4)), text('')])
    const away = text('nobody has this')
    await registry('alice', 'submit', [datanet, contentHash(away), `0x${'77'.repeat(32)}`, 0, 1, zeroHash], bond)
    await settle()
    expect(challenges()).toEqual([])
    expect(world.messages('warn')).toEqual(['contents of Datanets are not to be had now'])
    expect(world.messages('error')).toEqual([])
  })

  test('of another media type, or beyond its size, alone and in a batch, loses its bond; its neighbours do not', async () => {
    const ids = [await submit(mp3), await submit(text('x'.repeat(3_000)), { size: 2_999 })]
    const first = await submitBatch([text('one'), text('y'.repeat(2_000)), text('three')], [{}, { size: 1_500 }, {}])
    await settle()
    expect(await Promise.all([...ids, first + 1n].map(slashed))).toEqual([true, true, true])
    expect(await slashed(first)).toBe(false)
    expect(challenges().sort()).toEqual(['falseSize', 'falseSize', 'wrongType'])
  })

  test('with the content of an earlier one is slashed, of a batch and alone; the earlier one stands', async () => {
    const first = await submitBatch([text(words(20, 5)), text(words(20, 6)), text(words(20, 5))])
    const alone = await submit(text(words(20, 6)))
    await settle()
    const all = [first, first + 1n, first + 2n, alone]
    expect(await Promise.all(all.map(slashed))).toEqual([false, false, true, true])
  })

  test('equal to ten earlier ones that were all refused, and to one that was not, is slashed', async () => {
    const content = text(words(20, 19))
    const refused = await submitBatch(Array.from({ length: 10 }, () => content))
    await registry('datanet owner', 'decideBatch', [refused, false, zeroHash])
    const standing = await submit(content)
    const copy = await submitBatch([text(words(20, 20)), content])
    await settle()
    expect(await Promise.all([standing, copy, copy + 1n].map(slashed))).toEqual([false, false, true])
    expect(challenges()).toEqual(['duplicate'])
  })

  test('nearly an accepted one is slashed once that is accepted; what is less like it is not', async () => {
    const original = await submit(text(words(300, 7)))
    const copy = await submit(text(`${words(300, 7)} and more`), {}, 'bob')
    const other = await submit(text(`${words(100, 7)} ${words(250, 8)}`), {}, 'bob')
    await settle()
    expect(challenges()).toEqual([])
    await accept(original)
    await settle()
    expect(await Promise.all([original, copy, other].map(slashed))).toEqual([false, true, false])
  })

  test('nearly another, made while its Datanet allowed that, is never challenged', async () => {
    await registry('datanet owner', 'setParameter', [datanet, nearDuplicateKey, 0n])
    await accept(await submit(text(words(300, 7))))
    await submit(text(`${words(300, 7)} and more`), {}, 'bob')
    await registry('datanet owner', 'setParameter', [datanet, nearDuplicateKey, 5_500n])
    await settle()
    expect(challenges()).toEqual([])
  })

  test('with the signature of another text is slashed, though that comes later', async () => {
    const other = text(words(50, 9))
    const liar = await submit(text(words(600, 10)), { sim: signatureHash(signatureOf(other)) })
    await submit(other, {}, 'bob')
    await settle()
    expect(await slashed(liar)).toBe(true)
    expect(challenges()).toContain('proveHiddenShingle')
  })

  test('with a signature that nobody knows is asked for it, and slashed when nobody shows it', async () => {
    const liar = await submit(text(words(60, 11)), { sim: `0x${'5a'.repeat(32)}` })
    const honest = await submit(text(words(60, 12)), {}, 'bob')
    await settle()
    expect(challenges()).toEqual(['demandSignature'])
    await world.pass(7 * 5 + 10)
    await settle()
    expect(await Promise.all([liar, honest].map(slashed))).toEqual([true, false])
  })

  /** 70 items of one batch, each with a signature of its own that nobody knows. */
  async function submitUnknown(item = bond): Promise<bigint> {
    const contents = Array.from({ length: 70 }, (_, i) => text(words(8, 1_000 + i)))
    const lies = contents.map((_, i) => ({ sim: `0x${(i + 1).toString(16).padStart(64, '0')}` as Hex }))
    const first = await submitBatch(contents, lies, item)
    await settle()
    return first
  }
  /** The demand's time goes by, so that it is none of the next test's. */
  async function isSlashedInTime(liar: bigint): Promise<boolean> {
    await world.pass(7 * 5 + 10)
    await settle()
    return await slashed(liar)
  }
  const setLimit = (bps: bigint) => registry('datanet owner', 'setParameter', [datanet, nearDuplicateKey, bps])

  test('with an unknown signature is asked for it behind many that were made while nothing was limited', async () => {
    await setLimit(0n)
    await submitUnknown()
    await setLimit(5_500n)
    const liar = await submit(text(words(60, 17)), { sim: `0x${'5b'.repeat(32)}` })
    await settle()
    expect(challenges()).toEqual(['demandSignature'])
    expect(await isSlashedInTime(liar)).toBe(true)
  })

  test('with an unknown signature is asked for it behind many whose bond does not pay for that', async () => {
    const low = open / 100n
    await registry('datanet owner', 'setParameter', [datanet, bondKey, low])
    const poor = await submitUnknown(low)
    await registry('datanet owner', 'setParameter', [datanet, bondKey, bond])
    const liar = await submit(text(words(60, 18)), { sim: `0x${'5c'.repeat(32)}` })
    for (let block = 0; block < 6; block++) {
      await world.pass(2)
      await world.settle()
    }
    expect(challenges()).toEqual(['demandSignature'])
    expect(await isSlashedInTime(liar)).toBe(true)
    // They are none of the next test's.
    await registry('datanet owner', 'decideBatch', [poor, false, zeroHash])
  })

  test('whose false signature is shown on demand is slashed by what was shown', async () => {
    const other = signatureOf(text(words(50, 13)))
    const content = text(words(60, 14))
    const liar = await submit(content, { sim: signatureHash(other) })
    await settle()
    expect(challenges()).toEqual(['demandSignature'])
    const record = {
      contentHash: contentHash(content),
      simHash: signatureHash(other),
      consent: 0,
      size: content.length,
    }
    const shown = { id: liar, record: { ...record, metaHash: zeroHash }, siblings: [] }
    const signature = bytesToHex(encodeSignature(other))
    await send('alice', 'SignatureProofs', 'showSignature', [{ ...shown, signature }])
    await settle()
    expect(await slashed(liar)).toBe(true)
  })

  test('that is honest has its signature shown where somebody demands it', async () => {
    const first = await submitBatch([text(words(40, 15)), text(words(40, 16))])
    await send('bob', 'SignatureProofs', 'demandSignature', [first + 1n], open / 20n)
    await settle()
    expect(await world.chain.read('SignatureProofs', 'isShown', [first + 1n])).toBe(true)
  })
})

describe('a version', () => {
  /** Of the lists, as they are or as the owner says they are. */
  async function publish(previous: readonly ListedItem[], next: readonly ListedItem[], change: object = {}) {
    world.content.putRecords(encodeList(next), listedItemBytes)
    const { diff } = versionDiff(previous, next, (id) => sizes.get(id) ?? 0)
    const roots = { ...noRoots, itemsRoot: itemTree(next).root }
    const all = { ...diff, ...change }
    await registry(
      'datanet owner',
      'publish',
      [datanet, roots, all],
      (await read('quotePublish', all.addedBytes)) as bigint,
    )
  }
  const kept = (list: readonly ListedItem[]) => {
    world.content.putRecords(encodeList(list), listedItemBytes)
    return { root: itemTree(list).root }
  }
  const voidFor = async (version: number) => {
    const fault = (await world.chain.read('DatanetJudge', 'voidFor', [datanet, version])) as Hex
    return Buffer.from(fault.slice(2), 'hex').toString().replaceAll('\0', '')
  }
  async function items(count: number, lies: readonly Lie[] = []): Promise<ListedItem[]> {
    const made: ListedItem[] = []
    for (let i = 0; i < count; i++) {
      const content = text(words(12, 100 * Number(datanet) + i))
      const contribId = await submit(content, lies[i] ?? {}, 'datanet owner')
      await accept(contribId)
      made.push({ contribId, contentHash: contentHash(content) })
    }
    return made
  }

  test('that is what its lists say is left alone: first, next, with additions and with what was withdrawn after it', async () => {
    const [a, b, c] = (await items(3)) as [ListedItem, ListedItem, ListedItem]
    await publish([], [a, b])
    await publish([a, b], [a, c])
    await registry('datanet owner', 'withdrawConsent', [c.contribId])
    await settle()
    expect(challenges()).toEqual([])
    expect(world.messages('error')).toEqual([])
  })

  test('with an item that is none of its Datanet’s, or was refused, or was withdrawn, or is other content, is void', async () => {
    const [a, b, noTraining] = (await items(3, [{}, {}, { consent: 0x010 }])) as [ListedItem, ListedItem, ListedItem]
    const pending = await submit(text('pending'), {}, 'datanet owner')
    await registry('datanet owner', 'withdrawConsent', [b.contribId])
    const lies = [
      [a, { contribId: 9_999n, contentHash: zeroHash }],
      [a, b],
      [a, noTraining],
      [a, { contribId: pending, contentHash: contentHash(text('pending')) }],
      [{ ...a, contentHash: b.contentHash }],
    ]
    let last: readonly ListedItem[] = []
    for (const lie of lies) {
      await publish(last, lie)
      last = lie
    }
    await settle()
    const faults = await Promise.all(lies.map((_, i) => voidFor(i + 1)))
    expect(faults).toEqual(['FOREIGN_ITEM', 'WITHDRAWN', 'NO_TRAINING', 'NOT_ACCEPTED', 'OTHER_CONTENT'])
  })

  test('with a false difference or false counts is void, each by its fault', async () => {
    const [a, b, c, d] = (await items(4)) as [ListedItem, ListedItem, ListedItem, ListedItem]
    await publish([], [a, b])
    await publish([a, b], [a, c, d], { addedRoot: kept([a, d]).root })
    await publish([a, c, d], [a, c, d], {
      added: 1,
      removed: 1,
      addedRoot: kept([c]).root,
      removedRoot: kept([c]).root,
    })
    const restored = { removed: 2, removedRoot: kept([c, d]).root, added: 1, addedRoot: kept([c]).root }
    await publish([a, c, d], [a, c], restored)
    await publish([a, c], [a, c], { added: 1, addedRoot: kept([b]).root, itemCount: 3 })
    await settle()
    const faults = await Promise.all([1, 2, 3, 4, 5].map(voidFor))
    expect(faults).toEqual(['', 'FALSELY_LISTED', 'FALSELY_LISTED', 'FALSELY_LISTED', 'FALSE_COUNT'])
  })

  test('that says it adds a byte less than it does is void, of batches and alone; one that says a byte more is not', async () => {
    await openUp()
    const contents = Array.from({ length: 12 }, (_, i) => text(words(20, 2_000 + i)))
    const first = await submitBatch(contents)
    await registry('datanet owner', 'decideBatch', [first, true, zeroHash])
    const alone = await items(2)
    // Two runs of the batch, of which the second ends before its end, and the last one alone.
    const inBatch = [0, 1, 2, 3, 5, 6, 7, 8, 9]
    const listed = inBatch.map((i) => ({
      contribId: first + BigInt(i),
      contentHash: contentHash(contents[i] as Uint8Array),
    }))
    const all = [...listed, ...alone]
    const bytes = all.reduce((sum, { contribId }) => sum + BigInt(sizes.get(contribId) ?? 0), 0n)
    await publish([], all, { addedBytes: bytes - 1n })
    await publish(all, all)
    await publish(all, all.slice(0, 3))
    await publish(all.slice(0, 3), all, { addedBytes: bytes })
    await settle()
    expect(await Promise.all([1, 2, 3, 4].map(voidFor))).toEqual(['FALSE_BYTES', '', '', ''])
  })

  test('that hides an item it added is void where the rest is not shown to lie', async () => {
    const [a, b] = (await items(2)) as [ListedItem, ListedItem]
    await publish([], [a])
    await publish([a], [b], { added: 0, addedRoot: zeroHash, removed: 0, removedRoot: zeroHash })
    await settle()
    expect(await voidFor(2)).toBe('UNLISTED')
  })
})

describe('what the contracts refuse', () => {
  const refusedCount = 70
  /** Calls of `wrongType` about contributions up to this one are refused. */
  let refusedUntil = 0n
  const isRefused = ({ to, data = '0x' }: { readonly to?: Hex; readonly data?: Hex }) => {
    if (to !== moneyContracts.DatanetJudge) return false
    const { functionName, args } = decodeCall('DatanetJudge', data)
    return functionName === 'wrongType' && (args[0] as { readonly contribId: bigint }).contribId <= refusedUntil
  }
  const between = (rpc: L2Rpc): L2Rpc => ({
    request: async (method, params = []) => {
      const isFalse = method === 'eth_call' && isRefused(params[0] as object)
      if (isFalse) throw new RpcError(rpcCodes.reverted, 'execution reverted', toFunctionSelector('NoFault()'))
      return await rpc.request(method, params)
    },
  })

  test('again and again keeps nothing behind it from being challenged, and is told once', async () => {
    await world.close()
    await begin({ between })
    await create()
    await openUp()
    const noise = Array.from({ length: refusedCount }, (_, i) => concatBytes(mp3, Uint8Array.of(i + 1)))
    const first = await submitBatch(noise)
    refusedUntil = first + BigInt(refusedCount) - 1n
    const liar = await submit(mp3)
    for (let block = 0; block < 6; block++) {
      await world.pass(2)
      await world.settle()
    }
    expect(await Promise.all([first, liar].map(slashed))).toEqual([false, true])
    expect(challenges()).toEqual(['wrongType'])
    const told = world.messages('warn').filter((message) => message.startsWith('a challenge would be refused'))
    expect(told).toHaveLength(refusedCount)
  })
})

describe('a copier', () => {
  test('of the watcher’s challenge earns nothing, and what is slashed is burned or rewarded to the wei', async () => {
    await world.close()
    await begin({ commitEvidence: true })
    await create()
    await openUp()
    const id = await submit(mp3)
    let copied = false
    world.sender.rival = async (call) => {
      if (copied || call.functionName !== 'wrongType') return
      copied = true
      await send('bob', call.contract, call.functionName, call.args)
    }
    await settle()
    expect([copied, await slashed(id)]).toEqual([true, true])
    await world.pass(2)
    await settle()
    world.sender.rival = undefined
    for (let block = 0; block < 52; block++) await world.chain.mine()
    await settle()
    expect(challenges()).toContain('takeOverReward')
    expect(calls().at(-1)).toBe('payReward')
    const won = world.book
      .events('RewardPaid')
      .map(({ args }) => [String(args['holder']).toLowerCase(), args['amount']])
    expect(won).toEqual([[world.sender.address, bond / 2n]])
    expect(await read('refundOf', world.chain.actor('bob').address)).toBe(0n)
    const [all, burned, rewarded] = await Promise.all(['slashed', 'burned', 'rewarded'].map((name) => read(name)))
    expect([all, burned, rewarded]).toEqual([bond, bond / 2n, bond / 2n])
  })
})
