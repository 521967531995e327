import { beforeEach, describe, expect, test } from 'vitest'
import { buildIndex, offsetsOf } from '../../attribution/suffix/build-index.ts'
import { checkIndex } from '../../attribution/suffix/check-index.ts'
import { checkText, TextCheck, wrongVocab } from '../../attribution/suffix/check-text.ts'
import { IndexOpener } from '../../attribution/suffix/index-opener.ts'
import { indexId } from '../../attribution/suffix/index-record.ts'
import { itemTree, LeafTree, type VersionItem } from '../../attribution/suffix/item-tree.ts'
import { SuffixIndex } from '../../attribution/suffix/suffix-index.ts'
import { uintTable } from '../../attribution/suffix/table.ts'
import { TableTree } from '../../attribution/suffix/table-tree.ts'
import { joinDocuments } from '../../attribution/suffix/text.ts'
import { encodeTokenizer } from '../../inference/tokenizer/tokenizer-file.ts'
import { trainTokenizer } from '../../inference/tokenizer/train.ts'
import { bytesToHex, type Hex, zeroHash } from '../../protocol/bytes.ts'
import { chunks, contentHash } from '../../protocol/content-hash.ts'
import { type Held, heldOf, itemsOf, openerOf } from '../fakes/held-index.ts'
import { permissive } from '../fakes/licences.ts'
import { type Actor, addressOf, clocks, MoneyChain, open } from '../fakes/money-chain.ts'
import { addingDiff, noRoots } from '../fakes/version-diff.ts'

const bond = 100n * open
const [day, notice] = [86_400n, 30n * 86_400n]
let chain: MoneyChain
let [publisher, challenger]: Actor[] = []

beforeEach(start)

async function start(): Promise<void> {
  chain = await MoneyChain.create()
  ;[publisher, challenger] = [chain.actor('publisher'), chain.actor('challenger')]
}

const actor = (who: Actor | undefined): Actor => {
  if (who === undefined) throw new Error('no such actor')
  return who
}

/** Publishes a Datanet version of the items, and the index. */
async function publish(opener: IndexOpener, items: readonly VersionItem[]): Promise<Hex> {
  const owner = chain.actor('datanet owner')
  const word = (n: number): Hex => `0x${n.toString(16).padStart(64, '0')}`
  await chain.send(owner, 'DatanetRegistry', 'create', [0, 0, permissive, word(2), 0n, word(3)])
  const roots = { ...noRoots, itemsRoot: itemTree(items).root }
  await chain.send(owner, 'DatanetRegistry', 'publish', [1n, roots, addingDiff(items.length)])
  await chain.send(actor(publisher), 'IndexRegistry', 'publish', [opener.index.record], { value: bond })
  return opener.index.id
}

type Lie = readonly [name: string, challenge: string, spoil: (held: Held, items: VersionItem[]) => void]

const add = (list: Uint32Array, place: number, by: number) => list.set([(list[place] as number) + by], place)

const lies: readonly Lie[] = [
  ['a token outside the vocabulary', 'badToken', ({ tokens, unigrams }) => tokens.set([unigrams.length], 1)],
  ['a first document that does not begin at 0', 'badDocument', ({ starts }) => starts.set([1], 0)],
  ['a document that begins inside another', 'badDocument', ({ starts }) => add(starts, 2, 1)],
  ['a document behind the text', 'badDocument', ({ starts, tokens }) => starts.set([tokens.length + 3], 4)],
  ['contributions out of order', 'badDocument', ({ contribIds }) => contribIds.reverse()],
  ['a text that ends without a separator', 'badDocument', ({ tokens }) => tokens.set([0], tokens.length - 1)],
  ['another contribution', 'badItem', (_, items) => items.splice(1, 1, { contribId: 5n, contentHash: zeroHash })],
  [
    'an item of the version left out',
    'otherItems',
    (_, items) => items.push({ contribId: 99n, contentHash: zeroHash }),
  ],
  ['a document that is no item', 'noItem', (_, items) => items.pop()],
  ['more documents than the version has room for', 'otherItems', (_, items) => items.splice(4)],
  ['an entry that is no place', 'badSuffix', ({ suffixes, tokens }) => suffixes.set([tokens.length], 7)],
  ['two entries exchanged', 'badOrder', ({ suffixes }) => suffixes.subarray(8, 10).reverse()],
  ['an entry twice', 'badOrder', ({ suffixes }) => suffixes.copyWithin(9, 8, 9)],
  ['equal suffixes by the wrong place', 'badOrder', ({ suffixes }) => suffixes.subarray(0, 2).reverse()],
  ['a separator sorted among the tokens', 'badSeparators', ({ suffixes }) => suffixes.subarray(5, 7).reverse()],
  ['a unigram counted twice', 'badUnigram', ({ unigrams }) => add(unigrams, 3, 1)],
]

