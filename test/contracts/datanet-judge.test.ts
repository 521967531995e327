import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { itemTree } from '../../attribution/suffix/item-tree.ts'
import { concatBytes, type Hex, hexToBytes, uintBytes, zeroHash } from '../../protocol/bytes.ts'
import { contentHash, merkleRoot, proveChunk } from '../../protocol/content-hash.ts'
import { batchRecordBytes, encodeBatchRecords, type ItemRecord } from '../../protocol/datanets/item-record.ts'
import { isOfType, mediaTypes } from '../../protocol/datanets/media-types.ts'
import { type ListedItem, versionDiff } from '../../protocol/datanets/version-diff.ts'
import { keccakHex } from '../../protocol/keccak.ts'
import { permissive } from '../fakes/licences.ts'
import { MoneyChain, open, Reverted } from '../fakes/money-chain.ts'
import { noRoots } from '../fakes/version-diff.ts'

const bond = 10n ** 15n
const text = (value: string) => new TextEncoder().encode(value)
const hex = (bytes: Uint8Array): Hex => `0x${Buffer.from(bytes).toString('hex')}`
const mp3 = concatBytes(text('ID3'), Uint8Array.of(4, 0, 0, 0, 0, 0, 0), new Uint8Array(2_000).fill(0x55))

let chain: MoneyChain
beforeEach(async () => {
  chain = await MoneyChain.create()
  await send('owner', 'create', [0, 0, permissive, zeroHash, bond, zeroHash])
  await send('owner', 'setStatus', [1n, 2])
})

const send = (who: string, name: string, args: readonly unknown[], value = 0n) =>
  chain.send(chain.actor(who), 'DatanetRegistry', name, args, { value })
const judge = (name: string, args: readonly unknown[]) => chain.send(chain.actor('watcher'), 'DatanetJudge', name, args)
const refused = async (name: string, args: readonly unknown[]) =>
  (await chain.fails(chain.actor('watcher'), 'DatanetJudge', name, args)).error

const subjectOf = async (contribId: bigint) =>
  (await chain.read('DatanetJudge', 'subjectOf', [6, hex(uintBytes(contribId, 32)), 0n])) as Hex
async function rewardOf(contribId: bigint) {
  const found = await chain.read('DatanetJudge', 'rewardOf', [await subjectOf(contribId)])
  const { holder, amount } = found as { readonly holder: Hex; readonly amount: bigint }
  return { holder: holder.toLowerCase(), amount }
}

type Shown = { readonly contribId: bigint; readonly record: ItemRecord & { metaHash: Hex }; readonly siblings: Hex[] }

async function submit(who: string, content: Uint8Array, { consent = 0, size = content.length } = {}): Promise<Shown> {
  const record = { contentHash: contentHash(content), simHash: zeroHash, consent, size, metaHash: zeroHash }
  const args = [1n, record.contentHash, record.simHash, consent, size, record.metaHash]
  return { contribId: (await send(who, 'submit', args, bond)).result as bigint, record, siblings: [] }
}

async function submitBatch(
  contents: readonly Uint8Array[],
  sizes = contents.map(({ length }) => length),
): Promise<Shown[]> {
  const items = contents.map((content, i) => {
    return { contentHash: contentHash(content), simHash: zeroHash, consent: 0, size: sizes[i] ?? 0 }
  })
  const records = encodeBatchRecords(items)
  const size = items.reduce((sum, item) => sum + item.size, 0)
  const args = [1n, merkleRoot(records, batchRecordBytes), items.length, size, zeroHash]
  const first = (await send('author', 'submitBatch', args, bond * BigInt(items.length))).result as bigint
  let end = 0
  return items.map((item, i) => {
    end += item.size
    const siblings = proveChunk(records, batchRecordBytes, i).siblings.map(hex)
    return { contribId: first + BigInt(i), record: { ...item, size: end, metaHash: zeroHash }, siblings }
  })
}

function chunkOf(content: Uint8Array, index = 0) {
  const { chunk, siblings } = proveChunk(content, 1024, index)
  return { index, data: hex(chunk), siblings: siblings.map(hex) }
}

