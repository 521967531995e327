import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { codeEvent, datanetEvent, word } from '../fakes/datanet-events.ts'
import { address, type FakeTx } from '../fakes/indexed-chain.ts'
import {
  createDatanet,
  decide,
  dump,
  IndexWorld,
  putManifest,
  submit,
  submitBatch,
  type TestIndex,
} from '../fakes/test-index.ts'

let world: IndexWorld

beforeEach(async () => {
  world = await IndexWorld.start()
})

afterEach(() => world.stop())

const act = fc.record({
  kind: fc.constantFrom(
    'submit',
    'shared',
    'batch',
    'decide',
    'withdraw',
    'status',
    'meta',
    'publish',
    'payout',
    'code',
  ),
  pick: fc.integer({ min: 0, max: 7 }),
})
const step = fc.record({
  drop: fc.integer({ min: 0, max: 25 }),
  blocks: fc.array(fc.array(act, { maxLength: 4 }), { minLength: 1, maxLength: 10 }),
  fetches: fc.boolean(),
})
type Act = { readonly kind: string; readonly pick: number }

/** What the registries would emit: ids grow, and nothing is said of what was not created. */
class Registry {
  contributions = 0n
  version = 0
  codes = 0
  readonly batches: bigint[] = []

  tx({ kind, pick }: Act): FakeTx {
    const [id, author] = [1n, address(0xb0 + (pick % 3))]
    switch (kind) {
      case 'submit':
        return submit(id, ++this.contributions, author, `text ${this.contributions}`)
      case 'shared':
        return submit(id, ++this.contributions, author, `shared ${pick}`, pick % 2 === 0)
      case 'batch': {
        const firstId = this.contributions + 1n
        const texts = Array.from({ length: 1 + pick }, (_, i) => `item ${pick} ${i % 3}`)
        this.contributions += BigInt(texts.length)
        this.batches.push(firstId)
        return submitBatch(id, firstId, author, texts.length, putManifest(world.content, texts))
      }
      case 'decide':
        return pick % 2 === 0 ? decide(BigInt(pick) + 1n, true, pick) : this.#decideBatch(pick)
      case 'withdraw':
        return { logs: [datanetEvent('ConsentWithdrawn', { contribId: BigInt(pick) + 1n, fromVersion: 1 })] }
      case 'status':
        return { logs: [datanetEvent('DatanetStatusSet', { id, status: 2 + (pick % 3) })] }
      case 'meta':
        return { logs: [datanetEvent('DatanetMeta', { id, metaHash: word(`meta of ${pick}`) })] }
      case 'publish':
        return { logs: [datanetEvent('VersionPublished', { id, version: ++this.version, ...roots(pick) })] }
      case 'payout':
        return { logs: [datanetEvent('PayoutRotated', { author, payout: address(pick + 1), fromEpoch: BigInt(pick) })] }
      default:
        return { logs: [this.#code(pick)] }
    }
  }

  #decideBatch(pick: number): FakeTx {
    const firstId = this.batches[pick % Math.max(1, this.batches.length)]
    if (firstId === undefined) return {}
    const values = { firstId, accepted: pick % 3 === 0, items: pick, reason: word('why') }
    return { logs: [datanetEvent('ContributionBatchDecided', values)] }
  }

  #code(pick: number) {
    const code = `app${this.codes}`
    if (this.codes === 0 || pick % 4 === 0) {
      const made = `app${++this.codes}`
      const values = { codeHash: word(made), owner: address(1), code: made, payout: address(2), uri: 'x' }
      return codeEvent('CodeRegistered', values)
    }
    const codeHash = word(code)
    if (pick % 4 === 1) return codeEvent('CodePayoutSet', { codeHash, payout: address(pick) })
    if (pick % 4 === 2) return codeEvent('CodeURISet', { codeHash, uri: `uri ${pick}` })
    return codeEvent('CodeTransferred', { codeHash, from: address(1), to: address(pick) })
  }
}

function roots(pick: number) {
  const root = word(`root ${pick}`)
  return {
    itemsRoot: root,
    tokenRoot: root,
    suffixRoot: root,
    tokenCount: BigInt(pick),
    croissantHash: word(`c ${pick}`),
  }
}

/** All that can be asked of a block. */
async function answers(index: TestIndex, block: number): Promise<unknown> {
  const at = `block: { number: ${block} }`
  const { data, errors } = await index.ask(`{
    _meta(${at}) { block { hash } stateDigest }
    datanets(${at}) { nodes { id status version metaHash versions { nodes { version itemsRoot } } labels { totalCount }
      contributions(last: 40) { totalCount nodes { id author contentHash status score preview } } } }
    codes(${at}) { nodes { code owner payout uri } }
    account(address: "${address(0xb0)}", ${at}) { payout contributedTo { totalCount } contributions { totalCount } }
    attributionLabels(${at}) { totalCount }
    logs(${at}) { totalCount }
  }`)
  expect(errors).toBeUndefined()
  return data
}

test('after reorgs of any depth every row and every answer about the past is that of a fresh index', async () => {
  let run = 0
  const property = fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 5 }), async (steps) => {
    const { chain } = world
    chain.restart()
    const index = world.open(`index-${run}`)
    chain.mine([createDatanet(1n)])
    // What the registries know goes back with the chain: one entry a block.
    const known: { contributions: bigint; version: number; codes: number; batches: bigint[] }[] = []
    const registry = new Registry()
    for (const { drop, blocks, fetches } of steps) {
      const depth = Math.min(drop, known.length)
      chain.drop(depth)
      const before = depth === 0 ? undefined : known[known.length - depth]
      known.length -= depth
      if (before !== undefined) Object.assign(registry, { ...before, batches: [...before.batches] })
      for (const acts of blocks) {
        const { contributions, version, codes, batches } = registry
        known.push({ contributions, version, codes, batches: [...batches] })
        chain.mine(acts.map((one) => registry.tx(one)))
      }
      await index.follow()
      if (fetches) await index.fetchContent()
    }
    await index.fetchContent()
    const fresh = world.open(`fresh-${run++}`)
    await fresh.follow()
    await fresh.fetchContent()
    expect(index.store.cursor()).toEqual(fresh.store.cursor())
    expect(dump(index.store)).toEqual(dump(fresh.store))
    for (const block of [0, chain.head.number >> 1, chain.head.number]) {
      expect(await answers(index, block)).toEqual(await answers(fresh, block))
    }
    // And the past is what it was when that block was the head.
    const early = world.open(`early-${run}`)
    const half = chain.head.number >> 1
    const catchUp = chain.lagTo(half)
    await early.follow()
    await early.fetchContent()
    catchUp()
    expect(await answers(index, half)).toEqual(await answers(early, half))
    for (const used of [index, fresh, early]) world.close(used)
  })
  await fc.assert(property, { numRuns: 8 })
}, 60_000)
