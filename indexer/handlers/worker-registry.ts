import type { BlockWriter } from '../store/block-writer.ts'
import type { Row } from '../store/store.ts'
import { amountIn, contractHandlers, noChange } from './event.ts'

/** Faults of workers by number; `Fault` of Faults.sol. */
export const faults = [
  'late',
  'duplicateRequest',
  'wrongTokenCount',
  'wrongFee',
  'wrongShares',
  'noVoucher',
  'wrongSegment',
  'wrongEntry',
  'dataWithheld',
  'wrongStep',
  'equivocation',
] as const

export const faultName = (fault: number): string => faults[fault] ?? String(fault)

/** Index of the WorkerRegistry's events. */
export const workerRegistry = contractHandlers({
  'WorkerRegistered(address,uint32,uint8)': (event, { block, timestamp, writer }) => {
    const worker = event.topicAddress(1)
    const before = writer.state('worker', worker)
    changeWorker(writer, worker, {
      units: event.number(0),
      classes: event.number(1),
      registered_at: before?.['registered_at'] ?? timestamp,
      block: before?.['block'] ?? block,
    })
  },
  'PeerBound(address,bytes)': (event, { writer }) =>
    changeWorker(writer, event.topicAddress(1), { peer_id: event.bytes(0) }),
  'StakeAdded(address,uint256,uint256)': (event, { writer }) =>
    changeWorker(writer, event.topicAddress(1), { stake: event.decimal(1) }),
  'UnbondRequested(address,uint256,uint64)': (event, { writer }) => {
    const [worker, amount] = [event.topicAddress(1), event.uint(0)]
    const { stake, unbonding } = amountsOf(writer, worker)
    changeWorker(writer, worker, {
      stake: String(stake - amount),
      unbonding: String(unbonding + amount),
      unbonds_at: event.number(1),
    })
  },
  'UnbondCancelled(address,uint256)': (event, { writer }) => {
    const worker = event.topicAddress(1)
    const stake = amountsOf(writer, worker).stake + event.uint(0)
    changeWorker(writer, worker, { stake: String(stake), unbonding: '0', unbonds_at: null })
  },
  'StakeWithdrawn(address,address,uint256)': (event, { writer }) =>
    changeWorker(writer, event.topicAddress(1), { unbonding: '0', unbonds_at: null }),
  'WorkerSlashed(address,uint8,uint256,uint256,address)': (event, { block, tx, writer }) => {
    const [worker, amount] = [event.topicAddress(1), event.uint(1)]
    const { stake, unbonding, slashed } = amountsOf(writer, worker)
    const ofStake = amount < stake ? amount : stake
    changeWorker(writer, worker, {
      stake: String(stake - ofStake),
      unbonding: String(unbonding - (amount - ofStake)),
      slashed: String(slashed + amount),
    })
    writer.insert('slash', {
      block,
      idx: event.index,
      worker,
      fault: faultName(event.number(0)),
      amount: String(amount),
      burned: event.decimal(2),
      beneficiary: event.address(3),
      tx_hash: tx.hash,
    })
  },
  'WorkerJailed(address,uint64)': (event, { writer }) =>
    changeWorker(writer, event.topicAddress(1), { jailed: 1, jailed_until: event.number(0) }),
  'WorkerUnjailed(address)': (event, { writer }) => changeWorker(writer, event.topicAddress(1), { jailed: 0 }),
  'HeartbeatRoot(uint64,bytes32,uint32)': (event, { block, tx, writer }) =>
    writer.insert('heartbeat', {
      block,
      idx: event.index,
      epoch: event.topicNumber(1),
      root: event.word(0),
      workers: event.number(1),
      tx_hash: tx.hash,
    }),
  'Initialized(uint64)': noChange,
})

/** Sets some columns of a worker. Who never registered can be found guilty too. */
export function changeWorker(writer: BlockWriter, worker: string, columns: Row): void {
  const { key: _key, ...before } = writer.state('worker', worker) ?? { key: worker }
  writer.set('worker', worker, { ...unregistered, ...before, ...columns })
}

/** Stake that a batch takes until it is mature or void; less where `sign` is negative. */
export function cover(writer: BlockWriter, worker: string, proofClass: number, fee: bigint, sign: 1 | -1): void {
  const taken = BigInt(sign * (coverFactors[proofClass] ?? coverFactorOther)) * fee
  changeWorker(writer, worker, { cover: String(amountsOf(writer, worker).cover + taken) })
}

/** Stake that covers a wei of immature fees, by class. docs/MONEY.md §5. */
const coverFactors: Readonly<Record<number, number>> = { 1: 1, 2: 8 }
const coverFactorOther = 3

const unregistered: Row = {
  peer_id: null,
  stake: '0',
  unbonding: '0',
  free: '0',
  cover: '0',
  slashed: '0',
  units: 0,
  classes: 0,
  unbonds_at: null,
  jailed: 0,
  jailed_until: null,
  registered_at: null,
  block: null,
}

function amountsOf(writer: BlockWriter, worker: string) {
  const row = writer.state('worker', worker)
  const amount = (name: string) => amountIn(row, name)
  return {
    stake: amount('stake'),
    unbonding: amount('unbonding'),
    slashed: amount('slashed'),
    cover: amount('cover'),
  }
}
