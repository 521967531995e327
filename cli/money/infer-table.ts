import { UsageError } from '../../common/errors.ts'
import { asHttpUrls } from '../../common/flag-parsers.ts'
import { channelOf } from '../../protocol/voucher.ts'
import { type Action, action, optional, type Query } from './action.ts'
import { addressArg, fileArg, hashArg, idArg, openArg } from './arg-kinds.ts'
import { makeCancel } from './cancel-paper.ts'
import { givePrompt } from './give-prompt.ts'
import { showBatch, showChannel, showRequest } from './infer-queries.ts'
import { knownBatch } from './known-batch.ts'
import { maturable } from './maturable.ts'
import { makeRequest, readRequestPaper } from './request-paper.ts'
import { makeVoucher } from './voucher-paper.ts'

const workerArg = addressArg('the worker')

/** `openledger infer`: what payers do at InferenceMarket, and what anyone may do for its batches. */
export const inferTable: Readonly<Record<string, Action | Query>> = {
  deposit: action(
    'InferenceMarket',
    'deposit',
    'Adds to your channel with a worker, which your vouchers are paid from.',
    { worker: workerArg, amount: openArg('how much') },
    ({ worker, amount }) => ({ args: [worker], value: amount }),
  ),
  'deposit-for': action(
    'InferenceMarket',
    'depositFor',
    "Adds to another payer's channel with a worker; it is theirs from now on.",
    { payer: addressArg('whose channel'), worker: workerArg, amount: openArg('how much') },
    ({ payer, worker, amount }) => ({ args: [payer, worker], value: amount }),
  ),
  'request-withdrawal': action(
    'InferenceMarket',
    'requestWithdrawal',
    'Asks for money of your channel back, in place of what was asked for before. It can still be debited until it is paid.',
    { worker: workerArg, amount: openArg('how much') },
    ({ worker, amount }) => ({ args: [worker, amount] }),
  ),
  'cancel-withdrawal': action(
    'InferenceMarket',
    'cancelWithdrawal',
    'Leaves in your channel what you asked for.',
    { worker: workerArg },
    ({ worker }) => ({ args: [worker] }),
  ),
  withdraw: action(
    'InferenceMarket',
    'withdraw',
    'Pays what you asked for long enough ago, or what is left of it.',
    { worker: workerArg, to: optional(addressArg('who is paid; absent: you')) },
    ({ worker, to }, chain) => ({ args: [worker, to ?? chain.sender()] }),
  ),
  request: makeRequest,
  voucher: makeVoucher,
  cancel: makeCancel,
  open: action(
    'InferenceMarket',
    'open',
    'Opens a request on chain for any worker to answer; its greatest fee is sent along, and the prompt is given to nodes that workers ask for it.',
    {
      request: fileArg('request made by infer request'),
      node: optional({
        help: 'rollup RPCs of nodes that take the prompt',
        value: 'URL,…',
        parse: asHttpUrls,
        many: true,
      }),
    },
    ({ request: path, node = [] }, chain) => {
      const { request, prompt } = readRequestPaper(path)
      if (node.length > 0 && prompt === undefined) {
        throw new UsageError('the request has no tokens of its prompt: make it with --prompt-tokens')
      }
      const afterwards = () => givePrompt(request.promptRoot, prompt ?? new Uint32Array(0), { nodes: node, chain })
      return { args: [request], value: request.maxFee, ...(node.length > 0 && { afterwards }) }
    },
  ),
  refund: action(
    'InferenceMarket',
    'refund',
    "Gives an open request's money back once its deadline is over, or its fee where what settled it is void. The payer fetches it by infer claim-refund.",
    { request: hashArg('id of the request') },
    ({ request }) => ({ args: [request] }),
  ),
  'claim-refund': action(
    'InferenceMarket',
    'claimRefund',
    'Pays what is owed to you from requests.',
    { to: optional(addressArg('who is paid; absent: you')) },
    ({ to }, chain) => ({ args: [to ?? chain.sender()] }),
  ),
  mature: action(
    'InferenceMarket',
    'matureBatches',
    'Matures the next batches whose window is over, in order. Anyone may.',
    { through: optional(idArg('the last batch to mature; absent: as many as are due')) },
    async ({ through }, chain) => ({ args: [await maturable(chain, through)] }),
  ),
  'settle-refund': action(
    'InferenceMarket',
    'settleRefund',
    "Refunds a mature batch's void receipts of one channel, or the one of a request opened on chain. Anyone may.",
    {
      batch: idArg('the batch'),
      payer: optional(addressArg('payer of the channel; its worker is that of the batch')),
      request: optional(hashArg('id of the request, where it was opened on chain')),
    },
    async ({ batch, payer, request }, chain) => {
      if ((payer === undefined) === (request === undefined)) throw new UsageError('give either --payer or --request')
      const { header } = await knownBatch(chain, batch)
      return { args: [batch, request ?? channelOf(payer ?? chain.sender(), header.worker)] }
    },
  ),
  'refund-batch': action(
    'InferenceMarket',
    'refundBatch',
    'Refunds the payers of a batch that turned out void when it matured. Anyone may.',
    { batch: idArg('the batch') },
    async ({ batch }, chain) => {
      const { header, segments } = await knownBatch(chain, batch)
      return { args: [header, segments] }
    },
  ),
  show: showChannel,
  'show-request': showRequest,
  'show-batch': showBatch,
}
