import type { CustomPrecompile } from '@ethereumjs/evm'
import type { Log } from '../../../../common/log.ts'
import { LruCache } from '../../../../common/lru-cache.ts'
import { nextBaseFee } from '../../../../protocol/base-fee.ts'
import { bytesToHex, equalBytes, type Hex, hexToBytes, zeroHash } from '../../../../protocol/bytes.ts'
import { type Genesis, genesisHeader } from '../../../../protocol/genesis-file.ts'
import { encodeHeader, headerHash } from '../../../../protocol/header.ts'
import { keccakHex } from '../../../../protocol/keccak.ts'
import { rlpEncode } from '../../../../protocol/rlp.ts'
import type { BlockLabel } from '../../engine.ts'
import { EngineError } from '../../engine.ts'
import type { BlockParts } from '../block/build.ts'
import { messagePasserRoot, type SealedBlock } from '../block/seal.ts'
import { CallRunner } from '../call/call-runner.ts'
import type {
  CallMessage,
  CallOptions,
  CallResult,
  ChainView,
  DataFees,
  HeadEvent,
  SimulatedBlock,
  SimulatedBlockInput,
  SimulationOptions,
  StateView,
  StoredBlock,
  StoredHeader,
  StoredReceipt,
  Tracer,
  TransactionLocation,
  TransactionSource,
} from '../chain-view.ts'
import { FlatState } from '../state/flat-state.ts'
import { genesisState } from '../state/genesis-state.ts'
import { stateView } from '../state/state-view.ts'
import { World } from '../state/world.ts'
import { type Create2DeployerCode, checkCreate2DeployerCode } from '../transition/create2-deployer.ts'
import { BlockDataFees } from '../transition/data-fees.ts'
import type { BlockHashes } from '../transition/evm.ts'
import { Executor } from '../transition/executor.ts'
import { ChainDb, canonicalWrites, metaWrite, uncanonicalWrites, type Write } from './chain-db.ts'
import { keys } from './keys.ts'
import { Pruner, type StatesKept } from './pruner.ts'

export type ChainOptions = {
  /** Folder of the database; made where it is missing. */
  readonly dir: string
  readonly genesis: Genesis
  /** Keep the state of every block, not only of the recent ones. */
  readonly archive: boolean
  /** Of a chain that is no archive; see pruner.ts for what it is by default. */
  readonly statesKept?: StatesKept | undefined
  /** The chain's own precompiles, over the OP Stack's. */
  readonly customPrecompiles?: readonly CustomPrecompile[] | undefined
  /** Code that Canyon's activation block writes; needed only by a chain that activates Canyon after its genesis. */
  readonly create2DeployerCode?: Uint8Array | undefined
}

/** Labels and the block each points at. */
export type Labels = { readonly [L in BlockLabel]?: Hex | undefined }

/** Blocks and headers kept decoded, and worlds kept warm. */
const cachedBlocksMax = 256
const cachedHeadersMax = 4_096
const cachedWorldsMax = 4

const labelNames: readonly BlockLabel[] = ['latest', 'safe', 'finalized']

/**
 * The embedded engine's chain: blocks, states, heads, over one database.
 * Owns: what is stored, what is canonical. Does not own: whether a block is valid (block/), what to build (engine.ts).
 */
export class EmbeddedChain implements ChainView {
  readonly chainId: bigint
  readonly parts: BlockParts
  readonly genesis: Genesis
  readonly #db: ChainDb
  readonly #log: Log
  readonly #pruner: Pruner | undefined
  readonly #calls: CallRunner
  readonly #labels = new Map<BlockLabel, Hex>()
  readonly #blocks = new LruCache<Hex, StoredBlock>(cachedBlocksMax)
  readonly #headers = new LruCache<Hex, StoredHeader>(cachedHeadersMax)
  readonly #worlds = new LruCache<Hex, World>(cachedWorldsMax)
  readonly #listeners = new Set<(event: HeadEvent) => void>()
  /** The state the newest executed block left behind, caches warm; for one user at a time. */
  #warm: FlatState | undefined
  #source: TransactionSource | undefined

  private constructor(db: ChainDb, options: ChainOptions, log: Log) {
    const { genesis, customPrecompiles = [], create2DeployerCode } = options
    this.#db = db
    this.#log = log
    this.genesis = genesis
    this.chainId = genesis.chainId
    this.#pruner = options.archive ? undefined : new Pruner(db, options.statesKept)
    this.parts = {
      chain: genesis,
      executor: new Executor(genesis, customPrecompiles),
      create2Deployer: checkedDeployer(create2DeployerCode),
    }
    this.#calls = new CallRunner(this, () => new Executor(genesis, customPrecompiles))
  }

  /** Opens the chain in `dir`, or begins it there. Throws {@link EngineError} where the folder holds another chain. */
  static async open(options: ChainOptions, parts: { readonly log: Log }): Promise<EmbeddedChain> {
    const db = await ChainDb.open(options.dir)
    try {
      const chain = new EmbeddedChain(db, options, parts.log)
      await chain.#begin(options.genesis)
      return chain
    } catch (error) {
      await db.close()
      throw error
    }
  }

