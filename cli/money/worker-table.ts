import { type Action, action, type Query } from './action.ts'
import { addressArg, classesArg, openArg } from './arg-kinds.ts'
import { commitBatch } from './commit-batch.ts'
import { asBytes, asUint32 } from './parsers.ts'
import { receiptPaper } from './receipt-paper.ts'
import { showWorker, showWorkers } from './worker-queries.ts'

/** `openledger worker`: WorkerRegistry, and the batches that a worker commits to InferenceMarket. */
export const workerTable: Readonly<Record<string, Action | Query>> = {
  register: action(
    'WorkerRegistry',
    'register',
    'Registers who signs as a worker with a stake, or changes what it registered and adds to its stake; at least 100 OPEN a compute unit.',
    {
      'peer-id': { help: "multihash of the node's key", value: 'HEX', parse: asBytes },
      units: { help: 'compute units offered', value: 'N', parse: asUint32 },
      classes: classesArg('proof classes offered'),
      stake: { ...openArg('stake sent along'), default: '0' },
    },
    ({ 'peer-id': peerId, units, classes, stake }) => ({ args: [peerId, units, classes], value: stake }),
  ),
  'add-stake': action('WorkerRegistry', 'addStake', 'Adds stake.', { amount: openArg('how much') }, ({ amount }) => ({
    args: [],
    value: amount,
  })),
  unbond: action(
    'WorkerRegistry',
    'requestUnbond',
    'Asks for stake back. It covers no new fees from now on, can be slashed until it is withdrawn, and all that was asked for waits anew.',
    { amount: openArg('how much') },
    ({ amount }) => ({ args: [amount] }),
  ),
  'cancel-unbond': action('WorkerRegistry', 'cancelUnbond', 'Makes stake again of what was asked for.', {}, () => ({
    args: [],
  })),
  withdraw: action(
    'WorkerRegistry',
    'withdraw',
    'Pays the stake that was asked for long enough ago.',
    { to: addressArg('who is paid') },
    ({ to }) => ({ args: [to] }),
  ),
  unjail: action('WorkerRegistry', 'unjail', 'Ends the time in jail, once it is over.', {}, () => ({ args: [] })),
  receipt: receiptPaper,
  batch: commitBatch,
  show: showWorker,
  list: showWorkers,
}