describe('a lie in an index', () => {
  test.each(lies)('%s: proven by %s, half of the bond to who shows it, half burned', async (_, name, spoil) => {
    const held = heldOf(3)
    const items = itemsOf(held)
    spoil(held, items)
    const opener = openerOf(held)
    const id = await publish(opener, items)
    const challenge = checkIndex(opener, items)
    expect(challenge?.functionName).toBe(name)
    const supply = chain.supply()
    const sent = await chain.send(actor(challenger), 'IndexRegistry', name, challenge?.args)
    expect(sent.gas).toBeLessThan(500_000n)
    expect(sent.events.map((event) => event.name)).toEqual([
      'RewardWon',
      'IndexProvenFalse',
      'LiquidityBurned',
      'Burned',
    ])
    expect(chain.balance('IndexRegistry')).toBe(bond / 2n)
    expect(chain.supply()).toBe(supply)
    expect(await chain.read('IndexRegistry', 'isLive', [id])).toBe(false)
    const deadFrom = (chain.now / day + 1n) * day
    expect(await chain.read('IndexRegistry', 'indexOf', [id])).toMatchObject({ deadFrom, isFalse: true })
    const again = await chain.fails(actor(challenger), 'IndexRegistry', name, challenge?.args)
    expect(again.error).toBe('AlreadyFalse')
  })

  test('of equal suffixes anywhere is shown too', async () => {
    const held = heldOf(4)
    held.suffixes[40] = held.suffixes[8] as number
    const opener = openerOf(held)
    await publish(opener, itemsOf(held))
    const args = (i: number, j: number) => [
      opener.index.record,
      i,
      j,
      opener.suffixes(i, i + 1),
      opener.suffixes(j, j + 1),
    ]
    for (const [i, j] of [
      [8, 8],
      [8, 9],
    ] as const) {
      expect((await chain.fails(actor(challenger), 'IndexRegistry', 'equalSuffixes', args(i, j))).error).toBe('NoFault')
    }
    await chain.send(actor(challenger), 'IndexRegistry', 'equalSuffixes', args(8, 40))
  })
})

describe('an honest index', () => {
  test('is found right, and no right opening proves it false', async () => {
    for (const seed of [11, 12, 13]) {
      await start()
      const held = heldOf(seed)
      const items = itemsOf(held)
      const opener = openerOf(held)
      await publish(opener, items)
      expect(checkIndex(opener, items)).toBeUndefined()
      const answers = new Set<string>()
      for (const [name, ...args] of accusations(opener, items)) {
        answers.add((await chain.fails(actor(challenger), 'IndexRegistry', name, [opener.index.record, ...args])).error)
      }
      expect([...answers]).toEqual(['NoFault'])
    }
  })

  test('is not proven false by openings of another', async () => {
    const [held, other] = [heldOf(3), heldOf(5)]
    const opener = openerOf(held)
    await publish(opener, itemsOf(held))
    const forged = [opener.index.record, 1, openerOf(other).tokens(1, 2)]
    expect((await chain.fails(actor(challenger), 'IndexRegistry', 'badToken', forged)).error).toMatch(/^WrongRun/)
    const unknown = openerOf(other)
    const lie = [unknown.index.record, 1, unknown.suffixes(1, 2)]
    expect((await chain.fails(actor(challenger), 'IndexRegistry', 'badSuffix', lie)).error).toBe('NoFault')
  })
})