  /** Waits for nothing but the database: stop whoever uses the chain first. */
  async close(): Promise<void> {
    await this.#db.close()
  }

  head(label: BlockLabel): StoredBlock | undefined {
    const hash = this.#labels.get(label)
    return hash === undefined ? undefined : this.blockByHash(hash)
  }

  /** The block at the tip of the canonical chain. */
  latest(): StoredBlock {
    const head = this.head('latest')
    if (head === undefined) throw new EngineError('critical', 'the database has no head')
    return head
  }

  blockByHash(hash: Hex): StoredBlock | undefined {
    const known = this.#blocks.get(hash)
    if (known !== undefined) return known
    const header = this.headerByHash(hash)
    const transactions = header === undefined ? undefined : this.#db.transactions(hash)
    if (header === undefined || transactions === undefined) return undefined
    return this.#blocks.set(hash, { ...header, transactions })
  }

  headerByHash(hash: Hex): StoredHeader | undefined {
    const known = this.#headers.get(hash)
    if (known !== undefined) return known
    const header = this.#db.header(hash)
    return header === undefined ? undefined : this.#headers.set(hash, { hash, header })
  }

  blockByNumber(number: bigint): StoredBlock | undefined {
    const hash = this.canonicalHash(number)
    return hash === undefined ? undefined : this.blockByHash(hash)
  }

  headerByNumber(number: bigint): StoredHeader | undefined {
    const hash = this.canonicalHash(number)
    return hash === undefined ? undefined : this.headerByHash(hash)
  }

  canonicalHash(number: bigint): Hex | undefined {
    return number < 0n ? undefined : this.#db.canonicalHash(number)
  }

  isCanonical(block: StoredHeader): boolean {
    return this.canonicalHash(block.header.number) === block.hash
  }

  receiptsByHash(hash: Hex): readonly StoredReceipt[] | undefined {
    return this.#db.receipts(hash)
  }

  transactionLocation(txHash: Hex): TransactionLocation | undefined {
    return this.#db.location(txHash)
  }

