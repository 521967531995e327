import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ExplainThread } from '../../attribution/explain/explain-thread.ts'
import { systemClock } from '../../common/clock.ts'
import { ContentStore } from '../../common/content-store.ts'
import { silentLog } from '../../common/log.ts'
import { ContentFetcher } from '../../indexer/content/fetcher.ts'
import { LedgerFiles } from '../../indexer/content/ledger-files.ts'
import { PayoutTrees } from '../../indexer/content/payout-trees.ts'
import { IndexEvents } from '../../indexer/graphql/events.ts'
import { graphqlServer } from '../../indexer/graphql/server.ts'
import type { Escrow } from '../../indexer/store/escrows.ts'
import { Store } from '../../indexer/store/store.ts'
import { ChainClient } from '../../indexer/sync/chain-client.ts'
import { EscrowWatch } from '../../indexer/sync/escrow-watch.ts'
import { Sync, type SyncEvent } from '../../indexer/sync/sync.ts'
import { bytesToHex, concatBytes, type Hex, hexToBytes, zeroHash } from '../../protocol/bytes.ts'
import { merkleRoot } from '../../protocol/content-hash.ts'
import { batchRecordBytes, encodeBatchRecords } from '../../protocol/datanets/item-record.ts'
import { encodeSuffix } from '../../protocol/erc8021.ts'
import type { GovernanceParameters } from '../../protocol/governance-parameters.ts'
import { encodeOlPayload } from '../../protocol/ol-payload.ts'
import { datanetEvent, word } from './datanet-events.ts'
import { address, type FakeTx, IndexedChain } from './indexed-chain.ts'

export type Answer = {
  /** Of a shape that the asking test knows. */
  // biome-ignore lint/suspicious/noExplicitAny: the test says what it expects by what it reads.
  readonly data?: any
  readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[]
}

/** A fake chain with indexes that follow it, each in a directory of its own; all of it gone after `stop`. */
export class IndexWorld {
  readonly chain: IndexedChain
  readonly dir = mkdtempSync(join(tmpdir(), 'openledger-indexer-'))
  readonly content = new ContentStore(join(this.dir, 'content'), merkleRoot)
  readonly #stores = new Set<Store>()

  private constructor(chain: IndexedChain) {
    this.chain = chain
  }

  static async start(): Promise<IndexWorld> {
    return new IndexWorld(await IndexedChain.start())
  }

  open(name = 'index'): TestIndex {
    const store = Store.open(join(this.dir, name))
    this.#stores.add(store)
    return new TestIndex(this, store)
  }

  /** Opens an index that has all of the chain so far. */
  async followed(name?: string): Promise<TestIndex> {
    const index = this.open(name)
    await index.follow()
    return index
  }

  close({ store }: TestIndex): void {
    this.#stores.delete(store)
    store.close()
  }

  async stop(): Promise<void> {
    for (const store of this.#stores) store.close()
    await this.chain.stop()
    rmSync(this.dir, { recursive: true, force: true })
  }
}

export class TestIndex {
  readonly store: Store
  readonly sync: Sync
  readonly escrowWatch: EscrowWatch
  readonly events: SyncEvent[] = []
  /** What its chain says of Governor and Timelock. */
  governance: GovernanceParameters | undefined
  readonly subscriptions = new IndexEvents()
  readonly #world: IndexWorld
  readonly #server: ReturnType<typeof graphqlServer>

  constructor(world: IndexWorld, store: Store) {
    this.#world = world
    this.store = store
    const client = new ChainClient(world.chain.url)
    this.escrowWatch = new EscrowWatch({ client, store, clock: systemClock, log: silentLog })
    this.sync = new Sync({
      client,
      store,
      clock: systemClock,
      log: silentLog,
      nextHead: () => new Promise<void>(() => {}),
      onEvent: (event) => {
        this.events.push(event)
        this.subscriptions.publish(event)
      },
    })
    this.#server = graphqlServer(
      {
        store,
        content: world.content,
        payouts: new PayoutTrees(world.content),
        chainId: () => 901n,
        syncState: () => this.sync.state,
        escrowStates: () => this.escrowWatch.states,
        governance: () => this.governance,
        events: this.subscriptions,
        words: new ExplainThread({ indexes: undefined, models: [] }),
      },
      silentLog,
    )
  }