function* accusations(opener: IndexOpener, items: readonly VersionItem[]): Generator<[string, ...unknown[]]> {
  const { n, documents, vocab } = opener.index.record
  const { starts, suffixes } = opener.index.tables
  const tree = itemTree(items)
  const text = (position: number) => opener.tokens(position, Math.min(n, position + 64))
  for (let i = 0; i + 1 < n; i += 5) {
    yield ['badToken', i, opener.tokens(i, i + 1)]
    yield ['badSuffix', i, opener.suffixes(i, i + 1)]
    yield ['badOrder', i, opener.suffixes(i, i + 2), text(suffixes.at(i)), text(suffixes.at(i + 1))]
  }
  for (let d = 0; d <= documents; d++) {
    const end = d === documents ? n : Math.max(1, starts[d] as number)
    const rows = opener.documents(Math.max(0, d - 1), Math.min(d + 1, documents))
    yield ['badDocument', d, rows, opener.tokens(end - 1, end)]
  }
  for (const [d, { contribId, contentHash }] of items.entries()) {
    yield ['badItem', d, opener.documents(d, d + 1), contribId, contentHash, tree.siblings(d)]
    yield ['otherItems', d, contribId, contentHash, tree.siblings(d)]
  }
  yield ['noItem', documents, tree.siblings(documents)]
  for (const isLast of [true, false]) {
    const place = isLast ? documents - 1 : documents
    const position = suffixes.at(place)
    yield ['badSeparators', isLast, opener.suffixes(place, place + 1), opener.tokens(position, position + 1)]
  }
  for (let token = 0; token < vocab; token++) {
    yield ['badUnigram', token, opener.unigrams(token), opener.countOf(Uint32Array.of(token))]
  }
}

