import fc from 'fast-check'
import { type AbiEvent, decodeEventLog, encodeEventTopics, type Hex, toEventSignature } from 'viem'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { codeRegistryAbi } from '../../contracts/abi/code-registry.ts'
import { datanetRegistryAbi } from '../../contracts/abi/datanet-registry.ts'
import { shortText } from '../../indexer/handlers/event.ts'
import type { Row } from '../../indexer/store/store.ts'
import { codeEvent, datanetEvent } from '../fakes/datanet-events.ts'
import type { FakeLog } from '../fakes/indexed-chain.ts'
import { createDatanet, IndexWorld, submitBatch, type TestIndex } from '../fakes/test-index.ts'

// biome-ignore lint/suspicious/noExplicitAny: values of an ABI read at run time.
type Values = Record<string, any>

const statuses = ['none', 'draft', 'open', 'closed', 'archived', 'published']
const codeHash = `0x${'c0'.repeat(32)}` as const
const outcome = (accepted: boolean) => (accepted ? 'accepted' : 'rejected')

/** For each event the row that must follow from it, as viem reads the log; undefined: it changes no row. */
const rows: Record<string, (values: Values, index: TestIndex) => [Row | undefined, Row] | undefined> = {
  DatanetCreated: ({ id, owner, mediaType, visibility, licenceId, metaHash }, { store }) => [
    store.state('datanet', Number(id)),
    {
      owner,
      media_type: mediaType,
      visibility,
      licence_id: shortText(licenceId),
      meta_hash: metaHash,
      status: 'draft',
      version: 0,
    },
  ],
  DatanetMeta: ({ metaHash }, { store }) => [store.state('datanet', 1), { meta_hash: metaHash }],
  DatanetStatusSet: ({ status }, { store }) => [store.state('datanet', 1), { status: statuses[status] ?? '' }],
  ContributionSubmitted: (
    { id, contribId, author, contentHash, simHash, consent, bond, size, metaHash },
    { store },
  ) => [
    store.get('select * from contribution where id = ?', Number(contribId)),
    {
      datanet: Number(id),
      author,
      content_hash: contentHash,
      sim_hash: simHash,
      consent,
      bond: String(bond),
      size,
      meta_hash: metaHash,
      batch: null,
    },
  ],
  ContributionBatch: ({ id, firstId, author, count, root, bond, size, metaHash }, { store }) => [
    store.get('select * from batch where first_id = ?', Number(firstId)),
    {
      ...{ datanet: Number(id), author, count, root, size, meta_hash: metaHash },
      bond: String(count === 0 ? 0n : bond / BigInt(count)),
    },
  ],
  ContributionDecided: ({ contribId, accepted, score, reason }, { store }) => [
    store.state('decision', `c${contribId}`),
    { status: outcome(accepted), score, reason },
  ],
  ContributionBatchDecided: ({ firstId, accepted, reason }, { store }) => [
    store.state('decision', `b${firstId}`),
    { status: outcome(accepted), reason },
  ],
  ConsentWithdrawn: ({ contribId }, { store }) => [store.state('decision', `c${contribId}`), { status: 'withdrawn' }],
  // Bonds are the contract's money: the index shows what was locked, and the balance is read from the chain.
  BondReleased: () => undefined,
  RefundClaimed: () => undefined,
  VersionPublished: (values, { store }) => [
    store.get('select * from version where datanet = 1 and version = ?', Number(values['version'])),
    {
      items_root: values['itemsRoot'],
      token_root: values['tokenRoot'],
      suffix_root: values['suffixRoot'],
      token_count: String(values['tokenCount']),
      croissant_hash: values['croissantHash'],
      statement_hash: values['statementHash'],
    },
  ],
  DatanetGoverned: (_, { store }) => [store.state('datanet', 1), { governed: 1 }],
  DatanetParameter: ({ id, key, value }, { store }) => [
    store.state('datanet_parameter', `${id}:${key}`),
    { datanet: Number(id), parameter: key, value: String(value) },
  ],
  LimitsSet: ({ authorBytes, datanetBytes, authorFiles, publishPrice }, { store }) => [
    store.state('datanet_limits', 0),
    {
      ...{ author_bytes: String(authorBytes), datanet_bytes: String(datanetBytes) },
      ...{ author_files: authorFiles, publish_price: String(publishPrice) },
    },
  ],
  ContributionParent: ({ contribId, parent, kind }, { store }) => [
    store.get('select * from contribution_parent where id = ?', Number(contribId)),
    { parent: Number(parent), kind },
  ],
  ContributionHeld: ({ contribId, holds }, { store }) => [
    store.state('contribution_hold', Number(contribId)),
    { holds },
  ],
  ContributionSlashed: ({ contribId, rewardTo, amount, burned }, { store }) => [
    {
      ...store.state('decision', `c${contribId}`),
      ...store.get('select * from contribution_slash where id = ?', Number(contribId)),
    },
    { status: 'slashed', reward_to: rewardTo, amount: String(amount), burned: String(burned) },
  ],
  VersionDiffed: ({ id, version, diff, fee }, { store }) => [
    store.get('select * from version_diff where datanet = ? and version = ?', Number(id), version),
    {
      ...{ previous_root: diff.previousRoot, added_root: diff.addedRoot, removed_root: diff.removedRoot },
      ...{ item_count: diff.itemCount, added: diff.added, removed: diff.removed },
      ...{ added_bytes: String(diff.addedBytes), fee: String(fee) },
    },
  ],
  LiveGap: ({ id, version, hoursMissed }, { store }) => [
    store.get('select * from live_gap where datanet = ? and version = ?', Number(id), version),
    { hours: String(hoursMissed) },
  ],
  PayoutRedirected: ({ contribId, payee, from }, { store }) => [
    store.state('redirect', Number(contribId)),
    { payee, from_time: String(from) },
  ],
  PayoutRotated: ({ author, payout, fromEpoch }, { store }) => [
    store.state('payout', author),
    { payout, from_epoch: String(fromEpoch) },
  ],
  CodeRegistered: ({ codeHash: hash, owner, code, payout, uri }, { store }) => [
    store.state('code', hash),
    { owner, code, payout, uri },
  ],
  CodePayoutSet: ({ payout }, { store }) => [store.state('code', codeHash), { payout }],
  CodeURISet: ({ uri }, { store }) => [store.state('code', codeHash), { uri }],
  CodeTransferred: ({ to }, { store }) => [store.state('code', codeHash), { owner: to }],
}

