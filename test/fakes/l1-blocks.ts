import type { Hex } from '../../protocol/bytes.ts'
import type { L1BlockInfo } from '../../protocol/l1-block.ts'
import { hash } from './rollup-config.ts'

/** An L1 of headers in memory: block n has time 12 n. Blocks replaced by a reorg stay known by hash, as on a real node. */
export class FakeL1Blocks {
  readonly #known = new Map<Hex, L1BlockInfo>()
  #chain: L1BlockInfo[] = []
  #next = 0x1000
  /** Set to make every read fail. */
  failure: Error | undefined

  constructor() {
    this.mine(1)
  }

  get latest(): L1BlockInfo {
    return this.at(this.#chain.length - 1)
  }

  at(number: number): L1BlockInfo {
    const block = this.#chain[number]
    if (block === undefined) throw new Error(`no L1 block ${number}`)
    return block
  }

  mine(count = 1): void {
    for (let i = 0; i < count; i++) {
      const number = BigInt(this.#chain.length)
      const block: L1BlockInfo = {
        hash: hash(this.#next++),
        number,
        parentHash: this.#chain.at(-1)?.hash ?? hash(0),
        timestamp: 12n * number,
        prevRandao: hash(0x77),
        baseFee: 7n,
        gasUsed: 0n,
        gasLimit: 30_000_000n,
        excessBlobGas: 0n,
        parentBeaconBlockRoot: hash(0x88),
      }
      this.#known.set(block.hash, block)
      this.#chain.push(block)
    }
  }

  /** Replaces the newest `depth` blocks by as many others and one more. */
  reorg(depth: number): void {
    this.#chain = this.#chain.slice(0, -depth)
    this.mine(depth + 1)
  }

  readonly blockRefByNumber = async (number: bigint): Promise<L1BlockInfo | undefined> => {
    if (this.failure !== undefined) throw this.failure
    return this.#chain[Number(number)]
  }

  readonly blockInfoByHash = async (asked: Hex): Promise<L1BlockInfo> => {
    if (this.failure !== undefined) throw this.failure
    const block = this.#known.get(asked)
    if (block === undefined) throw Object.assign(new Error(`L1 does not know ${asked}`), { code: 'missing' })
    return block
  }
}
