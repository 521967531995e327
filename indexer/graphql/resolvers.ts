import { contentBytesMax } from '../../common/content-store.ts'
import type { Row, Value } from '../store/store.ts'
import { connection, equals, type Listing, type PageArguments } from './connection.ts'
import type { QueryContext } from './context.ts'
import { queryError } from './query-error.ts'
import { scalars } from './scalars.ts'

/** Bytes of a text that a query gets whole; longer ones are cut here and read from the content store. */
export const textBytesMax = 1024 * 1024

/** A row, and the block whose state it shows; `at` undefined: the newest. */
type Entity = { readonly row: Row; readonly at?: number | undefined }
type BlockInput = { readonly number?: number | null; readonly hash?: string | null }
type AtBlock = { readonly block?: BlockInput | null }
type Where = { readonly where?: Readonly<Record<string, Value>> | null }
type Arguments = PageArguments & Where & AtBlock

const column = (name: string) => (entity: Entity) => entity.row[name]

const Query = {
  _meta: (_: unknown, __: unknown, context: QueryContext) => context,
  block: (_: unknown, { number, hash }: BlockInput, { store }: QueryContext) => {
    if ((number === undefined || number === null) === (hash === undefined || hash === null)) {
      throw queryError('BAD_INPUT', 'give either number or hash')
    }
    return entity(
      hash
        ? store.get('select * from block where hash = ?', hash)
        : store.get('select * from block where number = ?', number ?? -1),
    )
  },
  blocks: (_: unknown, page: PageArguments, { store }: QueryContext) =>
    connection(store, { from: 'block', where: [], key: ['number'] }, { orderDirection: 'desc', ...page }, (row) => ({
      row,
    })),
  transaction: (_: unknown, { hash }: { readonly hash: string }, { store }: QueryContext) =>
    entity(store.get('select * from tx where hash = ?', hash)),
  transactions: (_: unknown, { where, ...page }: Arguments, context: QueryContext) =>
    transactions(
      [
        ...equals('sender', where?.['from']),
        ...equals('recipient', where?.['to']),
        ...equals('block', where?.['block']),
      ],
      page,
      context,
    ),
  logs: (_: unknown, { where, ...page }: Arguments, context: QueryContext) =>
    logs(
      [
        ...equals('address', where?.['address']),
        ...equals('topic0', where?.['topic0']),
        ...equals('block', where?.['block']),
      ],
      page,
      context,
    ),
  account: (_: unknown, { address }: { readonly address: string }) => ({ address }),
  datanet: (_: unknown, { id, block }: { readonly id: number } & AtBlock, context: QueryContext) =>
    datanet(id, atBlock(block, context), context),
  datanets: (_: unknown, { where, block, ...page }: Arguments, context: QueryContext) =>
    datanets(
      [
        ...equals('owner', where?.['owner']),
        ...equals('status', where?.['status']),
        ...contributedBy(where?.['contributor'], atBlock(block, context)),
      ],
      page,
      atBlock(block, context),
      context,
    ),
  contribution: (_: unknown, { id, block }: { readonly id: number } & AtBlock, context: QueryContext) => {
    const at = atBlock(block, context)
    const row = context.store.get(
      `select * from contribution where id = ?${at === undefined ? '' : ` and block <= ${at}`}`,
      id,
    )
    return entity(row, at)
  },
  contributions: (_: unknown, { where, block, ...page }: Arguments, context: QueryContext) =>
    contributions(contributionFilter(where), page, atBlock(block, context), context),
  attributionLabels: (_: unknown, { where, ...page }: Arguments, context: QueryContext) =>
    labels(
      [
        ...equals('sender', where?.['sender']),
        ...equals('code', where?.['code']),
        ...equals('datanet_id', where?.['datanetId']),
        ...equals('root', where?.['root']),
        ...equals('tx_hash', where?.['transaction']),
      ],
      page,
      context,
    ),
  code: (_: unknown, { code, block }: { readonly code: string } & AtBlock, context: QueryContext) => {
    const at = atBlock(block, context)
    const current = context.store.get('select key from code where code = ?', code)
    return current === undefined ? null : entity(context.store.state('code', String(current['key']), at), at)
  },
  codes: (_: unknown, page: PageArguments, { store }: QueryContext) =>
    connection(store, { from: 'code', where: [], key: ['code'] }, page, (row) => ({ row })),
}