  /** Steps until the index holds the chain's head, then fetches what content there is. */
  async follow(): Promise<void> {
    for (let i = 0; i < 500; i++) {
      const more = await this.sync.step()
      if (!more && this.store.cursor()?.hash === this.#world.chain.head.hash) return
    }
    throw new Error('the index does not reach the head')
  }

  async fetchContent(): Promise<void> {
    const { content } = this.#world
    const clock = { nowMs: () => 0, sleep: () => new Promise<void>((resolve) => setImmediate(resolve)) }
    const fetcher = new ContentFetcher({ store: this.store, content, clock, log: silentLog })
    for (const state of ['missing', 'damaged'] as const) await fetcher.round(state, new AbortController().signal)
  }

  /** Looks once for the data of batches and epochs. */
  async fetchFiles(content = this.#world.content): Promise<void> {
    const clock = { nowMs: () => 0, sleep: () => new Promise<void>((resolve) => setImmediate(resolve)) }
    const files = new LedgerFiles({ store: this.store, content, peers: undefined, clock, log: silentLog })
    await files.round(new AbortController().signal)
  }

  async ask(query: string, variables?: unknown): Promise<Answer> {
    const answer = await this.#server.fetch('http://localhost/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    })
    return (await answer.json()) as Answer
  }

  /** What a query that has an answer is answered. Throws where it has none. */
  async data(query: string, variables?: unknown): Promise<Answer['data']> {
    const { data, errors } = await this.ask(query, variables)
    if (errors !== undefined) throw new Error(errors.map(({ message }) => message).join('; '))
    return data
  }

  /** wei that the index says a contract holds for others. */
  owed(escrow: Escrow): bigint {
    return BigInt(String(this.store.state('escrow', escrow)?.['owed'] ?? 0))
  }
}

export const createDatanet = (id: bigint, owner = address(0xa)): FakeTx => ({
  logs: [
    datanetEvent('DatanetCreated', {
      id,
      owner,
      mediaType: 0,
      licenceId: paddedText('MIT'),
      metaHash: word(`meta ${id}`),
    }),
  ],
})

/** A contribution; `label`: with the suffix that names it. */
export function submit(id: bigint, contribId: bigint, author: Hex, text: string, isLabelled = true): FakeTx {
  const ol = encodeOlPayload({ kind: 'contribution', datanet: { id, version: 1 }, root: hexToBytes(word(text)) })
  const values = { id, contribId, author, contentHash: word(text), simHash: word('sim'), consent: 3, bond: 5n }
  return {
    from: author,
    to: address(5),
    input: isLabelled ? bytesToHex(concatBytes(Uint8Array.of(1, 2, 3, 4), encodeSuffix({ code: 'app', ol }))) : '0x',
    logs: [datanetEvent('ContributionSubmitted', values)],
  }
}

export const submitBatch = (id: bigint, firstId: bigint, author: Hex, count: number, root: Hex): FakeTx => ({
  from: author,
  logs: [datanetEvent('ContributionBatch', { id, firstId, author, count, root, bond: 5n * BigInt(count) })],
})

export const decide = (contribId: bigint, accepted: boolean, score = 7): FakeTx => ({
  logs: [datanetEvent('ContributionDecided', { contribId, accepted, score, reason: word('why') })],
})

/** The list of a batch, put into the store with its texts; returns its root. */
export function putManifest(content: ContentStore, texts: readonly string[]): Hex {
  const items = texts.map((text) => {
    const bytes = new TextEncoder().encode(text)
    return { contentHash: content.put(bytes), simHash: zeroHash, consent: 7, size: bytes.length }
  })
  return content.putRecords(encodeBatchRecords(items), batchRecordBytes)
}

export function paddedText(text: string): Hex {
  const bytes = new Uint8Array(32)
  bytes.set(new TextEncoder().encode(text))
  return bytesToHex(bytes)
}

/** Every row of every table that follows from the chain: two indexes of one chain have the same. */
export function dump(store: Store): unknown {
  const tables = store
    .all("select name from sqlite_master where type = 'table' and name not in ('meta', 'touch') order by name")
    .map((row) => String(row['name']))
  return tables.map((table) => [table, store.all(`select * from ${table} order by 1, 2`)])
}