describe('a false contribution', () => {
  test('an mp3 in a text Datanet loses its bond, half to whoever shows it and half burned', async () => {
    const shown = await submit('author', mp3)
    const { events } = await judge('wrongType', [shown, chunkOf(mp3)])
    expect(events.map(({ name }) => name)).toContain('ContributionFault')
    const watcher = chain.actor('watcher').address
    expect(await rewardOf(shown.contribId)).toMatchObject({ holder: watcher, amount: bond / 2n })
    expect(chain.balance('DatanetJudge')).toBe(bond / 2n)
    const [slashed, burned, rewarded] = await Promise.all(
      ['slashed', 'burned', 'rewarded'].map((name) => chain.stored('DatanetRegistry', name) as Promise<bigint>),
    )
    expect([slashed, (burned ?? 0n) + (rewarded ?? 0n)]).toEqual([bond, bond])
    expect(await chain.stored('DatanetRegistry', 'contribution', 1n)).toMatchObject({ decision: 5 })
    expect(await refused('wrongType', [shown, chunkOf(mp3)])).toBe('NoFault')
  })

  test('a text is no fault, whatever is shown of it', async () => {
    const content = text('a text of two KiB '.repeat(120))
    const shown = await submit('author', content)
    expect(await refused('wrongType', [shown, chunkOf(content)])).toBe('NoFault')
    expect(await refused('wrongType', [shown, chunkOf(content, 1)])).toBe('NoFault')
    expect(await refused('wrongType', [shown, chunkOf(mp3)])).toBe('WrongRun')
    const other = { ...shown, record: { ...shown.record, size: 1 } }
    expect(await refused('wrongType', [other, chunkOf(content)])).toBe('WrongRecord')
    expect(await refused('falseSize', [shown, shown, chunkOf(content, 1)])).toBe('NoFault')
  })

  test('a size that the content goes beyond is shown by one chunk, alone and in a batch', async () => {
    const content = text('x'.repeat(3_000))
    const shown = await submit('author', content, { size: 2_048 })
    await judge('falseSize', [shown, shown, chunkOf(content, 2)])
    const [first, second] = (await submitBatch([text('one'), content], [3, 1_500])) as [Shown, Shown]
    expect(await refused('falseSize', [second, first, chunkOf(content, 0)])).toBe('NoFault')
    await judge('falseSize', [second, first, chunkOf(content, 1)])
    expect(await chain.stored('DatanetRegistry', 'contribution', second.contribId)).toMatchObject({ decision: 5 })
  })

  test('the same content twice: the later one, also within a batch and of a batch and alone', async () => {
    const [one, copy, other] = (await submitBatch([text('one'), text('one'), text('other')])) as [Shown, Shown, Shown]
    expect(await refused('duplicate', [one, copy])).toBe('NoFault')
    expect(await refused('duplicate', [other, one])).toBe('NoFault')
    await judge('duplicate', [copy, one])
    const alone = await submit('thief', text('other'))
    await judge('duplicate', [alone, other])
    const held = await chain.balance('DatanetRegistry')
    const locked = (await chain.stored('DatanetRegistry', 'bondsLocked')) as bigint
    const owed = (await chain.stored('DatanetRegistry', 'refundsOwed')) as bigint
    expect(held).toBe(locked + owed)
  })
})

describe('a copier of evidence', () => {
  const salt: Hex = `0x${'5a'.repeat(32)}`
  const commit = async (who: string, contribId: bigint) => {
    const parts = [chain.actor(who).address, await subjectOf(contribId), salt].map((each) => hexToBytes(each as Hex))
    await chain.send(chain.actor(who), 'DatanetJudge', 'commitEvidence', [keccakHex(concatBytes(...parts))])
    chain.advance(2)
  }
  const takeOver = async (who: string, contribId: bigint) =>
    [chain.actor(who), 'DatanetJudge', 'takeOverReward', [await subjectOf(contribId), salt]] as const

  test('who sends a seen challenge first earns nothing: the reward goes over to who had committed to it', async () => {
    const shown = await submit('author', mp3)
    await commit('watcher', shown.contribId)
    await chain.send(chain.actor('copier'), 'DatanetJudge', 'wrongType', [shown, chunkOf(mp3)])
    await chain.send(...(await takeOver('watcher', shown.contribId)))
    chain.advance(102)
    const [copier, watcher] = [chain.actor('copier'), chain.actor('watcher')]
    const pay = async (to: Hex) => [await subjectOf(shown.contribId), to]
    const refusal = await chain.fails(copier, 'DatanetJudge', 'payReward', await pay(copier.address))
    expect(refusal.error).toBe('NotHolder')
    const to: Hex = `0x${'77'.repeat(20)}`
    await chain.send(watcher, 'DatanetJudge', 'payReward', await pay(to))
    expect([chain.balance(to), chain.balance('DatanetJudge')]).toEqual([bond / 2n, 0n])
    expect(await chain.stored('DatanetRegistry', 'refundOf', copier.address)).toBe(0n)
  })

  test('nor by a commitment of its own, made in the block of the challenge or later', async () => {
    const shown = await submit('author', mp3)
    const copier = chain.actor('copier')
    const parts = [copier.address, await subjectOf(shown.contribId), salt].map((each) => hexToBytes(each as Hex))
    await chain.send(copier, 'DatanetJudge', 'commitEvidence', [keccakHex(concatBytes(...parts))])
    await judge('wrongType', [shown, chunkOf(mp3)])
    expect((await chain.fails(...(await takeOver('copier', shown.contribId)))).error).toBe('NoEarlierCommitment')
    chain.advance(120)
    await commit('copier', shown.contribId)
    expect((await chain.fails(...(await takeOver('copier', shown.contribId)))).error).toBe('RewardSettled')
    expect((await rewardOf(shown.contribId)).holder).toBe(chain.actor('watcher').address)
  })

  test('nobody but SignatureProofs says who is rewarded, and nobody but the registry sends bonds', async () => {
    for (const name of ['awardSlashed', 'awardShown']) {
      const error = await chain.fails(chain.actor('copier'), 'DatanetJudge', name, [1n, chain.actor('copier').address])
      expect(error.error).toBe('NotAllowed')
    }
  })
})

