import { callContract } from '../../chain/ledger/l2-calls.ts'
import type { L2Rpc } from '../../chain/ledger/l2-rpc.ts'
import type { MoneyContract } from '../../chain/ledger/money-contracts.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { InferenceRequest } from '../../protocol/inference-request.ts'
import type { Signed, Voucher } from '../../protocol/voucher.ts'
import type { JobBook } from './job-book.ts'
import { JobError } from './job-error.ts'

/** Stake that a wei of fees needs until its batch is mature; `*_FACTOR` of InferenceMarket. By proof class, others 3. */
export const coverFactors: Readonly<Record<number, bigint>> = { 1: 1n, 2: 8n }
const otherFactor = 3n
/** Batches mature within minutes to days; another worker is the better choice. */
const coverRetryMs = 60_000
const settlingRetryMs = 2_000

type Channel = { readonly balance: bigint; readonly spent: bigint }
type Payable = { readonly request: InferenceRequest; readonly voucher?: Signed<Voucher> }
type Parts = { readonly rpc: L2Rpc; readonly book: JobBook; readonly worker: Hex }

/**
 * Whether what a job may cost will be paid: of its channel's deposit, and of the worker's stake, both after what was promised
 * before. What is being answered is reserved here; what was answered stands in the book.
 */
export class Funds {
  readonly #parts: Parts
  /** Greatest fees of jobs under way, by request. */
  readonly #reserved = new Map<
    Hex,
    { readonly channel: Hex | undefined; readonly fee: bigint; readonly cover: bigint }
  >()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /**
   * Reserves a request's greatest fee, under its voucher or in escrow, until the returned function is called. Throws {@link JobError}
   * `channel-short`, `voucher-cap` or `busy`, and what the RPC throws.
   */
  async reserve(requestId: Hex, { request, voucher }: Payable): Promise<() => void> {
    const { maxFee, class: proofClass } = request
    const channel = voucher?.value.channel
    const [held, { free, cover }] = await Promise.all([
      channel === undefined ? undefined : this.#channel(channel),
      this.#read<{ free: bigint; cover: bigint }>('coverOf', this.#parts.worker),
    ])
    // From here on nothing waits, so that two jobs cannot reserve the same wei.
    if (held !== undefined && voucher !== undefined) this.#checkChannel({ ...voucher.value, maxFee }, held)
    const others = [...this.#reserved.values()]
    const waiting = [...this.#parts.book.unsettledByClass()].map(([kind, fees]) => coverOf(kind, fees))
    const needed = coverOf(proofClass, maxFee)
    if (free < cover + sum(waiting) + sum(others.map((each) => each.cover)) + needed) {
      throw new JobError('busy', 'the stake of this worker covers no more fees until earlier batches are mature', {
        retryAfterMs: coverRetryMs,
      })
    }
    this.#reserved.set(requestId, { channel, fee: maxFee, cover: needed })
    return () => void this.#reserved.delete(requestId)
  }

  /** Throws {@link JobError} where the channel or the voucher pays too little. */
  #checkChannel({ channel, maxFee, cumulativeCap }: Voucher, { balance, spent }: Channel): void {
    const { book } = this.#parts
    const others = [...this.#reserved.values()]
    const promised =
      book.unsettledOf(channel).fees + sum(others.filter((each) => each.channel === channel).map(({ fee }) => fee))
    const left = balance - promised
    if (left < maxFee) {
      throw new JobError(
        'channel-short',
        `the channel has ${left < 0n ? 0n : left} wei left, the request may cost ${maxFee}: deposit more`,
      )
    }
    if (cumulativeCap < spent + promised + maxFee) {
      throw new JobError(
        'voucher-cap',
        `the voucher's cumulativeCap ${cumulativeCap} is below ${spent + promised + maxFee}: what was spent or promised before, and this request`,
        // A batch that is on its way may be counted twice, as spent and as promised, until it is seen.
        { retryAfterMs: book.unsettledOf(channel).jobs > 0 ? settlingRetryMs : 0 },
      )
    }
  }

  /** What a channel holds that nobody asked back, and was ever debited. */
  async #channel(channel: Hex): Promise<Channel> {
    const [{ balance, spent }, withdrawal] = await Promise.all([
      this.#read<Channel>('channels', channel),
      this.#read<readonly [amount: bigint, availableAt: bigint]>('withdrawals', channel),
    ])
    return { balance: balance - withdrawal[0], spent }
  }

  async #read<T>(functionName: string, arg: Hex): Promise<T> {
    const contract: MoneyContract = 'InferenceMarket'
    return (await callContract(this.#parts.rpc, { contract, functionName, args: [arg] })) as T
  }
}

function coverOf(proofClass: number, fee: bigint): bigint {
  return fee * (coverFactors[proofClass] ?? otherFactor)
}

function sum(values: readonly bigint[]): bigint {
  return values.reduce((total, value) => total + value, 0n)
}