/** Events of what was created before them name these. */
const fixed: Record<string, Values> = {
  DatanetMeta: { id: 1n },
  DatanetStatusSet: { id: 1n },
  DatanetGoverned: { id: 1n },
  VersionPublished: { id: 1n },
  CodePayoutSet: { codeHash },
  CodeURISet: { codeHash },
  CodeTransferred: { codeHash },
}

const ids = fc.bigInt({ min: 2n, max: 2n ** 53n - 1n })

function arbitrary(event: string, input: AbiEvent['inputs'][number]): fc.Arbitrary<unknown> {
  const { name = '', type } = input
  if ('components' in input) {
    const fields = input.components.map((field) => [field.name ?? '', arbitrary(event, field)] as const)
    return fc.record(Object.fromEntries(fields))
  }
  if (event === 'DatanetStatusSet' && name === 'status') return fc.integer({ min: 1, max: 5 })
  if (['id', 'contribId', 'firstId', 'parent'].includes(name)) return ids
  if (type === 'address') return hex(20)
  if (type === 'bytes32') return hex(32)
  if (type === 'bool') return fc.boolean()
  if (type === 'string') return fc.string({ unit: 'grapheme', maxLength: 100 })
  const bits = Number(type.slice('uint'.length))
  return bits <= 48 ? fc.integer({ min: 0, max: 2 ** bits - 1 }) : fc.bigInt({ min: 0n, max: 2n ** BigInt(bits) - 1n })
}

const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((value): Hex => `0x${Buffer.from(value).toString('hex')}`)

const eventsOf = (abi: readonly unknown[], make: (name: string, values: Values) => FakeLog) =>
  (abi as AbiEvent[])
    .filter((item) => item.type === 'event')
    .map((event): [string, AbiEvent, typeof make] => [event.name, event, make])

const all = [...eventsOf(datanetRegistryAbi, datanetEvent), ...eventsOf(codeRegistryAbi, codeEvent)]

describe('events', () => {
  let world: IndexWorld

  beforeEach(async () => {
    world = await IndexWorld.start()
  })

  afterEach(() => world.stop())

  test('each event of both contracts has a row here, so a new one cannot be forgotten', () => {
    expect(all.map(([name]) => name).sort()).toEqual(Object.keys(rows).sort())
  })

  test.each(all)('%s is indexed with the values that viem decodes', async (name, event, make) => {
    const index = world.open()
    const code = { codeHash, owner: codeHash.slice(0, 42), code: 'app', payout: codeHash.slice(0, 42), uri: '' }
    world.chain.mine([createDatanet(1n), { logs: [codeEvent('CodeRegistered', code)] }])
    const values = fc.record(Object.fromEntries(event.inputs.map((input) => [input.name, arbitrary(name, input)])))
    // The registries give an id once.
    const samples = new Map(
      fc.sample(values, { numRuns: 20, seed: 8 }).map((sample: Values) => {
        const { contribId, firstId, version } = sample
        return [contribId ?? firstId ?? version ?? sample, { ...sample, ...fixed[name] }]
      }),
    )
    for (const sample of samples.values()) {
      const log = make(name, sample)
      world.chain.mine([{ logs: [log] }])
      await index.follow()
      // The log as the node shows it, decoded by code that the indexer does not use.
      const decoded = decodeEventLog({ abi: [event], topics: log.topics as [Hex], data: log.data })
      const found = rows[name]?.(lowerCase(decoded.args as Values), index)
      if (found !== undefined) expect(found[0]).toMatchObject(found[1])
      const stored = index.store.get('select topic0, data from log order by block desc, idx desc limit 1')
      expect(stored?.['topic0']).toBe(encodeEventTopics({ abi: [event] })[0])
      expect(`0x${Buffer.from(stored?.['data'] as Uint8Array).toString('hex')}`).toBe(log.data)
    }
    expect(toEventSignature(event)).toContain(name)
  })

  test('the same event of another address changes nothing', async () => {
    const index = world.open()
    const batch = submitBatch(1n, 1n, codeHash.slice(0, 42) as Hex, 3, codeHash)
    const logs = [...(createDatanet(7n).logs ?? []), ...(batch.logs ?? [])]
    world.chain.mine([{ logs: logs.map((log) => ({ ...log, address: codeHash.slice(0, 42) as Hex })) }])
    await index.follow()
    expect(index.store.state('datanet', 7)).toBeUndefined()
    expect(index.store.all('select * from batch')).toEqual([])
    expect(index.store.all('select * from log')).toHaveLength(2)
  })
})

/** viem writes addresses with their checksum. */
function lowerCase(values: Values): Values {
  const lowered = (value: unknown) =>
    typeof value === 'string' && /^0x[0-9a-fA-F]{40}$/.test(value) ? value.toLowerCase() : value
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, lowered(value)]))
}