describe('a false version', () => {
  const listed = ({ contribId, record }: Shown): ListedItem => ({ contribId, contentHash: record.contentHash })

  async function publish(previous: readonly ListedItem[], next: readonly ListedItem[], change: object = {}) {
    const { diff } = versionDiff(previous, next, () => 0)
    await send('owner', 'publish', [1n, { ...noRoots, itemsRoot: itemTree(next).root }, { ...diff, ...change }])
  }

  /** Where a contribution stands in a list. */
  function shownIn(list: readonly ListedItem[], contribId: bigint) {
    const place = list.findIndex((item) => item.contribId === contribId)
    return { place, ...(list[place] as ListedItem), siblings: itemTree(list).siblings(place) }
  }

  async function accepted(contents: readonly string[], consents: readonly number[] = []): Promise<Shown[]> {
    const shown: Shown[] = []
    for (const [i, content] of contents.entries()) {
      shown.push(await submit('author', text(content), { consent: consents[i] ?? 0 }))
      await send('owner', 'decide', [shown[i]?.contribId, true, zeroHash])
    }
    return shown
  }

  test('holds what was not accepted, was withdrawn before, or refuses training: void by name; a right one is not', async () => {
    const [right, gone, noTraining] = (await accepted(['a', 'b', 'c'], [0, 0, 0x010])) as [Shown, Shown, Shown]
    const pending = await submit('author', text('d'))
    await send('author', 'withdrawConsent', [gone.contribId])
    const all = [right, gone, noTraining, pending]
    const items = all.map(listed)
    await publish([], items)
    const voided = async (each: Shown) =>
      await chain
        .fork()
        .then((fork) =>
          fork.send(fork.actor('watcher'), 'DatanetJudge', 'refusedItem', [
            1n,
            1,
            shownIn(items, each.contribId),
            each,
          ]),
        )
        .then(({ events }) =>
          Buffer.from(String(events[0]?.args['fault']).slice(2), 'hex').toString().replaceAll('\0', ''),
        )
    expect(await refused('refusedItem', [1n, 1, shownIn(items, right.contribId), right])).toBe('NoFault')
    expect(await Promise.all([gone, noTraining, pending].map(voided))).toEqual([
      'WITHDRAWN',
      'NO_TRAINING',
      'NOT_ACCEPTED',
    ])
    expect(await refused('foreignItem', [1n, 1, shownIn(items, right.contribId)])).toBe('NoFault')
  })

  test('what it adds is shown to have more bytes than it says by runs alone that are what they say', async () => {
    const contents = Array.from({ length: 8 }, (_, i) => text(`item ${i} ${'x'.repeat(10 * i)}`))
    const alone = (await accepted(['alone'])) as [Shown]
    const batch = await submitBatch(contents)
    const first = (batch[0] as Shown).contribId
    await send('owner', 'decideBatch', [first, true, zeroHash])
    const [next] = (await accepted(['next'])) as [Shown]
    const added = [...alone, ...batch.filter((_, i) => i !== 4), next].map(listed)
    const { diff } = versionDiff([], added, () => 0)
    const of = (each: Shown | undefined) => shownIn(added, (each as Shown).contribId)
    const run = (from: number, to: number, before: Shown | undefined = batch[from - 1]) => ({
      ...{ first: of(batch[from]), last: of(batch[to]), end: batch[to], before: before ?? batch[to] },
    })
    const single = (shown: Shown) => ({ first: of(shown), last: of(shown), end: shown, before: shown })
    const size = (from: number, to: number) =>
      contents.slice(from, to + 1).reduce((sum, { length }) => sum + BigInt(length), 0n)
    const right = [single(alone[0]), run(0, 3), run(5, 7), single(next)]
    const bytes = 5n + size(0, 3) + size(5, 7) + 4n
    /** A chain where the version says it adds so many bytes, and what becomes of a challenge there. */
    const said = async (addedBytes: bigint) => {
      const fork = await chain.fork()
      const value = (await fork.stored('DatanetRegistry', 'quotePublish', addedBytes)) as bigint
      const args = [1n, { ...noRoots, itemsRoot: itemTree(added).root }, { ...diff, addedBytes }]
      await fork.send(fork.actor('owner'), 'DatanetRegistry', 'publish', args, { value })
      return fork
    }
    const challenge = async (addedBytes: bigint, runs: readonly object[]): Promise<string> => {
      const fork = await said(addedBytes)
      try {
        await fork.send(fork.actor('watcher'), 'DatanetJudge', 'falseBytes', [1n, 1, runs])
      } catch (error) {
        if (error instanceof Reverted) return error.error
        throw error
      }
      const fault = (await fork.stored('DatanetJudge', 'voidFor', 1n, 1)) as Hex
      return Buffer.from(fault.slice(2), 'hex').toString().replaceAll('\0', '')
    }
    const wrong: readonly (readonly [object[], string])[] = [
      [right, 'NoFault'],
      [[...right, single(next)], 'NoFault'],
      [[run(0, 3), run(0, 3), run(5, 7)], 'NoFault'],
      [[run(5, 7), run(0, 3)], 'NoFault'],
      // Over a gap, over the batch's begin and its end, with a record that is another item's.
      [[run(0, 5)], 'NoFault'],
      [[{ ...run(0, 3), first: of(alone[0]) }], 'NoFault'],
      [[{ ...single(next), first: of(batch[7]) }], 'UnknownContribution'],
      [[run(5, 7, batch[3])], 'NoFault'],
      [[{ ...run(5, 7), end: batch[6] }], 'NoFault'],
      [[{ ...run(5, 7), end: { ...batch[7], record: { ...batch[7]?.record, size: 9_999 } } }], 'WrongRun'],
      [[{ ...single(next), end: { ...next, record: { ...next.record, size: 9_999 } } }], 'WrongRecord'],
      [[], 'NoFault'],
    ]
    for (const [runs, why] of wrong) expect(await challenge(bytes, runs), JSON.stringify(why)).toBe(why)
    expect(await challenge(bytes - 1n, right)).toBe('FALSE_BYTES')
    expect(await challenge(bytes - 1n, right.slice(0, 3))).toBe('NoFault')
    expect(await challenge(size(0, 3) - 1n, [run(0, 3)])).toBe('FALSE_BYTES')
    expect(await challenge(size(6, 7) - 1n, [run(6, 7)])).toBe('FALSE_BYTES')
    expect(await challenge(size(6, 7), [run(6, 7)])).toBe('NoFault')
  })

  test('a false difference is void, a right one stands', async () => {
    const [a, b, c, d] = (await accepted(['a', 'b', 'c', 'd'])).map(listed) as [
      ListedItem,
      ListedItem,
      ListedItem,
      ListedItem,
    ]
    const [before, after] = [
      [a, b],
      [a, c, d],
    ]
    await publish([], before)
    const honest = await chain.fork()
    const { diff } = versionDiff(before, after, () => 0)
    const roots = { ...noRoots, itemsRoot: itemTree(after).root }
    await honest.send(honest.actor('owner'), 'DatanetRegistry', 'publish', [1n, roots, diff])
    const against = async (name: string, args: readonly unknown[]) =>
      (await honest.fails(honest.actor('watcher'), 'DatanetJudge', name, [1n, 2, ...args])).error
    const [added, removed] = [[c, d], [b]]
    const inBefore = (id: bigint) => [shownIn(before, id)]
    expect(await against('falselyListed', [2, shownIn(added, c.contribId), 1, inBefore(b.contribId)])).toBe('NoFault')
    expect(await against('falselyListed', [2, shownIn(added, c.contribId), 0, [shownIn(after, c.contribId)]])).toBe(
      'NoFault',
    )
    expect(
      await against('unlisted', [0, shownIn(after, c.contribId), inBefore(b.contribId), [shownIn(added, c.contribId)]]),
    ).toBe('NoFault')
    expect(
      await against('unlisted', [
        1,
        shownIn(before, b.contribId),
        [shownIn(after, a.contribId), shownIn(after, c.contribId)],
        [shownIn(removed, b.contribId)],
      ]),
    ).toBe('NoFault')
    expect(await against('unsorted', [0, shownIn(after, a.contribId), shownIn(after, c.contribId)])).toBe('NoFault')
    expect(await against('falseCount', [0, shownIn(after, d.contribId)])).toBe('NoFault')
    expect(await against('missingItem', [0, 3, itemTree(after).siblings(3)])).toBe('NoFault')
    expect(await against('standingRemoved', [shownIn(removed, b.contribId)])).toBe('NoFault')

    // One that hides c among what was added and names a instead.
    const lie = [a, d]
    await publish(before, after, { addedRoot: itemTree(lie).root })
    const near = [shownIn(lie, a.contribId), shownIn(lie, d.contribId)]
    const caught = ['falselyListed', 'unlisted'] as const
    const proofs = [
      [1n, 2, 2, shownIn(lie, a.contribId), 1, [shownIn(before, a.contribId)]],
      [1n, 2, 0, shownIn(after, c.contribId), [shownIn(before, b.contribId)], near],
    ]
    for (const [i, name] of caught.entries()) {
      const fork = await chain.fork()
      await fork.send(fork.actor('watcher'), 'DatanetJudge', name, proofs[i] ?? [])
      expect(await fork.stored('DatanetJudge', 'voidFor', 1n, 2)).not.toBe(zeroHash)
    }
    expect(await refused('unlisted', [1n, 2, 0, shownIn(after, c.contribId), [], near])).toBe('NotDecided')
  })

  test('counts that are not the lists’, and lists that do not ascend', async () => {
    const [a, b, c] = (await accepted(['a', 'b', 'c'])).map(listed) as [ListedItem, ListedItem, ListedItem]
    const wrong = [a, c, b]
    const roots = { ...noRoots, itemsRoot: itemTree(wrong).root }
    const diff = {
      previousRoot: zeroHash,
      addedRoot: roots.itemsRoot,
      removedRoot: zeroHash,
      removed: 0,
      addedBytes: 0n,
    }
    await send('owner', 'publish', [1n, roots, { ...diff, itemCount: 2, added: 2 }])
    const beyond = [1n, 1, 0, shownIn(wrong, b.contribId)]
    const unsorted = [1n, 1, 0, shownIn(wrong, c.contribId), shownIn(wrong, b.contribId)]
    for (const [name, args] of [
      ['falseCount', beyond],
      ['unsorted', unsorted],
    ] as const) {
      const fork = await chain.fork()
      await fork.send(fork.actor('watcher'), 'DatanetJudge', name, args)
    }
    await judge('falseCount', beyond)
    expect(await refused('falseCount', beyond)).toBe('AlreadyVoid')
  })

  test('a count that the list’s tree has no room for is shown by any item; one that it has room for is not', async () => {
    const [a, b] = (await accepted(['a', 'b'])).map(listed) as [ListedItem, ListedItem]
    const both = [a, b]
    await publish([], both)
    expect(await refused('falseCount', [1n, 1, 0, shownIn(both, a.contribId)])).toBe('NoFault')
    await publish(both, both, { added: 1, addedRoot: itemTree([a]).root, itemCount: 3 })
    await judge('falseCount', [1n, 2, 0, shownIn(both, a.contribId)])
    expect(await chain.stored('DatanetJudge', 'voidFor', 1n, 2)).not.toBe(zeroHash)
  })

  test('is void: no index and no model is made of it, nor a model of an index that stood before; of others both are', async () => {
    const [a, b] = (await accepted(['a', 'b'])).map(listed) as [ListedItem, ListedItem]
    const foreign = { contribId: 99n, contentHash: zeroHash }
    const [first, second] = [
      [a, foreign],
      [a, b],
    ]
    await publish([], first)
    await publish(first, second)
    const id = await index(1)
    await judge('foreignItem', [1n, 1, shownIn(first, 99n)])

    const value = 100n * open
    const another = await chain.fails(chain.actor('author'), 'IndexRegistry', 'publish', [textIndex(1, 9)], { value })
    expect(another.error).toBe('VoidVersion')
    expect(await model(1, [])).toBe('VoidVersion')
    expect(await model(2, [id])).toBe('VoidVersion')
    await register(2, [await index(2)])
    // A version of it names that index as little.
    const next = [1n, { ...modelVersion, indexIds: [id] }]
    expect((await chain.fails(chain.actor('builder'), 'ModelRegistry', 'publish', next)).error).toBe('VoidVersion')
  })

  const word = (n: number): Hex => `0x${n.toString(16).padStart(64, '0')}`
  const modelVersion = { weightsManifest: word(1), configHash: word(2), trainingRoot: word(3), indexIds: [] as Hex[] }
  const modelArgs = (version: number, indexIds: readonly Hex[]) => [
    { kind: 0, verifyClasses: 1, licenceId: permissive, version: { ...modelVersion, indexIds } },
    [],
    [{ id: 1n, version, weightBps: 10_000 }],
  ]
  const register = (version: number, indexIds: readonly Hex[]) =>
    chain.send(chain.actor('builder'), 'ModelRegistry', 'register', modelArgs(version, indexIds))
  const model = async (version: number, indexIds: readonly Hex[]) =>
    (await chain.fails(chain.actor('builder'), 'ModelRegistry', 'register', modelArgs(version, indexIds))).error

  /** An index of a version, of which the registry looks at the counts alone. */
  const textIndex = (version: number, root = version) => ({
    ...{ datanet: 1n, version, tokenizerHash: word(7), vocab: 8, n: 4, documents: 2, tokenRoot: word(root) },
    ...{ suffixRoot: word(2), documentRoot: word(3), unigramRoot: word(4), offsetRoot: word(5) },
  })
  const index = async (version: number) =>
    (await chain.send(chain.actor('author'), 'IndexRegistry', 'publish', [textIndex(version)], { value: 100n * open }))
      .result as Hex
})