describe('a text that is not the contents', () => {
  const encode = (text: string) => new TextEncoder().encode(text)
  const words = 'the quick brown fox jumps over the lazy dog and the quick brown dog sleeps '
  const tokenizer = trainTokenizer(encode(words.repeat(40)), 300, 2)
  /** One of no bytes, one of whole chunks, three of them, and others. */
  const contents = [
    '',
    words,
    words.repeat(60).slice(0, 3 * 1024),
    words.repeat(31),
    words.repeat(40).slice(0, 2048),
  ].map(encode)
  const items = contents.map((content, i) => ({ contribId: BigInt(i + 3), contentHash: contentHash(content) }))
  const contentAt = (document: number) => contents[document] ?? new Uint8Array()

  /** An index of tokens as `spoil` leaves them, with offsets that follow from them, or as it leaves those. */
  function indexOf(spoil: (tokens: number[][]) => void, shift: (offsets: Uint32Array) => void = () => {}) {
    const documents = contents.map((content) => tokenizer.encode(content))
    spoil(documents)
    const text = joinDocuments(
      documents.map((tokens, i) => ({ contribId: items[i]?.contribId ?? 0n, tokens })),
      tokenizer.vocab,
    )
    const tokenLengths = Uint32Array.from({ length: tokenizer.vocab }, (_, token) => tokenizer.decode([token]).length)
    const tokenizerHash = contentHash(encodeTokenizer(tokenizer))
    const index = buildIndex(text, { datanet: 1n, version: 1, tokenizerHash, tokenLengths })
    const values = offsetsOf(index.tables, tokenLengths).read(0, index.record.n)
    const offsets = Uint32Array.from({ length: index.record.n }, (_, i) => Buffer.from(values).readUInt32BE(4 * i))
    shift(offsets)
    const record = { ...index.record, offsetRoot: bytesToHex(new TableTree(uintTable(offsets)).root) }
    const source = { tokenizer, items, contents: contentAt, offsets: uintTable(offsets) }
    return { opener: new IndexOpener(new SuffixIndex(record, index.tables, 64)), source, starts: index.tables.starts }
  }

  const byte = (letter: string) => tokenizer.encode(letter)[0] as number
  const lies: readonly (readonly [string, string, Parameters<typeof indexOf>])[] = [
    ['another token of as many bytes', 'badBytes', [(documents) => documents[3]?.splice(-1, 1, byte('!'))]],
    [
      'a token that is not the content’s, of other length',
      'badBytes',
      [(documents) => documents[2]?.splice(7, 1, byte('!'))],
    ],
    ['a special token', 'badOffset', [(documents) => documents[1]?.splice(2, 0, 1)]],
    ['a token left out at the end', 'badLength', [(documents) => documents[4]?.pop()]],
    ['a token more behind whole chunks with room behind', 'badLength', [(documents) => documents[2]?.push(byte('a'))]],
    ['a token more behind whole chunks without room', 'badLength', [(documents) => documents[4]?.push(byte('a'))]],
    ['a token more', 'badLength', [(documents) => documents[1]?.push(byte('a'))]],
    ['a token of content that has none', 'badLength', [(documents) => documents[0]?.push(byte('a'))]],
    ['an offset that is not the last one’s end', 'badOffset', [() => {}, (offsets) => add(offsets, 9, 1)]],
    ['a document that begins at another offset', 'badStart', [() => {}, (offsets) => add(offsets, 1, 1)]],
  ]

  test.each(lies)('%s: proven by %s', async (_, name, [spoil, shift]) => {
    const { opener, source } = indexOf(spoil, shift)
    await publish(opener, items)
    const challenge = checkText(opener, source)
    expect(challenge?.functionName).toBe(name)
    const { gas } = await chain.send(actor(challenger), 'IndexRegistry', name, challenge?.args)
    expect(gas).toBeLessThan(500_000n)
  })

  test('the contents’ own tokens are found right, and no right opening proves them false', async () => {
    const { opener, source, starts } = indexOf(() => {})
    await publish(opener, items)
    expect(checkText(opener, source)).toBeUndefined()
    const text = new TextCheck(opener, source)
    const { record, tables } = opener.index
    const answers = new Set<string>()
    const refused = async (name: string, ...args: readonly unknown[]) =>
      answers.add((await chain.fails(actor(challenger), 'IndexRegistry', name, [record, ...args])).error)
    for (const [document, content] of contents.entries()) {
      const start = starts[document] ?? 0
      const end = (starts[document + 1] ?? record.n) - 1
      const rows = opener.documents(document, Math.min(document + 2, record.documents))
      await refused('badStart', document, rows, text.offsetRun(start, start + 1))
      const separator = [end, opener.tokens(end, end + 1), text.offsetRun(end, end + 1), text.document(document)]
      for (const offset of [0, content.length]) await refused('badLength', ...separator, text.end(content, offset))
      let at = 0
      for (let place = start; place < end; place += 1) {
        const token = tables.tokens.at(place)
        const next = at + tokenizer.decode([token]).length
        if (place % 7 === 0) {
          await refused('badOffset', text.token(place, token))
          const shown = text.content(content, at, next)
          await refused('badBytes', text.token(place, token), text.document(document), shown)
        }
        at = next
      }
    }
    expect([...answers]).toEqual(['TextRight'])
  }, 60_000)

  test('that a content has no chunk somewhere behind its last does not say where it ends', async () => {
    const { opener, starts } = indexOf(() => {})
    await publish(opener, items)
    const text = new TextCheck(opener, indexOf(() => {}).source)
    // Document 3 has three chunks, the last not whole, and room for a fourth.
    const end = (starts[4] ?? 0) - 1
    const content = contentAt(3)
    const absent = { first: 3, data: '0x', siblings: new LeafTree(chunks(content, 1024)).siblings(3) }
    const shown = { total: content.length, run: absent }
    const separator = [end, opener.tokens(end, end + 1), text.offsetRun(end, end + 1), text.document(3)]
    const args = [opener.index.record, ...separator, shown]
    expect((await chain.fails(actor(challenger), 'IndexRegistry', 'badLength', args)).error).toBe('TextRight')
  })

  test('another vocabulary than the tokenizer’s is shown by its first chunk, and no right one', async () => {
    const { record } = indexOf(() => {}).opener.index
    const section = encodeTokenizer(tokenizer)
    expect(wrongVocab(record, section)).toBeUndefined()
    // Tokens behind the last could be anything: nobody can show their bytes.
    const wider = indexOf(() => {}).opener
    const lying = { ...record, vocab: record.vocab + 1 }
    await publish(wider, items)
    await chain.send(actor(publisher), 'IndexRegistry', 'publish', [lying], { value: bond })
    const challenge = wrongVocab(lying, section)
    const right = [record, ...(challenge?.args.slice(1) ?? [])]
    expect((await chain.fails(actor(challenger), 'IndexRegistry', 'badVocab', right)).error).toBe('VocabRight')
    const { gas } = await chain.send(actor(challenger), 'IndexRegistry', 'badVocab', challenge?.args)
    expect(gas).toBeLessThan(500_000n)
    expect(await chain.read('IndexRegistry', 'isLive', [indexId(lying)])).toBe(false)
    const none = await chain.fails(actor(challenger), 'IndexRegistry', 'badVocab', [record, section.length, []])
    expect(none.error).toMatch(/^NotShown/)
  })

  test('forged openings of a text are refused', async () => {
    const { opener } = indexOf(() => {})
    await publish(opener, items)
    for (const [, , [spoil, shift]] of lies) {
      const lying = indexOf(spoil, shift)
      const challenge = checkText(lying.opener, lying.source)
      const args = [opener.index.record, ...(challenge?.args.slice(1) ?? [])]
      const { error } = await chain.fails(actor(challenger), 'IndexRegistry', challenge?.functionName ?? '', args)
      expect(error).toMatch(/^WrongRun/)
    }
  })
})

