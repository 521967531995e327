/**
 * Speed of the embedded engine, as one JSON line. Run: npx tsx scripts/bench/engine.ts
 * Every block goes the whole way: raw signed transactions in, senders recovered, executed, receipts, roots, database.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { silentLog } from '../../common/log.ts'
import { EmbeddedChain } from '../../node/engine/embedded/chain/chain.ts'
import { EmbeddedEngine } from '../../node/engine/embedded/engine.ts'
import { bytesToHex, concatBytes, hexToBytes, uintBytes, zeroHash } from '../../protocol/bytes.ts'
import type { Genesis, GenesisAccount } from '../../protocol/genesis-file.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { rlpEncode, rlpUint } from '../../protocol/rlp.ts'
import { privateKeyAddress } from '../../protocol/secp256k1.ts'
import { encodeTransaction, type FeeMarketTx, signTransaction } from '../../protocol/transaction.ts'

export type EngineBench = {
  readonly erc20Tps: number
  readonly transferTps: number
  readonly emptyBlockMs: number
  readonly mgasPerS: number
  readonly rssMb: number
  /** Against @ethereumjs/vm on the same transfers; null where it is not installed, with why. */
  readonly ratioToStock: number | null
  readonly ratioToStockWhy: string
}

const tokenFlag = '--token-code'
const root = resolve(import.meta.dirname, '../..')
const require = createRequire(import.meta.url)
const chainId = 901n
const gasLimit = 60_000_000n
const senders = 20
const blockTxs = 400
const warmUpBlocks = 4
const measuredBlocks = 10
/** An hour of one-second blocks, halved: what the memory figure is taken after. */
const emptyBlocks = 1_800
const l1Block = hexToBytes('0x4200000000000000000000000000000000000015')
const keyOf = (n: number) => uintBytes(BigInt(n) + 1_000n, 32)
const senderKeys = Array.from({ length: senders }, (_, n) => keyOf(n))
const senderAddresses = senderKeys.map(privateKeyAddress)

export async function benchEngine(): Promise<EngineBench> {
  const dir = mkdtempSync(join(tmpdir(), 'bench-engine-'))
  const chain = await EmbeddedChain.open({ dir, genesis: genesis(), archive: false }, { log: silentLog })
  const engine = new EmbeddedEngine(chain, { log: silentLog })
  try {
    const run = new Run(chain, engine)
    const token = await run.deployToken()
    await run.blocks(warmUpBlocks, (n) => run.transfers(n))
    const transfers = await run.blocks(measuredBlocks, (n) => run.transfers(n))
    await run.blocks(warmUpBlocks, (n) => run.tokenTransfers(token, n))
    const erc20 = await run.blocks(measuredBlocks, (n) => run.tokenTransfers(token, n))
    const empty = await run.blocks(emptyBlocks, () => [])
    return {
      erc20Tps: Math.round((measuredBlocks * blockTxs) / erc20.seconds),
      transferTps: Math.round((measuredBlocks * blockTxs) / transfers.seconds),
      emptyBlockMs: Math.round((empty.seconds * 100_000) / emptyBlocks) / 100,
      mgasPerS: Math.round(erc20.gas / erc20.seconds / 1e5) / 10,
      rssMb: Math.round(process.memoryUsage().rss / 1e6),
      ratioToStock: null,
      ratioToStockWhy:
        '@ethereumjs/vm is no dependency of this repository: the engine executes with its own transition',
    }
  } finally {
    await engine.stop()
    await chain.close()
    rmSync(dir, { recursive: true })
  }
}

class Run {
  readonly #chain: EmbeddedChain
  readonly #engine: EmbeddedEngine
  readonly #nonces = new Array<bigint>(senders).fill(0n)

  constructor(chain: EmbeddedChain, engine: EmbeddedEngine) {
    this.#chain = chain
    this.#engine = engine
  }