const Meta = {
  chainId: ({ chainId }: QueryContext) => String(chainId),
  block: ({ store }: QueryContext) =>
    store.get('select number, hash, parent_hash as parentHash, timestamp from block order by number desc limit 1') ??
    null,
  head: ({ syncState }: QueryContext) => syncState().head ?? null,
  safe: ({ syncState }: QueryContext) => syncState().safe ?? null,
  finalized: ({ syncState }: QueryContext) => syncState().finalized ?? null,
  headLag: ({ store, syncState }: QueryContext) => {
    const { head } = syncState()
    return head === undefined ? null : Math.max(0, head - (store.cursor()?.number ?? 0))
  },
  hasIndexingErrors: ({ syncState }: QueryContext) => syncState().error !== undefined,
  error: ({ syncState }: QueryContext) => syncState().error ?? null,
  stateDigest: ({ store }: QueryContext) => store.cursor()?.digest ?? null,
  missingContent: ({ store }: QueryContext) => {
    const texts = store.get("select count(*) as n from content where state = 'missing'")
    const manifests = store.get("select count(*) as n from manifest where state = 'missing'")
    return Number(texts?.['n'] ?? 0) + Number(manifests?.['n'] ?? 0)
  },
}

const Block = {
  number: column('number'),
  hash: column('hash'),
  parentHash: column('parent_hash'),
  timestamp: column('timestamp'),
  gasUsed: column('gas_used'),
  gasLimit: column('gas_limit'),
  baseFeePerGas: column('base_fee'),
  stateRoot: column('state_root'),
  transactionCount: column('transaction_count'),
  digest: column('digest'),
  transactions: ({ row }: Entity, page: PageArguments, context: QueryContext) =>
    transactions(equals('block', row['number']), page, context),
}

const Transaction = {
  hash: column('hash'),
  index: column('idx'),
  blockNumber: column('block'),
  block: ({ row }: Entity, _: unknown, { store }: QueryContext) =>
    entity(store.get('select * from block where number = ?', row['block'] ?? -1)),
  from: column('sender'),
  to: column('recipient'),
  type: column('type'),
  nonce: column('nonce'),
  value: column('value'),
  input: column('input'),
  succeeded: ({ row }: Entity) => row['status'] === 1,
  gasUsed: column('gas_used'),
  effectiveGasPrice: column('gas_price'),
  l1Fee: column('l1_fee'),
  contractAddress: column('contract'),
  logs: ({ row }: Entity, page: PageArguments, context: QueryContext) =>
    logs([...equals('block', row['block']), ...equals('tx', row['idx'])], page, context),
  labels: ({ row }: Entity, _: unknown, { store }: QueryContext) =>
    store.all('select * from label where tx_hash = ? order by id', row['hash'] ?? '').map((label) => ({ row: label })),
}

const Log = {
  blockNumber: column('block'),
  index: column('idx'),
  address: column('address'),
  data: column('data'),
  topics: ({ row }: Entity) => ['topic0', 'topic1', 'topic2', 'topic3'].flatMap((name) => row[name] ?? []),
  transaction: ({ row }: Entity, _: unknown, { store }: QueryContext) =>
    entity(store.get('select * from tx where block = ? and idx = ?', row['block'] ?? -1, row['tx'] ?? -1)),
}

type AccountNode = { readonly address: string }

const Account = {
  payout: ({ address }: AccountNode, { block }: AtBlock, context: QueryContext) =>
    context.store.state('payout', address, atBlock(block, context))?.['payout'] ?? address,
  datanets: ({ address }: AccountNode, page: PageArguments, context: QueryContext) =>
    datanets(equals('owner', address), page, undefined, context),
  contributedTo: ({ address }: AccountNode, page: PageArguments, context: QueryContext) =>
    datanets(contributedBy(address, undefined), page, undefined, context),
  contributions: ({ address }: AccountNode, { where, ...page }: Arguments, context: QueryContext) =>
    contributions([...equals('author', address), ...contributionFilter(where)], page, undefined, context),
  labels: ({ address }: AccountNode, page: PageArguments, context: QueryContext) =>
    labels(equals('sender', address), page, context),
}

