import { UsageError } from '../../common/errors.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { receiptSumNames } from '../../protocol/fee.ts'
import { channelOf } from '../../protocol/voucher.ts'
import { type ChainAccess, optional, query } from './action.ts'
import { addressArg, hashArg, idArg } from './arg-kinds.ts'
import { knownBatch } from './known-batch.ts'
import { Amount, Time } from './values.ts'

export type Channel = { readonly balance: bigint; readonly spent: bigint }

export async function readChannel(chain: Pick<ChainAccess, 'read'>, channel: Hex): Promise<Channel> {
  return (await chain.read('InferenceMarket', 'channels', [channel])) as Channel
}

export const showChannel = query(
  'Shows the channel of a payer with a worker, a withdrawal that was asked for, and what the payer is owed from requests.',
  { worker: addressArg('the worker'), payer: optional(addressArg('the payer; absent: you')) },
  async ({ worker, payer }, chain) => {
    const from = payer ?? chain.sender()
    const channel = channelOf(from, worker)
    const { balance, spent } = await readChannel(chain, channel)
    const [amount, availableAt] = (await chain.read('InferenceMarket', 'withdrawals', [channel])) as [bigint, bigint]
    const owed = (await chain.read('InferenceMarket', 'refundOf', [from])) as bigint
    return {
      channel,
      payer: from,
      worker,
      balance: new Amount(balance),
      spent: new Amount(spent),
      withdrawal: new Amount(amount),
      withdrawalAt: new Time(availableAt),
      owedFromRequests: new Amount(owed),
    }
  },
)

type OpenRequest = {
  readonly payer: Hex
  readonly openedAt: bigint
  readonly maxFee: bigint
  readonly deadline: bigint
  readonly settledBy: bigint
}

const refunded = (1n << 64n) - 1n

export const showRequest = query(
  'Shows a request that was opened on chain: open, settled, refundable or refunded.',
  { request: hashArg('id of the request') },
  async ({ request }, chain) => {
    const found = (await chain.read('InferenceMarket', 'openRequestOf', [request])) as OpenRequest
    if (found.openedAt === 0n) throw new UsageError(`--request ${request} was never opened`)
    const { payer, openedAt, maxFee, deadline, settledBy } = found
    const states: Readonly<Record<string, string>> = {
      '0': (await chain.now()) > deadline ? 'open, over' : 'open',
      [String(refunded)]: 'refunded',
      [String(refunded - 1n)]: 'refundable',
    }
    const state = states[String(settledBy)] ?? `settled in batch ${settledBy}`
    return {
      request,
      state,
      payer,
      openedAt: new Time(openedAt),
      deadline: new Time(deadline),
      maxFee: new Amount(maxFee),
    }
  },
)

export const showBatch = query(
  'Shows a batch: its worker, fees and their parts, data, and whether it is mature or void.',
  { batch: idArg('the batch') },
  async ({ batch: id }, chain) => {
    const { header } = await knownBatch(chain, id)
    const { worker, committedAt, l2Block, count, sums, class: proofClass, dataHash, receiptRoot } = header
    const [lastMature] = (await chain.read('InferenceMarket', 'maturedTotals')) as readonly [bigint, unknown]
    const { isVoid, holds } = (await chain.read('InferenceMarket', 'batchState', [id])) as {
      isVoid: boolean
      holds: number
    }
    const window = (await chain.read('InferenceMarket', 'window')) as bigint
    const amounts = receiptSumNames.map((name, i) => {
      const sum = sums[i] ?? 0n
      return [name, ['tin', 'tout', 'entries'].includes(name) ? sum : new Amount(sum)] as const
    })
    return {
      batch: id,
      worker,
      committedAt: new Time(committedAt),
      maturesAt: new Time(committedAt + window),
      l2Block,
      isMature: id <= lastMature,
      isVoid,
      openDataRequests: holds,
      receipts: count,
      class: proofClass,
      sums: Object.fromEntries(amounts),
      receiptRoot,
      dataHash,
    }
  },
)