  /** Signing is not part of what is measured. */
  async blocks(
    count: number,
    transactions: (block: number) => Uint8Array[],
  ): Promise<{ seconds: number; gas: number }> {
    let milliseconds = 0
    let gas = 0
    for (let n = 0; n < count; n++) {
      const raw = transactions(n)
      const begin = performance.now()
      gas += await this.#block(raw)
      milliseconds += performance.now() - begin
    }
    return { seconds: milliseconds / 1_000, gas }
  }

  transfers(block: number): Uint8Array[] {
    return this.#signed(block, (to) => ({ to, value: 1n }))
  }

  tokenTransfers(token: Uint8Array, block: number): Uint8Array[] {
    const selector = hexToBytes('0xa9059cbb')
    return this.#signed(block, (to) => ({
      to: token,
      data: concatBytes(selector, new Uint8Array(12), to, uintBytes(1, 32)),
    }))
  }

  async deployToken(): Promise<Uint8Array> {
    await this.#block([this.#sign(0, { data: compiledToken(), gasLimit: 3_000_000n, to: undefined })])
    const token = keccak256(rlpEncode([senderAddresses[0] ?? new Uint8Array(20), rlpUint(0)])).slice(12)
    const selector = hexToBytes('0xa9059cbb')
    const grants = senderAddresses
      .slice(1)
      .map((to) =>
        this.#sign(0, { to: token, data: concatBytes(selector, new Uint8Array(12), to, uintBytes(10n ** 20n, 32)) }),
      )
    await this.#block(grants)
    return token
  }

  /** Each transaction to an address never seen before: the state grows as it does in life. */
  #signed(block: number, fields: (to: Uint8Array) => Partial<FeeMarketTx>): Uint8Array[] {
    return Array.from({ length: blockTxs }, (_, n) => {
      const to = keccak256(
        concatBytes(uintBytes(block, 8), uintBytes(n, 8), uintBytes(this.#nonces[0] ?? 0n, 8)),
      ).slice(12)
      return this.#sign(n % senders, fields(to))
    })
  }

  #sign(sender: number, fields: Partial<FeeMarketTx>): Uint8Array {
    const nonce = this.#nonces[sender] ?? 0n
    this.#nonces[sender] = nonce + 1n
    const tx: FeeMarketTx = {
      type: 2,
      chainId,
      nonce,
      maxPriorityFeePerGas: 1n,
      maxFeePerGas: 1_000_000_000_000n,
      gasLimit: 100_000n,
      to: l1Block,
      value: 0n,
      data: new Uint8Array(0),
      accessList: [],
      yParity: 0,
      r: 0n,
      s: 0n,
      ...fields,
    }
    return encodeTransaction(signTransaction(tx, keyOf(sender)))
  }

  async #block(transactions: readonly Uint8Array[]): Promise<number> {
    const parent = this.#chain.latest()
    const head = (hash: typeof parent.hash) => ({ headBlockHash: hash, safeBlockHash: hash, finalizedBlockHash: hash })
    const { payloadId } = await this.#engine.forkchoiceUpdated(head(parent.hash), {
      timestamp: parent.header.timestamp + 2n,
      prevRandao: zeroHash,
      suggestedFeeRecipient: '0x4200000000000000000000000000000000000011',
      withdrawals: [],
      parentBeaconBlockRoot: zeroHash,
      transactions: [attributesDeposit(parent.header.number), ...transactions],
      noTxPool: true,
      gasLimit,
      eip1559Params: '0x000000fa00000006',
      minBaseFee: 0n,
    })
    if (payloadId === undefined) throw new Error('no payload begun')
    const envelope = await this.#engine.getPayload(payloadId)
    const status = await this.#engine.newPayload(envelope)
    if (status.status !== 'VALID') throw new Error(`block is ${status.status}: ${status.validationError}`)
    await this.#engine.forkchoiceUpdated(head(envelope.executionPayload.blockHash))
    return Number(envelope.executionPayload.gasUsed)
  }
}

