import { hexToBytes, padLeft, uintBytes } from '../../../../protocol/bytes.ts'
import type { Log } from '../../../../protocol/receipt.ts'
import type { FrameEnter, FrameExit, Tracer } from '../chain-view.ts'

/** Stands for the native coin in a log. Source: ERC-7528. */
const nativeCoin = hexToBytes('0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee')
/** keccak256 of `Transfer(address,address,uint256)`. */
const transferTopic = hexToBytes('0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef')

/** `log` is set when the frame ends: until then its content is not known. */
type Entry = { log?: Log }
type Frame = {
  readonly entries: Entry[]
  readonly own: Entry[]
  readonly transfer?: { entry: Entry; enter: FrameEnter }
}

/** Logs of an execution with the native coin's movements among them, in order, as eth_simulateV1's `traceTransfers`. */
export class TransferLog {
  readonly #frames: Frame[] = []
  #logs: readonly Log[] = []

  readonly tracer: Tracer = {
    enter: (frame) => this.#enter(frame),
    exit: (frame) => this.#exit(frame),
    step: ({ opcode }) => {
      const frame = this.#frames.at(-1)
      if (frame === undefined || !/^LOG\d$/.test(opcode)) return
      const entry = {}
      frame.entries.push(entry)
      frame.own.push(entry)
    },
  }

  /** Of the execution that ended last; empty where it failed. */
  get logs(): readonly Log[] {
    return this.#logs
  }

  #enter(enter: FrameEnter): void {
    if (enter.value === 0n || enter.type === 'DELEGATECALL') {
      this.#frames.push({ entries: [], own: [] })
      return
    }
    const entry = {}
    this.#frames.push({ entries: [entry], own: [], transfer: { entry, enter } })
  }

  #exit(exit: FrameExit): void {
    const frame = this.#frames.pop()
    if (frame === undefined) return
    for (const [i, entry] of frame.own.entries()) {
      const log = exit.logs[i]
      if (log !== undefined) entry.log = log
    }
    if (frame.transfer !== undefined) frame.transfer.entry.log = transferLog(frame.transfer.enter, exit)
    const kept = exit.error === undefined ? frame.entries : []
    const parent = this.#frames.at(-1)
    if (parent === undefined) this.#logs = kept.flatMap(({ log }) => (log === undefined ? [] : [log]))
    else parent.entries.push(...kept)
  }
}

function transferLog({ from, to, value }: FrameEnter, { created }: FrameExit): Log {
  const recipient = to ?? created ?? new Uint8Array(20)
  return {
    address: nativeCoin,
    topics: [transferTopic, padLeft(from, 32), padLeft(recipient, 32)],
    data: uintBytes(value, 32),
  }
}
