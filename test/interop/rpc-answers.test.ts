import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { HttpRpcClient, RpcError } from '../../common/json-rpc.ts'
import { bytesToHex, type Hex, uintBytes } from '../../protocol/bytes.ts'
import { privateKeyAddress } from '../../protocol/secp256k1.ts'
import { genesisForks } from './fork-schedule.ts'
import { fuzz, fuzzGenesis, timeOf } from './fuzz/fuzz-chain.ts'
import { hexAddress } from './fuzz/precompile-inputs.ts'
import { recursionAddress, senderKeys } from './fuzz/transactions.ts'
import { TwinEngines } from './fuzz/twin-engines.ts'
import { hasGo } from './op-geth-process.ts'

type Call = readonly [method: string, params: readonly unknown[]]
type Answer = { readonly result: unknown } | { readonly error: { readonly code: number; readonly data: unknown } }

const folder = mkdtempSync(join(tmpdir(), 'interop-rpc-'))
const addresses = [0xc000, 0xc001, 0xc002, 0xc003, 0xc007, 0xf0f0].map((n) => bytesToHex(hexAddress(n)))
const sender = bytesToHex(privateKeyAddress(senderKeys[0] ?? new Uint8Array(32)))

describe.skipIf(!hasGo)('eth_ and debug_ answers are op-geth’s (skipped without Go)', () => {
  let twins: TwinEngines
  let ours: HttpRpcClient
  let head: number
  let transactions: { readonly hash: Hex; readonly to: Hex | null }[]

  beforeAll(async () => {
    const times = Object.fromEntries(genesisForks.map((fork) => [fork, timeOf(0)]))
    twins = await TwinEngines.open(await fuzzGenesis(5, times), folder)
    await fuzz(twins, { seed: 5, transactions: 150 })
    ours = new HttpRpcClient({ url: twins.rpcUrl, timeoutMs: 60_000 })
    head = Number(twins.chain.latest().header.number)
    transactions = []
    for (let number = 1; number <= head; number++) {
      const block = (await ours.request('eth_getBlockByNumber', [at(number), true])) as {
        readonly transactions: typeof transactions
      }
      transactions.push(...block.transactions)
    }
  })
  afterAll(async () => {
    await twins?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  /** Asks both and gives back what differs, a line a place. */
  async function differences(calls: readonly Call[]): Promise<string[]> {
    const found = new Set<string>()
    for (const [method, params] of calls) {
      const [a, b] = await Promise.all([answer(ours, method, params), answer(twins.geth.eth, method, params)])
      for (const line of compare(a, b)) found.add(`${method}${line}`)
    }
    return [...found]
  }

  const everyBlock = (call: (number: number) => Call) => Array.from({ length: head + 1 }, (_, i) => call(i))

  test('blocks', async () => {
    const calls = [
      ...everyBlock((n) => ['eth_getBlockByNumber', [at(n), true]]),
      ...everyBlock((n) => ['eth_getBlockByNumber', [at(n), false]]),
      ...everyBlock((n) => ['eth_getBlockTransactionCountByNumber', [at(n)]]),
      ...everyBlock((n) => ['debug_getRawHeader', [at(n)]]),
      ...everyBlock((n) => ['debug_getRawBlock', [at(n)]]),
      ...everyBlock((n) => ['debug_getRawReceipts', [at(n)]]),
      ...['latest', 'safe', 'finalized', 'earliest', at(9_999)].map(
        (tag): Call => ['eth_getBlockByNumber', [tag, false]],
      ),
      ['eth_blockNumber', []],
      ['eth_chainId', []],
      ['net_version', []],
      ['eth_syncing', []],
    ] satisfies Call[]
    expect(await differences(calls)).toEqual([])
  })

  test('transactions and receipts', async () => {
    const calls: Call[] = [
      ...everyBlock((n) => ['eth_getBlockReceipts', [at(n)]]),
      ...transactions.map(({ hash }): Call => ['eth_getTransactionByHash', [hash]]),
      ...transactions.map(({ hash }): Call => ['eth_getTransactionReceipt', [hash]]),
      ...transactions.slice(0, 20).map(({ hash }): Call => ['eth_getRawTransactionByHash', [hash]]),
      ...everyBlock((n) => ['eth_getTransactionByBlockNumberAndIndex', [at(n), '0x0']]),
    ]
    expect(await differences(calls)).toEqual([])
  })

  test('state and proofs', async () => {
    const keys = [0, 1, 5, 9, 300].map((n) => bytesToHex(uintBytes(n, 32)))
    const blocks = [at(0), at(Math.floor(head / 2)), at(head), 'latest']
    const whose = [...addresses, sender, '0x4200000000000000000000000000000000000016', `0x${'ee'.repeat(20)}`]
    const calls = blocks.flatMap((block) =>
      whose.flatMap((address): Call[] => [
        ['eth_getProof', [address, keys, block]],
        ['eth_getProof', [address, [], block]],
        ['eth_getBalance', [address, block]],
        ['eth_getTransactionCount', [address, block]],
        ['eth_getCode', [address, block]],
        ...keys.map((key): Call => ['eth_getStorageAt', [address, key, block]]),
      ]),
    )
    expect(await differences(calls)).toEqual([])
  })

  test('logs', async () => {
    const topic = bytesToHex(uintBytes(1, 32))
    const filters = [
      { fromBlock: '0x0', toBlock: 'latest' },
      { fromBlock: '0x1', toBlock: at(3) },
      { fromBlock: '0x0', toBlock: 'latest', address: addresses },
      { fromBlock: '0x0', toBlock: 'latest', topics: [topic] },
      { fromBlock: '0x0', toBlock: 'latest', topics: [null, [topic, bytesToHex(uintBytes(0, 32))]] },
      { fromBlock: '0x5', toBlock: '0x2' },
      { blockHash: twins.headHash },
      { blockHash: `0x${'77'.repeat(32)}` },
    ]
    expect(await differences(filters.map((filter) => ['eth_getLogs', [filter]]))).toEqual([])
  })

  test('fees', async () => {
    const calls: Call[] = [
      ['eth_feeHistory', [at(5), 'latest', [10, 50, 90]]],
      ['eth_feeHistory', [at(3), at(4), []]],
      ['eth_feeHistory', [at(100), 'latest', [0, 100]]],
      ['eth_feeHistory', [at(0), 'latest', []]],
      ['eth_blobBaseFee', []],
    ]
    expect(await differences(calls)).toEqual([])
  })

  test('calls and estimates', async () => {
    const txs = addresses.flatMap((to) => [
      { from: sender, to },
      { from: sender, to, value: '0x5', data: '0x01020304' },
      { from: sender, to, gas: '0x9000' },
      { from: sender, to, gasPrice: '0x174876e800' },
      { from: sender, to, maxFeePerGas: '0x1', maxPriorityFeePerGas: '0x1' },
    ])
    const creations = [
      { from: sender, data: '0x60006000f3' },
      { from: sender, data: '0x60006000fd' },
      { from: sender, data: '0xfe' },
      { from: sender, to: `0x${'ee'.repeat(20)}`, value: '0x1' },
      { from: `0x${'ee'.repeat(20)}`, to: sender, value: '0x1' },
      { to: '0x4200000000000000000000000000000000000015', data: '0x8381f58a' },
      { to: '0x420000000000000000000000000000000000000f', data: '0x519b4bd3' },
      { to: '0x4200000000000000000000000000000000000016', data: '0xdeadbeef' },
    ]
    const blocks = ['latest', at(Math.floor(head / 2))]
    const calls = [...txs, ...creations].flatMap((tx): Call[] =>
      blocks.flatMap((block): Call[] => [
        ['eth_call', [tx, block]],
        ['eth_estimateGas', [tx, block]],
      ]),
    )
    const override = { [sender]: { balance: '0x1' }, [addresses[0] ?? '0x']: { code: '0x60015f5260205ff3' } }
    calls.push(['eth_call', [{ from: sender, to: addresses[0] }, 'latest', override]])
    expect(await differences(calls)).toEqual([])
  })

  test('calls of a transaction', async () => {
    // A thousand calls within each other take seconds to compare and tell nothing more.
    const shallow = transactions.filter(({ to }) => to !== bytesToHex(recursionAddress)).slice(0, 40)
    const calls = shallow.flatMap(({ hash }): Call[] => [
      ['debug_traceTransaction', [hash, { tracer: 'callTracer' }]],
      ['debug_traceTransaction', [hash, { tracer: 'callTracer', tracerConfig: { onlyTopCall: true } }]],
    ])
    const found = await differences(calls)
    expect(found.filter((line) => !isKnown(line))).toEqual([])
  })
})

/**
 * Where callTracer differs and will: our interpreter has its own words for what stops a frame; op-geth shows a frame of
 * zeros for a transaction that failed before its first call, where ours is null, and a frame for a call that its caller
 * could not pay, where ours has none.
 */
const isKnown = (line: string) =>
  /\.error: ours "[^"]+", op-geth "/.test(line) ||
  /calls: ours absent, .*"error":"insufficient balance for transfer"/.test(line) ||
  /\.result: ours null, op-geth \{"from":"0x0{40}"/.test(line)

const at = (number: number): string => `0x${number.toString(16)}`

async function answer(client: HttpRpcClient, method: string, params: readonly unknown[]): Promise<Answer> {
  try {
    return { result: await client.request(method, params) }
  } catch (error) {
    if (!(error instanceof RpcError)) throw error
    return { error: { code: error.code, data: error.data } }
  }
}

/** Places where two answers differ, list indexes left out so that the same difference is told once. */
function compare(ours: unknown, theirs: unknown, path = ''): string[] {
  if (isObject(ours) && isObject(theirs)) {
    const keys = [...new Set([...Object.keys(ours), ...Object.keys(theirs)])]
    return keys.flatMap((key) => compare(ours[key], theirs[key], `${path}${Array.isArray(ours) ? '[]' : `.${key}`}`))
  }
  if (ours === theirs) return []
  return [`${path}: ours ${short(ours)}, op-geth ${short(theirs)}`]
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
const short = (value: unknown) => (JSON.stringify(value) ?? 'absent').slice(0, 300)
