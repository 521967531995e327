import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import type { FakeTx, IndexedChain } from './indexed-chain.ts'
import type { MoneyChain } from './money-chain.ts'

type Block = { readonly number: bigint; readonly timestamp: bigint; readonly txs: FakeTx[] }

/** Blocks that a wait of any length takes. */
const blocksMax = 12

/**
 * Shows a money chain to an index: every transaction that went through since, with what the real contracts logged, in a block
 * of the same number and time.
 */
export class RecordedChain {
  readonly #money: MoneyChain
  readonly #shown: IndexedChain
  readonly #blocks: Block[] = []
  #mined = 0

  constructor(money: MoneyChain, shown: IndexedChain) {
    this.#money = money
    this.#shown = shown
    // Days of waiting are seconds, and not a block every two of them: each would be mined.
    money.advance = (seconds) => {
      money.evm.timestamp += BigInt(seconds)
      money.evm.blockNumber += BigInt(Math.max(1, Math.min(Number(seconds) / 2, blocksMax) | 0))
    }
    const { sendRaw } = money
    money.sendRaw = async (from, to, data, options) => {
      const place = { number: money.blockNumber, timestamp: money.now }
      const sent = await sendRaw.call(money, from, to, data, options)
      const { exceptionError, logs } = sent.result.execResult
      if (exceptionError !== undefined) return sent
      if (this.#blocks.at(-1)?.number !== place.number) this.#blocks.push({ ...place, txs: [] })
      this.#blocks.at(-1)?.txs.push({
        from: typeof from === 'string' ? from : from.address,
        to,
        input: bytesToHex(data),
        logs: (logs ?? []).map(([address, topics, body]) => ({
          address: bytesToHex(address),
          topics: topics.map((topic) => bytesToHex(topic)) as Hex[],
          data: bytesToHex(body),
        })),
      })
      return sent
    }
  }

  /** Mines what went through up to the money chain's block; nothing more may happen in that block. */
  show(): void {
    for (const { number, timestamp, txs } of this.#blocks.slice(this.#mined)) {
      this.#mineTo(number - 1n)
      this.#shown.mine(txs, timestamp)
      this.#mined++
    }
    this.#mineTo(this.#money.blockNumber - 1n)
  }

  #mineTo(number: bigint): void {
    while (BigInt(this.#shown.head.number) < number) this.#shown.mine([])
  }
}