function genesis(): Genesis {
  const rich: GenesisAccount[] = senderAddresses.map((address) => account(address, { balance: 10n ** 30n }))
  const artifact = JSON.parse(readFileSync(join(root, 'contracts/artifacts/L1Block.json'), 'utf8')) as Record<
    string,
    string
  >
  const code = hexToBytes(artifact['deployedBytecode'] ?? '0x')
  return {
    chainId,
    forkTimes: Object.fromEntries(
      ['regolith', 'canyon', 'delta', 'ecotone', 'fjord', 'granite', 'holocene', 'isthmus', 'jovian'].map((fork) => [
        fork,
        0n,
      ]),
    ),
    feeConstants: { eip1559Elasticity: 6n, eip1559Denominator: 50n, eip1559DenominatorCanyon: 250n },
    number: 0n,
    timestamp: 1_000n,
    gasLimit,
    gasUsed: 0n,
    difficulty: 0n,
    coinbase: new Uint8Array(20),
    parentHash: new Uint8Array(32),
    prevRandao: new Uint8Array(32),
    nonce: new Uint8Array(8),
    extraData: hexToBytes('0x01000000fa000000060000000000000000'),
    baseFeePerGas: 1_000n,
    alloc: [...rich, account(l1Block, { code })],
  }
}

function account(address: Uint8Array, fields: Partial<GenesisAccount>): GenesisAccount {
  return { address, nonce: 0n, balance: 0n, code: new Uint8Array(0), storage: [], ...fields }
}

/** The L1 attributes of a block, Jovian layout, with every fee in use. Spec: protocol/jovian/l1-attributes.md. */
function attributesDeposit(number: bigint): Uint8Array {
  const data = concatBytes(
    keccak256(Buffer.from('setL1BlockValuesJovian()')).subarray(0, 4),
    uintBytes(1_368, 4),
    uintBytes(801_949, 4),
    uintBytes(number, 8),
    uintBytes(1_000n + 12n * number, 8),
    uintBytes(number, 8),
    uintBytes(1_000_000_000n, 32),
    uintBytes(1_000n, 32),
    new Uint8Array(64),
    uintBytes(100, 4),
    uintBytes(1_000n, 8),
    uintBytes(400, 2),
  )
  return encodeTransaction({
    type: 0x7e,
    sourceHash: keccak256(uintBytes(number, 32)),
    from: hexToBytes('0xdeaddeaddeaddeaddeaddeaddeaddeaddead0001'),
    to: l1Block,
    mint: 0n,
    value: 0n,
    gasLimit: 1_000_000n,
    isSystemTx: false,
    data,
  })
}

/** Compiled in a process of its own: the compiler's memory must not count as the engine's. */
function compiledToken(): Uint8Array {
  const output = execFileSync(process.execPath, [...process.execArgv, import.meta.filename, tokenFlag])
  return hexToBytes(output.toString().trim())
}

/** Creation code of an OpenZeppelin ERC-20. */
function tokenCode(): Uint8Array {
  const source =
    'pragma solidity ^0.8.20; import "@openzeppelin/contracts/token/ERC20/ERC20.sol"; contract Token is ERC20("T", "T") { constructor() { _mint(msg.sender, 1e30); } }'
  const input = {
    language: 'Solidity',
    sources: { 'Token.sol': { content: source } },
    settings: { optimizer: { enabled: true, runs: 200 }, outputSelection: { '*': { Token: ['evm.bytecode.object'] } } },
  }
  const read = (path: string) => ({ contents: readFileSync(join(root, 'node_modules', path), 'utf8') })
  const solc = require('solc') as { compile(input: string, callbacks: { import: typeof read }): string }
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: read })) as {
    contracts: Record<string, Record<string, { evm: { bytecode: { object: string } } }>>
  }
  return hexToBytes(`0x${output.contracts['Token.sol']?.['Token']?.evm.bytecode.object ?? ''}`)
}

if (process.argv[1] === import.meta.filename) {
  const output = process.argv.includes(tokenFlag) ? bytesToHex(tokenCode()) : JSON.stringify(await benchEngine())
  process.stdout.write(`${output}\n`)
}