test('the contract and the command line agree on what is of a media type', async () => {
  const head = fc.constantFrom(
    ...['%PDF-', 'ID3', 'fLaC', 'PAR1', 'BM', 'RIFF____WAVE', 'RIFF____WEBP', 'PK\x03\x04', ''].map(text),
    Uint8Array.of(0xff, 0xfb),
    Uint8Array.of(0xff, 0xe8),
    Uint8Array.of(0xff, 0xd8, 0xff),
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    Uint8Array.of(0x49, 0x49, 0x2a, 0x00),
  )
  const unit = fc.constantFrom('a', 'é', '€', '😀', '\n')
  const byte = fc.constantFrom(0, 0x7f, 0x80, 0xc1, 0xc2, 0xe0, 0xed, 0xf0, 0xf4, 0xf5, 0xff)
  const tail = fc.tuple(fc.array(unit, { maxLength: 12 }), fc.array(byte, { maxLength: 2 }))
  const contents = fc.tuple(head, tail, fc.boolean()).map(([start, [units, bytes], isFull]) => {
    const all = concatBytes(start, text(units.join('')), Uint8Array.from(bytes))
    return isFull ? concatBytes(text('a'.repeat(1024 - all.length)), all) : all
  })
  for (let type = 1; type < mediaTypes.length; type++) {
    await send('owner', 'create', [type, 0, permissive, zeroHash, 0n, zeroHash])
    await send('owner', 'setStatus', [BigInt(type + 1), 2])
  }
  let count = 0n
  await fc.assert(
    fc.asyncProperty(contents, fc.nat(3), async (content, type) => {
      const bytes = concatBytes(content, content.length < 1024 ? new Uint8Array(0) : uintBytes(++count, 8))
      const fork = await chain.fork()
      const record = {
        contentHash: contentHash(bytes),
        simHash: zeroHash,
        consent: 0,
        size: bytes.length,
        metaHash: zeroHash,
      }
      const args = [BigInt(type + 1), record.contentHash, zeroHash, 0, record.size, zeroHash]
      const value = type === 0 ? bond : 0n
      const { result } = await fork.send(fork.actor('author'), 'DatanetRegistry', 'submit', args, { value })
      const shown = { contribId: result, record, siblings: [] }
      const challenge = fork.send(fork.actor('watcher'), 'DatanetJudge', 'wrongType', [shown, chunkOf(bytes)])
      const isRefused = await challenge.then(
        () => false,
        () => true,
      )
      expect(isRefused).toBe(isOfType(mediaTypes[type] ?? 'text', bytes.subarray(0, 1024)))
    }),
    { numRuns: 120 },
  )
})