const Datanet = {
  id: column('key'),
  owner: column('owner'),
  mediaType: column('media_type'),
  licence: column('licence_id'),
  status: column('status'),
  version: column('version'),
  metaHash: column('meta_hash'),
  meta: ({ row }: Entity, _: unknown, context: QueryContext) => contentText(row['meta_hash'], context),
  createdAtBlock: column('created_block'),
  createdIn: ({ row }: Entity, _: unknown, context: QueryContext) => transactionOf(row['created_tx'], context),
  contributions: ({ row, at }: Entity, { where, ...page }: Arguments, context: QueryContext) =>
    contributions([...equals('datanet', row['key']), ...contributionFilter(where)], page, at, context),
  versions: ({ row, at }: Entity, _: unknown, { store }: QueryContext) =>
    store
      .all(
        'select * from version where datanet = ? and block <= ? order by version',
        row['key'] ?? -1,
        at ?? Number.MAX_SAFE_INTEGER,
      )
      .map((version) => ({ row: version })),
  labels: ({ row }: Entity, page: PageArguments, context: QueryContext) =>
    labels(equals('datanet_id', String(row['key'])), page, context),
}

const DatanetVersion = {
  version: column('version'),
  itemsRoot: column('items_root'),
  tokenRoot: column('token_root'),
  suffixRoot: column('suffix_root'),
  tokenCount: column('token_count'),
  croissantHash: column('croissant_hash'),
  croissant: ({ row }: Entity, _: unknown, context: QueryContext) => contentText(row['croissant_hash'], context),
  blockNumber: column('block'),
  transaction: ({ row }: Entity, _: unknown, context: QueryContext) => transactionOf(row['tx_hash'], context),
}

const Contribution = {
  id: column('id'),
  datanet: ({ row, at }: Entity, _: unknown, context: QueryContext) => datanet(Number(row['datanet']), at, context),
  author: column('author'),
  contentHash: column('content_hash'),
  simHash: column('sim_hash'),
  consent: column('consent'),
  bond: column('bond'),
  status: (node: Entity, _: unknown, context: QueryContext) => decision(node, context)?.['status'] ?? 'pending',
  score: (node: Entity, _: unknown, context: QueryContext) => decision(node, context)?.['score'] ?? 0,
  batch: column('batch'),
  blockNumber: column('block'),
  transaction: ({ row }: Entity, _: unknown, context: QueryContext) => transactionOf(row['tx_hash'], context),
  size: ({ row }: Entity, _: unknown, { store }: QueryContext) =>
    store.get('select size from content where hash = ?', row['content_hash'] ?? '')?.['size'] ?? null,
  preview: ({ row }: Entity, _: unknown, { store }: QueryContext) =>
    store.get('select preview from content where hash = ?', row['content_hash'] ?? '')?.['preview'] ?? null,
  text: ({ row }: Entity, _: unknown, context: QueryContext) => contentText(row['content_hash'], context),
  labels: ({ row }: Entity, _: unknown, { store }: QueryContext) =>
    store
      .all('select * from label where tx_hash = ? order by id', row['tx_hash'] ?? '')
      .map((label) => ({ row: label })),
}

const AttributionLabel = {
  id: column('id'),
  status: column('status'),
  path: column('path'),
  transaction: ({ row }: Entity, _: unknown, context: QueryContext) => transactionOf(row['tx_hash'], context),
  sender: column('sender'),
  code: column('code'),
  kind: column('kind'),
  modelId: column('model_id'),
  datanetId: column('datanet_id'),
  datanetVersion: column('datanet_version'),
  requestId: column('request_id'),
  root: column('root'),
  parentTx: column('parent_tx'),
  weights: ({ row }: Entity) => (typeof row['weights'] === 'string' ? (JSON.parse(row['weights']) as unknown) : null),
  malformed: column('malformed'),
}

const Code = {
  code: column('code'),
  owner: column('owner'),
  payout: column('payout'),
  uri: column('uri'),
  registeredAtBlock: column('block'),
}

const Subscription = {
  chain: {
    subscribe: async function* (_: unknown, __: unknown, { events, store }: QueryContext) {
      for await (const event of events.subscribe()) {
        if (event.kind === 'reorg') yield { chain: { kind: 'reorg', number: event.to, from: event.from, block: null } }
        else
          yield {
            chain: {
              kind: 'block',
              number: event.number,
              from: null,
              block: entity(store.get('select * from block where hash = ?', event.hash)),
            },
          }
      }
    },
  },
  attributionLabels: {
    subscribe: async function* (_: unknown, __: unknown, { events, store }: QueryContext) {
      for await (const event of events.subscribe()) {
        if (event.kind !== 'block') continue
        for (const row of store.all('select * from label where block = ? order by id', event.number))
          yield { attributionLabels: { row } }
      }
    },
  },
}

