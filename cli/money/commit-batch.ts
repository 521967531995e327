import { randomBytes } from 'node:crypto'
import { decodeBatchFile, layouts, rowBytes } from '../../attribution/epochs/batch-file.ts'
import type { BatchReceipt } from '../../attribution/epochs/batch-rows.ts'
import { type CommitPlace, type PackedBatch, packBatch } from '../../attribution/epochs/pack-batch.ts'
import { ReceiptError } from '../../attribution/epochs/receipt-error.ts'
import { decodeRow } from '../../attribution/epochs/row-layout.ts'
import { UsageError } from '../../common/errors.ts'
import { asSwitch, asText } from '../../common/flag-parsers.ts'
import { FormatError, fixedHex, type Hex, parseQuantity, zeroHash } from '../../protocol/bytes.ts'
import { receiptSumNames } from '../../protocol/fee.ts'
import { type InferenceReceipt, receiptTypes } from '../../protocol/inference-receipt.ts'
import { type InferenceRequest, requestTypes } from '../../protocol/inference-request.ts'
import { action, type ChainAccess } from './action.ts'
import { whenArg } from './arg-kinds.ts'
import { readCancel } from './cancel-paper.ts'
import { ContentPlaces, contentArgs } from './content-places.ts'
import { knownBatch } from './known-batch.ts'
import { integer, objectOf, readPaper, readStruct, readTokens } from './papers.ts'
import { RefusedError } from './refused.ts'
import { readVoucher } from './voucher-paper.ts'
import { atTime } from './when.ts'

export const commitBatch = action(
  'InferenceMarket',
  'commitBatch',
  'Commits receipts as one batch, after checking it as watchers will, and publishes its data. All are of one proof class.',
  {
    receipt: {
      help: 'receipts made by worker receipt',
      value: 'FILE,…',
      parse: (text: string) => text.split(',').map((each) => asText(each.trim())),
      many: true,
    },
    'not-after': { ...whenArg('until when it may be mined'), default: '10m' },
    'allow-unchecked': {
      help: 'commit even where earlier batches of yours, whose data are not found, may hold a receipt already',
      parse: asSwitch,
      default: 'false',
    },
    ...contentArgs,
  },
  async ({ receipt: paths, 'not-after': notAfter, 'allow-unchecked': allowUnchecked, ...content }, chain) => {
    const places = new ContentPlaces(content)
    const receipts = paths.map(readReceiptPaper)
    const worker = chain.sender()
    const place = {
      batchId: ((await chain.read('InferenceMarket', 'batchCount')) as bigint) + 1n,
      worker,
      committedAt: await chain.now(),
      l2Block: parseQuantity(await chain.request('eth_blockNumber')) + 1n,
      notAfter: await atTime(notAfter, chain),
    }
    const packed = pack(receipts, place)
    await requireNew(packed, places, chain, allowUnchecked)
    await requireUnchallengeable(packed, chain)
    places.keep(packed.file)
    const { input, segments, file } = packed
    return {
      args: [input, segments],
      afterwards: () => places.publish(input.dataHash, file, chain.signal),
    }
  },
)

/** Throws UsageError. */
function pack(receipts: readonly BatchReceipt[], place: CommitPlace): PackedBatch {
  try {
    return packBatch(receipts, place)
  } catch (cause) {
    throw cause instanceof ReceiptError ? new UsageError(cause.message) : cause
  }
}

/** What watchers would find wrong. Throws {@link RefusedError}. */
async function requireUnchallengeable({ header, segments, file }: PackedBatch, chain: ChainAccess): Promise<void> {
  const { ChainFacts } = await import('../../chain/ledger/chain-facts.ts')
  const { checkBatch } = await import('../../attribution/epochs/check-batch.ts')
  // Earlier receipts were looked at by `requireNew`.
  const facts = new ChainFacts({ rpc: chain, chainId: chain.chainId, earlierReceipt: async () => undefined })
  const asking = { seed: randomBytes(32), limit: 1 }
  const [verdict] = await checkBatch(header, segments, { file }, facts, asking)
  if (verdict === undefined || verdict.kind === 'right') return
  const { functionName, args } = verdict.call
  const index = (args[0] as { readonly index?: number }).index
  const what = index === undefined ? 'the batch' : `receipt ${index} of the batch`
  const why = challengeTexts[functionName] ?? 'its data do not fit together'
  throw new RefusedError(`${what} would be challenged by ${functionName}: ${why}; make the receipt anew`)
}

