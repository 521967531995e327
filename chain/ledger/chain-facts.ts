import type { BatchFacts } from '../../attribution/epochs/batch-facts.ts'
import type { OpenedReceipt } from '../../attribution/epochs/openings.ts'
import { LruCache } from '../../common/lru-cache.ts'
import { bytesToHex, type Hex, hexToBytes, quantity, zeroHash } from '../../protocol/bytes.ts'
import type { Price, Shares } from '../../protocol/fee.ts'
import { decodeRoyaltyRows, type RoyaltyRow, royaltyHash } from '../../protocol/royalty-vector.ts'
import { callContract, readHead } from './l2-calls.ts'
import type { L2Rpc } from './l2-rpc.ts'
import { decodeEvent, eventTopic, type MoneyContract, moneyContracts } from './money-contracts.ts'

/** Answers kept: what a batch asks again for each of its receipts. */
const answersMax = 10_000
/** Blocks of one look for a model's registration. */
const logBlocks = 5_000n

type Parts = {
  readonly rpc: L2Rpc
  readonly chainId: bigint
  readonly earlierReceipt: (worker: Hex, requestId: Hex, batchId: bigint) => Promise<OpenedReceipt | undefined>
}

/**
 * What batches are checked against, asked of the registries by `eth_call`. Answers are kept, for each is of a time that is over or of
 * something that never changes; what is not there yet is asked for again. Throws what the RPC throws.
 */
export class ChainFacts implements BatchFacts {
  readonly chainId: bigint
  readonly earlierReceipt: Parts['earlierReceipt']
  readonly #rpc: L2Rpc
  readonly #answers = new LruCache<string, Promise<unknown>>(answersMax)

  constructor({ rpc, chainId, earlierReceipt }: Parts) {
    this.#rpc = rpc
    this.chainId = chainId
    this.earlierReceipt = earlierReceipt
  }

  async price(modelVersion: Hex, proofClass: number, priceVersion: number): Promise<Price | undefined> {
    const args = [modelVersion, proofClass, priceVersion]
    const price = (await this.#ask('ModelRegistry', 'priceOf', args)) as Price
    return price.setAt === 0n ? undefined : price
  }

  async shares(version: number): Promise<Shares> {
    return (await this.#ask('RevenueSplitter', 'sharesOf', [version])) as Shares
  }

  async model(modelVersion: Hex): Promise<{ readonly royaltyHash: Hex; readonly indexSetHash: Hex }> {
    const [royaltyHash, indexSetHash] = await Promise.all([
      this.#ask('ModelRegistry', 'royaltyHashOf', [modelVersion]),
      this.#ask('ModelRegistry', 'indexSetHashOf', [modelVersion]),
    ])
    return { royaltyHash: royaltyHash as Hex, indexSetHash: indexSetHash as Hex }
  }

  /** Found among the registrations by hash, the newest first. Throws where no model has it. */
  async royaltyRows(hash: Hex): Promise<readonly RoyaltyRow[]> {
    return (await this.#keep(`rows ${hash}`, () => this.#findRows(hash))) as readonly RoyaltyRow[]
  }

  async algoInForce(algoHash: Hex, time: bigint): Promise<boolean> {
    return (await this.#ask('AttributionLedger', 'isAlgoInForce', [algoHash, time])) as boolean
  }

  async modelPayee(modelId: bigint, time: bigint): Promise<Hex> {
    return (await this.#ask('ModelRegistry', 'payeeAt', [modelId, time])) as Hex
  }

  async codePayee(codeHash: Hex, time: bigint): Promise<Hex> {
    return (await this.#ask('CodeRegistry', 'payoutAt', [codeHash, time])) as Hex
  }

  async contributionPayee(id: bigint, time: bigint): Promise<Hex> {
    return (await this.#ask('DatanetRegistry', 'payoutOfAt', [id, time])) as Hex
  }

  /** Asked anew each time: Datanets are created all the time, and only a batch's entries for one that is missing depend on it. */
  async datanets(): Promise<bigint> {
    return (await callContract(this.#rpc, {
      contract: 'DatanetRegistry',
      functionName: 'datanetCount',
      args: [],
    })) as bigint
  }

  /** Drops what is kept: a reorg may have changed it. */
  forget(): void {
    this.#answers.clear()
  }

  #ask(contract: MoneyContract, functionName: string, args: readonly unknown[]): Promise<unknown> {
    const key = `${contract} ${functionName} ${args.join(' ')}`
    return this.#keep(key, () => callContract(this.#rpc, { contract, functionName, args }))
  }

  /** A failure is not kept, nor what says that there is nothing. */
  #keep(key: string, ask: () => Promise<unknown>): Promise<unknown> {
    const known = this.#answers.get(key)
    if (known !== undefined) return known
    const answer = ask()
    const drop = () => this.#answers.delete(key)
    answer.then((value) => isAbsent(value) && drop(), drop)
    return this.#answers.set(key, answer)
  }

  async #findRows(wanted: Hex): Promise<readonly RoyaltyRow[]> {
    if (wanted === zeroHash) return []
    const filter = {
      address: moneyContracts.ModelRegistry,
      topics: [eventTopic('ModelRegistry', 'RoyaltySnapshot')],
    }
    let last = (await readHead(this.#rpc, 'latest'))?.number ?? 0n
    while (true) {
      const first = last < logBlocks ? 0n : last - logBlocks + 1n
      const range = { ...filter, fromBlock: quantity(first), toBlock: quantity(last) }
      const logs = (await this.#rpc.request('eth_getLogs', [range])) as { topics: Hex[]; data: Hex }[]
      for (const { topics, data } of logs) {
        const vector = decodeEvent('ModelRegistry', topics, data)?.args['vector']
        const rows = decodeRoyaltyRows(hexToBytes(String(vector)))
        if (bytesToHex(royaltyHash(rows)) === wanted) return rows
      }
      if (first === 0n) throw new Error(`no model was registered with the royalty vector ${wanted}`)
      last = first - 1n
    }
  }
}

/** Zero words and prices that were never set. */
function isAbsent(value: unknown): boolean {
  if (typeof value === 'string') return /^0x0*$/.test(value)
  return typeof value === 'object' && value !== null && 'setAt' in value && value.setAt === 0n
}
