import { afterEach, beforeEach, expect, test } from 'vitest'
import { zeroAddress } from '../../protocol/bytes.ts'
import { datanetEvent, word } from '../fakes/datanet-events.ts'
import { address } from '../fakes/indexed-chain.ts'
import {
  createDatanet,
  decide,
  IndexWorld,
  putManifest,
  submit,
  submitBatch,
  type TestIndex,
} from '../fakes/test-index.ts'

let world: IndexWorld
let index: TestIndex
const author = address(0xb)

beforeEach(async () => {
  world = await IndexWorld.start()
  index = world.open()
  world.chain.mine([createDatanet(1n)])
})

afterEach(() => world.stop())

const event = (name: string, values: object) => ({ logs: [datanetEvent(name, { ...values })] })

async function ask(query: string) {
  await index.follow()
  const { data, errors } = (await index.ask(query)) as { data: Record<string, unknown>; errors?: unknown }
  expect(errors).toBeUndefined()
  return data
}

test('the review queue holds what nobody decided, alone or in a batch, also as a block left it', async () => {
  const root = putManifest(world.content, ['one', 'two'])
  world.chain.mine([submit(1n, 1n, author, 'a'), submit(1n, 2n, author, 'b'), submitBatch(1n, 3n, author, 2, root)])
  await index.follow()
  await index.fetchContent()
  const before = world.chain.head.number
  world.chain.mine([decide(1n, true), decide(3n, false)])
  const queue = 'reviewQueue { nodes { id } }'
  const data = await ask(`{ now: datanet(id: 1) { ${queue} }
    then: datanet(id: 1, block: { number: ${before} }) { ${queue} }
    accepted: contributions(where: { status: accepted }) { nodes { id } } }`)
  const ids = (name: string) => (data[name] as { reviewQueue: { nodes: { id: string }[] } }).reviewQueue.nodes
  expect(ids('now').map(({ id }) => Number(id))).toEqual([2, 4])
  expect(ids('then').map(({ id }) => Number(id))).toEqual([1, 2, 3, 4])
  expect(data['accepted']).toEqual({ nodes: [{ id: '1' }] })
  world.chain.mine([event('ContributionBatchDecided', { firstId: 3n, accepted: true, items: 1, reason: word('why') })])
  const after = await ask(`{ now: datanet(id: 1) { ${queue} } }`)
  expect(after['now']).toEqual({ reviewQueue: { nodes: [{ id: '2' }] } })
})

test('a contribution shows its size, its label, what holds it, whom it pays and what it lost', async () => {
  const made = { id: 1n, author, contentHash: word('x'), simHash: word('s'), consent: 3, size: 77, metaHash: word('m') }
  world.chain.mine([
    event('ContributionSubmitted', { ...made, contribId: 1n }),
    event('ContributionSubmitted', { ...made, contribId: 2n, size: 5 }),
    event('ContributionParent', { contribId: 2n, parent: 1n, kind: 1 }),
    event('ContributionHeld', { contribId: 1n, holds: 2 }),
    event('PayoutRedirected', { contribId: 1n, payee: address(7), from: 9n }),
    event('PayoutRedirected', { contribId: 2n, payee: zeroAddress, from: 9n }),
    event('ContributionSlashed', { contribId: 2n, rewardTo: address(8), amount: 9n, burned: 5n }),
  ])
  const shown = 'announcedSize kind holds redirectedTo status parent { id } slash { amount burned }'
  const data = await ask(`{ one: contribution(id: 1) { ${shown} annotations { nodes { id } } }
    two: contribution(id: 2) { ${shown} } usage: contributionUsage(author: "${author}") { files bytes } }`)
  expect(data['one']).toMatchObject({
    announcedSize: 77,
    kind: 'item',
    holds: 2,
    redirectedTo: address(7),
    slash: null,
  })
  expect(data['one']).toMatchObject({ annotations: { nodes: [{ id: '2' }] }, status: 'pending' })
  expect(data['two']).toMatchObject({ kind: 'label', parent: { id: '1' }, redirectedTo: null, status: 'slashed' })
  expect(data['two']).toMatchObject({ slash: { amount: '9', burned: '5' } })
  expect(data['usage']).toEqual({ files: 2, bytes: '82' })
})

test('a version shows its difference, a gap and why it is void; a Datanet its parameters', async () => {
  const roots = { itemsRoot: word('i'), tokenRoot: word('t'), suffixRoot: word('x'), tokenCount: 1n }
  const diff = {
    previousRoot: word('p'),
    addedRoot: word('a'),
    removedRoot: word('r'),
    itemCount: 4,
    added: 2,
    removed: 1,
    addedBytes: 9n,
  }
  world.chain.mine([
    event('DatanetParameter', { id: 1n, key: 2, value: 1n }),
    event('DatanetParameter', { id: 1n, key: 1, value: 5n }),
    event('VersionPublished', { id: 1n, version: 1, ...roots, croissantHash: word('c'), statementHash: word('s') }),
    event('VersionDiffed', { id: 1n, version: 1, diff, fee: 3n }),
    event('LiveGap', { id: 1n, version: 1, hoursMissed: 2n }),
  ])
  const data = await ask(`{ datanet(id: 1) { parameters { key value } visibility governed
    versions { nodes { gapHours voidFor statementHash diff { previousRoot itemCount added removed addedBytes fee } } } } }`)
  const { previousRoot, itemCount, added, removed } = diff
  const shownDiff = { previousRoot, itemCount, added, removed, addedBytes: '9', fee: '3' }
  expect(data['datanet']).toEqual({
    parameters: [
      { key: 1, value: '5' },
      { key: 2, value: '1' },
    ],
    visibility: 0,
    governed: false,
    versions: { nodes: [{ gapHours: '2', voidFor: null, statementHash: word('s'), diff: shownDiff }] },
  })
})
