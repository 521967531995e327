import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { devPrivateKeys } from '../../common/dev-keys.ts'
import { HttpRpcClient } from '../../common/json-rpc.ts'
import { buildGenesis } from '../../genesis/build-genesis.ts'
import { deployL1Contracts } from '../../genesis/deploy-l1.ts'
import { devPreset, devRoles } from '../../genesis/presets.ts'
import { jwtToken } from '../../node/engine/jwt.ts'
import { bytesToHex, hexToBytes, quantity, uintBytes } from '../../protocol/bytes.ts'
import { privateKeyAddress } from '../../protocol/secp256k1.ts'
import { encodeTransaction, signTransaction } from '../../protocol/transaction.ts'
import { type Anvil, freePort, startAnvil } from '../../test/fakes/anvil.ts'
import { NodeProgram } from './node-program.ts'

export type RecordOptions = {
  readonly blocks: number
  /** Transactions of a block; 0: none but the attributes deposit. */
  readonly perBlock: number
}

/** Seconds between L1 blocks of the time that is recorded, as on Ethereum. */
const l1BlockSeconds = 12
const jwtSecret = new Uint8Array(32).fill(7)
const senders = 100
/** The least that a transaction counts for in estimated compressed data. Spec: protocol/fjord/exec-engine.md. */
const dataBytesMin = 100
const wopen = hexToBytes('0x4200000000000000000000000000000000000006')
/** `deposit()` of WOPEN: a storage slot, a balance and a log. */
const depositSelector = hexToBytes('0xd0e30db0')
const sendBatch = 100
const recordMsMax = 1_800_000

/**
 * A chain in anvil and a stopped sequencer: real node, real batcher, batches in blobs. Its genesis lies as far back as
 * its blocks are long, so that the sequencer makes them one after the other without waiting for wall time.
 */
export class RecordedChain {
  readonly anvil: Anvil
  readonly sequencer: NodeProgram
  readonly dir: string
  readonly blockTimeSeconds: number

  private constructor(anvil: Anvil, sequencer: NodeProgram, dir: string, blockTimeSeconds: number) {
    this.anvil = anvil
    this.sequencer = sequencer
    this.dir = dir
    this.blockTimeSeconds = blockTimeSeconds
  }

  static async record(dir: string, { blocks, perBlock }: RecordOptions): Promise<RecordedChain> {
    const keys = Array.from({ length: senders }, (_, n) => uintBytes(BigInt(n) + 1_000n, 32))
    const config = {
      ...devPreset(),
      fundedAccounts: [
        ...devPreset().fundedAccounts,
        ...keys.map((key) => ({ address: bytesToHex(privateKeyAddress(key)), balance: 10n ** 21n })),
      ],
    }
    const blockTime = Number(config.l2BlockTime)
    const age = blocks * blockTime + 2 * l1BlockSeconds
    const anvil = await startAnvil(['--timestamp', String(Math.floor(Date.now() / 1e3) - age)])
    const deployerKey = devPrivateKeys[devRoles.owner]
    const { l1Start, addresses } = await deployL1Contracts({ rpcUrl: anvil.url, deployerKey, config })
    const { genesis, rollup } = await buildGenesis(config, l1Start, addresses)
    const past = quantity(Math.floor(age / l1BlockSeconds))
    await anvil.rpc.request('anvil_mine', [past, quantity(l1BlockSeconds)])
    mkdirSync(dir, { recursive: true })
    writeFileSync(join(dir, 'genesis.json'), JSON.stringify(genesis))
    writeFileSync(join(dir, 'rollup.json'), JSON.stringify(rollup))
    writeFileSync(join(dir, 'jwt.hex'), bytesToHex(jwtSecret))
    const sequencer = await NodeProgram.make({ dir, name: 'sequencer', l1: anvil.url, authPort: await freePort() })
    const chain = new RecordedChain(anvil, sequencer, dir, blockTime)
    const args = [
      ...['--sequencer.enabled', '--sequencer.stopped', '--sequencer.l1-confs', '0', '--rpc.enable-admin'],
      ...['--batcher.enabled', '--batcher.poll-interval', '200ms', '--batcher.max-channel-duration', '3'],
      ...['--batcher.num-confirmations', '1', '--batcher.data-availability-type', 'blobs'],
      ...['--authrpc.port', String(sequencer.authPort), '--authrpc.jwtsecret', join(dir, 'jwt.hex')],
    ]
    try {
      await sequencer.start(args)
      await chain.#fill(keys, blocks, perBlock)
      await chain.#produce(blocks)
      return chain
    } catch (error) {
      await chain.stop()
      throw error
    }
  }

  async stop(): Promise<void> {
    await this.sequencer.stop()
    await this.anvil.stop()
  }

  /** Puts all transactions into the pool and limits a block to `perBlock` of them. */
  async #fill(keys: readonly Uint8Array[], blocks: number, perBlock: number): Promise<void> {
    const engine = new HttpRpcClient({
      url: `http://127.0.0.1:${this.sequencer.authPort}`,
      timeoutMs: 10_000,
      headers: () => ({ authorization: `Bearer ${jwtToken(jwtSecret, Math.floor(Date.now() / 1e3))}` }),
    })
    const limit = Math.max(perBlock, 1) * dataBytesMin
    await engine.request('miner_setMaxDASize', [quantity(0), quantity(limit)])
    const each = Math.ceil((blocks * perBlock) / keys.length)
    for (let nonce = 0; nonce < each; nonce++) {
      const raw = keys.map((key) => bytesToHex(deposit(key, BigInt(nonce))))
      for (let i = 0; i < raw.length; i += sendBatch) {
        const requests = raw
          .slice(i, i + sendBatch)
          .map((tx) => this.sequencer.eth.request('eth_sendRawTransaction', [tx]))
        await Promise.all(requests)
      }
    }
  }

  /** Sequences, stops, and waits until all of it is on L1. L1 mines on: a channel closes after three of its blocks. */
  async #produce(blocks: number): Promise<void> {
    const { rollup } = this.sequencer
    const { unsafe_l2: genesis } = await this.sequencer.status()
    await rollup.request('admin_startSequencer', [genesis.hash])
    const end = Date.now() + recordMsMax
    let isStopped = false
    for (;;) {
      const { unsafe_l2: unsafe, safe_l2: safe } = await this.sequencer.status()
      if (unsafe.number >= blocks && !isStopped) {
        await rollup.request('admin_stopSequencer')
        isStopped = true
      }
      if (isStopped && safe.number >= blocks && safe.number === unsafe.number) return
      if (Date.now() > end) throw new Error(`recording stands at block ${unsafe.number}, ${safe.number} of them on L1`)
      if (isStopped) await this.anvil.mine()
      await new Promise((done) => setTimeout(done, 250))
    }
  }
}

function deposit(key: Uint8Array, nonce: bigint): Uint8Array {
  return encodeTransaction(
    signTransaction(
      {
        type: 2,
        chainId: 901n,
        nonce,
        maxPriorityFeePerGas: 1n,
        maxFeePerGas: 100_000_000_000n,
        gasLimit: 60_000n,
        to: wopen,
        value: 1n,
        data: depositSelector,
        accessList: [],
        yParity: 0,
        r: 0n,
        s: 0n,
      },
      key,
    ),
  )
}
