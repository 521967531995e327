import { callContract } from '../chain/ledger/l2-calls.ts'
import type { L2Rpc } from '../chain/ledger/l2-rpc.ts'
import { moneyContracts } from '../chain/ledger/money-contracts.ts'
import type { Hex } from '../protocol/bytes.ts'
import { WorkerError } from './worker-error.ts'

/** What the chain says of a worker that may answer. */
export type Registered = { readonly units: number; readonly classes: ReadonlySet<number> }

const classCount = 6

/** Throws {@link WorkerError} for an account that may not answer. */
export async function registeredAs(rpc: L2Rpc, worker: Hex): Promise<Registered> {
  const code = await rpc.request('eth_getCode', [moneyContracts.WorkerRegistry, 'latest'])
  if (code === '0x') throw new WorkerError('no-contracts', 'the chain has no WorkerRegistry: is --l2 an OpenLedger L2?')
  const ask = (functionName: string) => callContract(rpc, { contract: 'WorkerRegistry', functionName, args: [worker] })
  type Entry = { readonly units: number; readonly classes: number; readonly registeredAt: bigint }
  const { units, classes, registeredAt } = (await ask('workers')) as Entry
  if (registeredAt === 0n) {
    throw new WorkerError('not-registered', `${worker} is no worker: openledger worker register makes it one`)
  }
  if ((await ask('isActive')) !== true) {
    throw new WorkerError(
      'not-registered',
      `the worker ${worker} is in jail, or its stake is below the least of its units`,
    )
  }
  const all = Array.from({ length: classCount }, (_, proofClass) => proofClass)
  return { units, classes: new Set(all.filter((proofClass) => ((classes >> proofClass) & 1) === 1)) }
}

/** Seconds in which a batch can be challenged. */
export async function receiptWindow(rpc: L2Rpc): Promise<bigint> {
  return (await callContract(rpc, { contract: 'InferenceMarket', functionName: 'window', args: [] })) as bigint
}