  onHead(listener: (event: HeadEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  stateAt(blockHash: Hex): StateView | undefined {
    const world = this.worldAt(blockHash)
    return world === undefined ? undefined : stateView(world)
  }

  /** Undefined where the block is unknown or its state was pruned. */
  worldAt(blockHash: Hex): World | undefined {
    const block = this.headerByHash(blockHash)
    if (block === undefined || block.header.number < (this.#pruner?.floor ?? 0n)) return undefined
    return this.#worlds.get(blockHash) ?? this.#worlds.set(blockHash, new World(this.#db, block.header.stateRoot))
  }

  call(at: Hex | 'pending', message: CallMessage, options: CallOptions = {}): Promise<CallResult> {
    return this.#calls.call(at, message, options)
  }

  simulate(
    at: Hex,
    blocks: readonly SimulatedBlockInput[],
    options: SimulationOptions,
  ): Promise<readonly SimulatedBlock[]> {
    return this.#calls.simulate(at, blocks, options)
  }

  traceTransaction(txHash: Hex, tracer: Tracer, timeoutMs?: number): Promise<CallResult> {
    return this.#calls.traceTransaction(txHash, tracer, timeoutMs)
  }

  dataFees(blockHash: Hex): DataFees {
    const block = this.headerByHash(blockHash)
    const state = this.stateAt(blockHash)
    if (block === undefined || state === undefined) throw new EngineError('temporary', `no state of block ${blockHash}`)
    return new BlockDataFees(this.genesis.forkTimes, block.header.timestamp, (address, slot) =>
      state.storage(address, slot),
    )
  }

  nextBaseFee(): bigint {
    const { header } = this.latest()
    // The time decides between the constants of Bedrock and Canyon alone: the head's own will do.
    return nextBaseFee(this.genesis, header, header.timestamp)
  }

  setTransactionSource(source: TransactionSource): void {
    this.#source = source
  }

  get transactionSource(): TransactionSource | undefined {
    return this.#source
  }

  /** Storage root of the L2ToL1MessagePasser after a block. */
  messagePasserRoot(blockHash: Hex): Hex {
    const world = this.worldAt(blockHash)
    if (world === undefined) throw new EngineError('temporary', `no state of block ${blockHash}`)
    return bytesToHex(messagePasserRoot(world))
  }

  /** The state after a block, to execute the next one on; whoever takes it alone may change it. */
  takeState(parent: StoredHeader): FlatState | undefined {
    const warm = this.#warm
    if (warm !== undefined && equalBytes(warm.world.root, parent.header.stateRoot)) {
      this.#warm = undefined
      return warm
    }
    const world = this.worldAt(parent.hash)
    return world === undefined ? undefined : new FlatState(world)
  }

  /** Hashes of ancestors as the block after `parent` sees them. */
  blockHashes(parent: StoredHeader): BlockHashes {
    return (number) => {
      let block: StoredHeader | undefined = parent
      while (block !== undefined && block.header.number > number && !this.isCanonical(block)) {
        block = this.headerByHash(bytesToHex(block.header.parentHash))
      }
      const isReached = block?.header.number === number
      const hash = isReached ? block?.hash : this.canonicalHash(number)
      return hexToBytes(hash ?? zeroHash)
    }
  }

  /** Stores an executed block and its state, atomically; it is not canonical yet. `state` is the one it was executed on. */
  async insert(block: SealedBlock, state: FlatState): Promise<void> {
    const mayRepeatNodes = this.#pruner !== undefined && block.header.number <= this.latest().header.number
    await this.#db.write(this.#db.blockWrites(block, this.#pruner !== undefined, mayRepeatNodes))
    const { hash, header, transactions, world } = block
    this.#headers.set(hash, { hash, header })
    this.#blocks.set(hash, { hash, header, transactions })
    world.trim()
    this.#worlds.set(hash, world)
    state.rebase(world, block.accounts)
    this.#warm = state
  }

  /** Moves the head and the labels, in one write; the blocks are known and of one chain. Returns what changed. */
  async setHeads(head: StoredBlock, labels: Labels): Promise<HeadEvent> {
    const { reverted, added } = this.#pathTo(head)
    const writes: Write[] = []
    for (const block of reverted) writes.push(...uncanonicalWrites(block.header.number, txHashes(block)))
    for (const block of added) writes.push(...canonicalWrites(block, txHashes(block)))
    const next: Labels = { ...labels, latest: head.hash }
    for (const name of labelNames) {
      const hash = next[name]
      if (hash !== undefined && hash !== this.#labels.get(name)) writes.push(metaWrite(name, hexToBytes(hash)))
    }
    if (writes.length > 0) await this.#db.write(writes)
    for (const name of labelNames) {
      const hash = next[name]
      if (hash !== undefined) this.#labels.set(name, hash)
    }
    const event = { head, reverted, added }
    if (reverted.length > 0 || added.length > 0) this.#announce(event)
    await this.#pruner?.advance(head.header.number, this.head('finalized')?.header.number ?? 0n)
    return event
  }

  #announce(event: HeadEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event)
      } catch (error) {
        // A listener cannot undo what is written; its failure is its own.
        this.#log.error('head listener failed', { error })
      }
    }
  }

  /** Blocks between the present head and another one, by way of their common ancestor; both oldest first. */
  #pathTo(head: StoredBlock): { reverted: StoredBlock[]; added: StoredBlock[] } {
    const added: StoredBlock[] = []
    let fork: StoredBlock | undefined = head
    while (fork !== undefined && !this.isCanonical(fork)) {
      added.push(fork)
      fork = this.blockByHash(bytesToHex(fork.header.parentHash))
    }
    if (fork === undefined) throw new EngineError('critical', `block ${head.hash} does not lead back to the chain`)
    const reverted: StoredBlock[] = []
    for (let block = this.latest(); block.header.number > fork.header.number; ) {
      reverted.push(block)
      const parent = this.blockByHash(bytesToHex(block.header.parentHash))
      if (parent === undefined) throw new EngineError('critical', `parent of canonical block ${block.hash} is missing`)
      block = parent
    }
    return { reverted: reverted.reverse(), added: added.reverse() }
  }

  async #begin(genesis: Genesis): Promise<void> {
    const { header } = genesisHeader(genesis)
    const hash = bytesToHex(headerHash(header))
    const stored = this.#db.meta('genesis')
    if (stored === undefined) await this.#create(genesis, hash)
    else if (bytesToHex(stored) !== hash) {
      throw new EngineError('critical', `the folder holds the chain of genesis ${bytesToHex(stored)}, not ${hash}`)
    }
    for (const name of labelNames) {
      const label = this.#db.meta(name)
      if (label !== undefined) this.#labels.set(name, bytesToHex(label))
    }
    const { header: head } = this.latest()
    this.#log.info('chain opened', { genesis: hash, head: head.number })
  }

  async #create(genesis: Genesis, hash: Hex): Promise<void> {
    const { header } = genesisHeader(genesis)
    const { world, diff } = genesisState(this.#db, genesis)
    if (!equalBytes(world.root, header.stateRoot)) {
      throw new EngineError('critical', 'the genesis file does not hold its first state')
    }
    await this.#db.write([
      { type: 'put', key: keys.header(hash), value: encodeHeader(header) },
      { type: 'put', key: keys.body(hash), value: rlpEncode([]) },
      { type: 'put', key: keys.receipts(hash), value: rlpEncode([]) },
      ...this.#db.stateWrites(diff, header.number, false),
      ...canonicalWrites({ hash, header }, []),
      metaWrite('latest', hexToBytes(hash)),
      metaWrite('genesis', hexToBytes(hash)),
    ])
    // A genesis is big and most of it is never looked at again.
    this.#worlds.set(hash, new World(this.#db, world.root))
  }
}

function txHashes(block: StoredBlock): Hex[] {
  return block.transactions.map(keccakHex)
}

function checkedDeployer(code: Uint8Array | undefined): Create2DeployerCode | undefined {
  return code === undefined ? undefined : checkCreate2DeployerCode(code)
}