describe('publishing', () => {
  test('takes the bond, the version and sizes that an index can have; the id is the hash of the record', async () => {
    const held = heldOf(3)
    const opener = openerOf(held)
    const { record } = opener.index
    const fails = async (index: unknown, value = bond) =>
      (await chain.fails(actor(publisher), 'IndexRegistry', 'publish', [index], { value })).error
    expect(await fails(record)).toBe('UnknownVersion')
    const id = await publish(opener, itemsOf(held))
    expect(id).toBe(indexId(record))
    expect(await chain.read('IndexRegistry', 'isLive', [id])).toBe(true)
    expect(await fails(record)).toBe('AlreadyPublished')
    expect(await fails({ ...record, vocab: 13 }, bond - 1n)).toBe('WrongBond')
    for (const counts of [
      { documents: 0 },
      { documents: record.n },
      { n: 0xffff_ffff },
      { vocab: 0 },
      { vocab: 2 ** 18 + 1 },
    ]) {
      expect(await fails({ ...record, ...counts })).toBe('BadCounts')
    }
    expect(chain.balance(addressOf('IndexRegistry'))).toBe(bond)
  })

  test('the texts of a permissioned Datanet stand in no index, of no version', async () => {
    const owner = chain.actor('datanet owner')
    const held = heldOf(3)
    const word = (n: number): Hex => `0x${n.toString(16).padStart(64, '0')}`
    await chain.send(owner, 'DatanetRegistry', 'create', [0, 1, permissive, word(2), 0n, word(3)])
    const itemsRoot = itemTree(itemsOf(held)).root
    for (const version of [1, 2]) {
      const diff = version === 1 ? addingDiff(1) : addingDiff(0, itemsRoot, 1)
      await chain.send(owner, 'DatanetRegistry', 'publish', [1n, { ...noRoots, itemsRoot }, diff])
      const index = { ...openerOf(held).index.record, version }
      const { error } = await chain.fails(actor(publisher), 'IndexRegistry', 'publish', [index], { value: bond })
      expect(error).toBe('Permissioned')
    }
  })

  test('the bond comes back two windows after a retired index last counted, to its publisher alone', async () => {
    const held = heldOf(3)
    const id = await publish(openerOf(held), itemsOf(held))
    const fails = async (who: Actor | undefined, name: string, ...args: unknown[]) =>
      (await chain.fails(actor(who), 'IndexRegistry', name, [id, ...args])).error
    const to: Hex = `0x${'70'.repeat(20)}`
    expect(await fails(publisher, 'returnBond', to)).toBe('BondLocked')
    expect(await fails(challenger, 'retire')).toBe('NotPublisher')
    await chain.send(actor(publisher), 'IndexRegistry', 'retire', [id])
    expect(await fails(publisher, 'retire')).toBe('AlreadyRetired')
    expect(await chain.read('IndexRegistry', 'isLive', [id])).toBe(false)
    expect(await chain.read('IndexRegistry', 'indexOf', [id])).toMatchObject({ deadFrom: chain.now + notice })
    chain.advance(notice + 2n * BigInt(clocks.window) - 2n)
    expect(await fails(publisher, 'returnBond', to)).toBe('BondLocked')
    chain.advance(2n)
    expect(await fails(challenger, 'returnBond', to)).toBe('NotPublisher')
    await chain.send(actor(publisher), 'IndexRegistry', 'returnBond', [id, to])
    expect(chain.balance(to)).toBe(bond)
    expect(await fails(publisher, 'returnBond', to)).toBe('NoBond')
  })

  test('an index proven false after its bond was returned is false, and rewards nobody', async () => {
    const held = heldOf(3)
    add(held.unigrams, 3, 1)
    const opener = openerOf(held)
    const id = await publish(opener, itemsOf(held))
    await chain.send(actor(publisher), 'IndexRegistry', 'retire', [id])
    chain.advance(notice + 2n * BigInt(clocks.window))
    await chain.send(actor(publisher), 'IndexRegistry', 'returnBond', [id, `0x${'70'.repeat(20)}`])
    const challenge = checkIndex(opener, itemsOf(held))
    const { events } = await chain.send(actor(challenger), 'IndexRegistry', 'badUnigram', challenge?.args)
    expect(events.map(({ name }) => name)).toEqual(['IndexProvenFalse'])
  })
})