/**
 * A worker that settles a request twice loses stake, and the market cannot tell: the voucher may reach further than the fee. So
 * all its batches that debited one of these channels are looked at. Throws {@link RefusedError}.
 */
async function requireNew(
  { header, segments, file }: PackedBatch,
  places: ContentPlaces,
  chain: ChainAccess,
  allowUnchecked: boolean,
): Promise<void> {
  const { allEvents, topicOf } = await import('../../chain/ledger/all-events.ts')
  const own = requestIds(file)
  if (new Set(own).size < own.length) throw new UsageError('a receipt is given twice')
  const channels = new Set(segments.map(({ channel }) => channel).filter((channel) => channel !== zeroHash))
  const events = await allEvents(chain, 'InferenceMarket', 'BatchCommitted', [null, topicOf(header.worker)])
  for (const { args } of events) {
    const batchId = args['batchId'] as bigint
    const earlier = await knownBatch(chain, batchId)
    if (!earlier.segments.some(({ channel }) => channels.has(channel))) continue
    const data = await places.get(earlier.header.dataHash, chain.signal)
    if (data === undefined && !allowUnchecked) {
      throw new RefusedError(
        `the data of your batch ${batchId} are not found, and a receipt that stands in it already would cost you stake: name a --content.dir or --node that has them, or add --allow-unchecked`,
      )
    }
    const before = new Set(data === undefined ? [] : requestIds(data))
    const twice = own.find((id) => before.has(id))
    if (twice !== undefined) throw new RefusedError(`request ${twice} was settled in your batch ${batchId} already`)
  }
}

function requestIds(file: Uint8Array): Hex[] {
  const { receipts } = decodeBatchFile(file)
  return Array.from(
    { length: receipts.length / rowBytes.receipts },
    (_, i) => decodeRow(layouts.receipts, receipts, i * rowBytes.receipts).requestId,
  )
}

/** Throws UsageError. */
function readReceiptPaper(path: string): BatchReceipt {
  return readPaper(path, (json) => {
    const { sums, entries, voucher, cancel } = json
    if (!Array.isArray(sums) || sums.length !== receiptSumNames.length)
      throw new FormatError('sums must be a list of ten')
    if (!Array.isArray(entries)) throw new FormatError('entries must be a list')
    return {
      receipt: readStruct<InferenceReceipt>(receiptTypes, 'Receipt', json['receipt']),
      request: readStruct<InferenceRequest>(requestTypes, 'Request', json['request']),
      payment:
        voucher === undefined
          ? undefined
          : {
              voucher: readVoucher(objectOf(voucher, 'voucher')),
              cancel: cancel === undefined ? undefined : readCancel(objectOf(cancel, 'cancel')),
            },
      sums: sums.map((sum: unknown) => integer(sum, 128, 'a sum')),
      entries: entries.map(readEntry),
      prompt: readTokens(json['prompt'], 'prompt'),
      output: readTokens(json['output'], 'output'),
    }
  })
}

function readEntry(json: unknown): BatchReceipt['entries'][number] {
  const row = objectOf(json, 'an entry')
  return {
    payee: fixedHex(row['payee'], 20, 'payee'),
    id: integer(row['id'], 64, 'id'),
    class: Number(integer(row['class'], 8, 'class')),
    evidenceHash: fixedHex(row['evidenceHash'], 32, 'evidenceHash'),
    weight: integer(row['weight'], 64, 'weight'),
  }
}

/** What a challenge says is wrong, docs/MONEY.md §5. */
const challengeTexts: Readonly<Record<string, string>> = {
  badReceipt: 'it contradicts its batch, or its payment',
  badTerms: 'its deadline, class, price, fee, shares, or what it says of the model are not those of the chain',
  badPayment: 'the voucher or the cancel is not for it',
  badPromptCount: 'the prompt has another number of tokens',
  badOutputCount: 'the answer has another number of tokens',
  duplicateRequest: 'its request is settled twice',
  badSegment: 'what a channel is debited is not the sum of its fees',
  badBatchTotal: 'the sums are not those of the receipts',
  badPools: 'the weights of a pool do not sum to 1,000,000',
  badEntryTotal: 'the entries are not as many as it says',
  badEntry: 'an entry pays another than the chain names',
  badAppEntry: 'the payout address of the app code changed',
  badRoyaltyEntry: 'who is entitled to the revenue of a model changed',
  badEntryOrder: 'its entries are not in order of class and id',
}
