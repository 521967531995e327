import type { Hex } from '../../protocol/bytes.ts'
import type { Row } from '../store/store.ts'
import { contractHandlers, type EventContext, type EventReader } from './event.ts'
import { evidenceRewards } from './evidence-rewards.ts'
import { faultName } from './worker-registry.ts'

/** Faults of epochs by number; `EpochFault` of EpochJudge.sol. */
const epochFaults = ['badAmount', 'creditsUnsorted', 'payoutUnsorted', 'badCumulative', 'badTotal'] as const

/** Index of the DisputeGame's events. */
export const disputeGame = new Map([
  ...evidenceRewards,
  ...contractHandlers({
    'ReceiptDisputed(uint64,uint32,uint8,address,bytes32,uint256)': (event, context) =>
      dispute(event, context, event.word(1), {
        kind: 'receipt',
        fault: faultName(event.number(0)),
        batch: event.topicNumber(1),
        receipt: event.topicNumber(2),
        worker: event.topicAddress(3),
        reward: event.decimal(2),
      }),
    'BatchDisputed(uint64,uint8,address,bytes32,uint256)': (event, context) =>
      dispute(event, context, event.word(1), {
        kind: 'batch',
        fault: faultName(event.number(0)),
        batch: event.topicNumber(1),
        worker: event.topicAddress(2),
        reward: event.decimal(2),
      }),
    'EpochDisputed(uint64,uint8,bytes32,uint256)': (event, context) => {
      const fault = event.number(0)
      dispute(event, context, event.word(1), {
        kind: 'epoch',
        fault: epochFaults[fault] ?? String(fault),
        epoch: event.topicNumber(1),
        reward: event.decimal(2),
      })
    },
    'EquivocationProven(address,bytes32,bytes32,uint256)': (event, context) =>
      dispute(event, context, event.word(0), {
        kind: 'equivocation',
        fault: 'equivocation',
        worker: event.topicAddress(1),
        request_id: event.topic(2),
        reward: event.decimal(1),
      }),
  }),
])

function dispute(event: EventReader, { block, tx, writer }: EventContext, subject: Hex, columns: Row): void {
  const none = { batch: null, receipt: null, epoch: null, worker: null, request_id: null }
  const { kind = null, fault = null, reward = null, ...about } = columns
  writer.insert('dispute', {
    block,
    idx: event.index,
    kind,
    fault,
    ...none,
    ...about,
    subject,
    reward,
    challenger: tx.from,
    tx_hash: tx.hash,
  })
}