/** Resolvers of indexer/schema.graphql. */
export const resolvers = {
  ...scalars,
  Query,
  Subscription,
  Meta,
  Block,
  Transaction,
  Log,
  Account,
  Datanet,
  DatanetVersion,
  Contribution,
  AttributionLabel,
  Code,
}

function entity(row: Row | undefined, at?: number): Entity | null {
  return row === undefined ? null : { row, at }
}

/** The block number of a `block` argument. A hash that a reorg removed has its own error, never the new block. */
function atBlock(input: BlockInput | null | undefined, { store }: QueryContext): number | undefined {
  if (input === null || input === undefined) return undefined
  const { number, hash } = input
  if (typeof hash === 'string') {
    const found = store.get('select number from block where hash = ?', hash)
    if (found === undefined) throw queryError('BLOCK_REORGED', `block ${hash} is not on the indexed chain`)
    return Number(found['number'])
  }
  if (typeof number !== 'number') throw queryError('BAD_INPUT', 'block needs number or hash')
  const head = store.cursor()?.number ?? -1
  if (number < 0 || number > head)
    throw queryError('BLOCK_NOT_INDEXED', `block ${number} is not indexed; the index is at ${head}`)
  return number
}

function datanet(id: number, at: number | undefined, { store }: QueryContext): Entity | null {
  return entity(store.state('datanet', id, at), at)
}

function datanets(where: Listing['where'], page: PageArguments, at: number | undefined, { store }: QueryContext) {
  const from =
    at === undefined
      ? 'datanet'
      : `(select h.* from datanet_h h join (select key as k, max(at) as m from datanet_h where at <= ${at} group by key) on h.key = k and h.at = m)`
  return connection(store, { from, where, key: ['key'] }, page, (row) => ({ row, at }))
}

function contributedBy(author: Value | undefined, at: number | undefined): Listing['where'] {
  if (author === undefined || author === null) return []
  const until = at === undefined ? '' : ` and block <= ${at}`
  return [{ sql: `key in (select datanet from contribution where author = ?${until})`, values: [author] }]
}

function contributionFilter(where: Arguments['where']): Listing['where'] {
  return [
    ...equals('datanet', where?.['datanet']),
    ...equals('author', where?.['author']),
    ...equals('content_hash', where?.['contentHash']),
    ...equals('batch', where?.['batch']),
  ]
}

function contributions(where: Listing['where'], page: PageArguments, at: number | undefined, { store }: QueryContext) {
  const until = at === undefined ? [] : [{ sql: 'block <= ?', values: [at] }]
  return connection(store, { from: 'contribution', where: [...where, ...until], key: ['id'] }, page, (row) => ({
    row,
    at,
  }))
}

function transactions(where: Listing['where'], page: PageArguments, { store }: QueryContext) {
  return connection(store, { from: 'tx', where, key: ['block', 'idx'] }, page, (row) => ({ row }))
}

function logs(where: Listing['where'], page: PageArguments, { store }: QueryContext) {
  return connection(store, { from: 'log', where, key: ['block', 'idx'] }, page, (row) => ({ row }))
}

function labels(where: Listing['where'], page: PageArguments, { store }: QueryContext) {
  return connection(store, { from: 'label', where, key: ['id'] }, page, (row) => ({ row }))
}

/** What was decided of a contribution, alone or with its batch. */
function decision({ row, at }: Entity, { store }: QueryContext): Row | undefined {
  const own = store.state('decision', `c${row['id']}`, at)
  return own ?? (row['batch'] === null ? undefined : store.state('decision', `b${row['batch']}`, at))
}

function transactionOf(hash: Value | undefined, { store }: QueryContext): Entity | null {
  return entity(store.get('select * from tx where hash = ?', hash ?? ''))
}

function contentText(hash: Value | undefined, { content }: QueryContext): string | null {
  const bytes = content?.get(String(hash))
  if (bytes === undefined || bytes.length > contentBytesMax) return null
  return new TextDecoder().decode(bytes.subarray(0, textBytesMax))
}
