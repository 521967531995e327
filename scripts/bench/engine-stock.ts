/**
 * The workload of the `engine` bench on stock `@ethereumjs/vm`: raw signed transactions in, senders recovered, executed,
 * receipts and roots, state in its own trie in memory. No OP Stack rules, no disk. Usage: tsx engine-stock.ts PREFIX
 * WORKLOAD, where PREFIX is a folder that the package was installed in; prints a line of JSON.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { hexToBytes, trimLeft } from '../../protocol/bytes.ts'
import type { StockRun } from './engine-run.ts'
import { benchChainId, type Workload } from './engine-workload.ts'

/** Of the packages' interfaces, what is used. The packages are no dependency of this repository, so neither are their types. */
type Stock = {
  readonly vm: {
    createVM(options: object): Promise<object>
    buildBlock(vm: object, options: object): Promise<BlockBuilder>
  }
  readonly statemanager: { readonly MerkleStateManager: new (options: object) => StateManager }
  readonly common: {
    createCustomCommon(fields: object, base: unknown, options: object): object
    readonly Mainnet: unknown
  }
  readonly tx: { createTxFromRLP(raw: Uint8Array, options: object): object }
  readonly block: { createBlock(data: object, options: object): object }
  readonly util: {
    readonly Account: new (nonce: bigint, balance: bigint) => object
    readonly Address: new (bytes: Uint8Array) => object
  }
}

type BlockBuilder = {
  addTransaction(
    tx: object,
  ): Promise<{ readonly totalGasSpent: bigint; readonly execResult: { exceptionError?: object } }>
  build(): Promise<{ readonly block: object }>
}

type StateManager = {
  checkpoint(): Promise<void>
  commit(): Promise<void>
  flush(): Promise<void>
  putAccount(address: object, account: object): Promise<void>
  putCode(address: object, code: Uint8Array): Promise<void>
  putStorage(address: object, key: Uint8Array, value: Uint8Array): Promise<void>
}

const [prefix = '', workloadFile = ''] = process.argv.slice(2)
const require = createRequire(join(prefix, 'package.json'))
const names = ['vm', 'statemanager', 'common', 'tx', 'block', 'util'] as const
const stock = Object.fromEntries(names.map((name) => [name, require(`@ethereumjs/${name}`)])) as Stock
const { genesis, blocks } = JSON.parse(readFileSync(workloadFile, 'utf8')) as Workload
const raw = blocks.map((block) => block.map(hexToBytes))

const common = stock.common.createCustomCommon({ chainId: Number(benchChainId) }, stock.common.Mainnet, {
  hardfork: 'prague',
})
const stateManager = new stock.statemanager.MerkleStateManager({ common })
await fillState()
const vm = await stock.vm.createVM({ common, stateManager })
const header = { gasLimit: BigInt(genesis.gasLimit), baseFeePerGas: 1_000n, difficulty: 0n }
let parentBlock = stock.block.createBlock({ header: { ...header, number: 0n, timestamp: 1_000n } }, { common })

const cpu = process.cpuUsage()
const begin = performance.now()
let gas = 0
for (const [i, transactions] of raw.entries()) gas += await produce(BigInt(i + 1), transactions)
const { user, system } = process.cpuUsage(cpu)
const result: StockRun = {
  seconds: (performance.now() - begin) / 1e3,
  cpuSeconds: (user + system) / 1e6,
  gas,
  transactions: raw.reduce((sum, block) => sum + block.length, 0),
  rssMb: process.resourceUsage().maxRSS / 1e3,
}
process.stdout.write(`${JSON.stringify(result)}\n`)

async function fillState(): Promise<void> {
  await stateManager.checkpoint()
  for (const [address, { balance, code, storage }] of Object.entries(genesis.alloc)) {
    const at = new stock.util.Address(hexToBytes(address))
    await stateManager.putAccount(at, new stock.util.Account(0n, BigInt(balance ?? 0)))
    if (code !== undefined) await stateManager.putCode(at, hexToBytes(code))
    for (const [slot, value] of Object.entries(storage ?? {})) {
      await stateManager.putStorage(at, hexToBytes(slot), trimLeft(hexToBytes(value)))
    }
  }
  await stateManager.commit()
  await stateManager.flush()
}

async function produce(number: bigint, transactions: readonly Uint8Array[]): Promise<number> {
  const builder = await stock.vm.buildBlock(vm, {
    parentBlock,
    headerData: { ...header, number, timestamp: 1_000n + 2n * number },
    blockOpts: { putBlockIntoBlockchain: false, common },
  })
  let used = 0n
  for (const bytes of transactions) {
    const { totalGasSpent, execResult } = await builder.addTransaction(stock.tx.createTxFromRLP(bytes, { common }))
    if (execResult.exceptionError !== undefined) throw new Error(`a transaction of block ${number} failed`)
    used += totalGasSpent
  }
  parentBlock = (await builder.build()).block
  return Number(used)
}
