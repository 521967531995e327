import { bytesToHex, type Hex, quantity } from '../../../../../protocol/bytes.ts'
import type { CallResult, FrameEnter, FrameExit } from '../../chain-view.ts'
import { revertReason } from '../call-error.ts'
import { traceFramesMax } from '../limits.ts'
import { logJson } from '../receipt-json.ts'
import type { ExecutionTracer } from './execution-tracer.ts'

export type CallTracerConfig = { readonly onlyTopCall: boolean; readonly withLog: boolean }

/** A call of geth's callTracer; keys in its order. */
type Frame = {
  from: Hex
  gas: Hex
  gasUsed: Hex
  to?: Hex
  input: Hex
  output?: Hex
  error?: string
  revertReason?: string
  calls?: Frame[]
  logs?: Record<string, unknown>[]
  value?: Hex
  type: FrameEnter['type']
}

/** geth's callTracer: the tree of calls. */
export function callTracer(config: CallTracerConfig): ExecutionTracer {
  const open: Frame[] = []
  let root: Frame | undefined
  let count = 0
  const enter = (entered: FrameEnter) => {
    const frame = newFrame(entered)
    const parent = open.at(-1)
    open.push(frame)
    if (parent === undefined) {
      root = frame
      return
    }
    if (config.onlyTopCall || ++count > traceFramesMax) return
    parent.calls ??= []
    parent.calls.push(frame)
  }
  const exit = (exited: FrameExit) => {
    const frame = open.pop()
    if (frame !== undefined) finish(frame, exited, config.withLog)
  }
  return {
    listener: { enter, exit },
    result: (result, gasLimit) => {
      if (root === undefined) return null
      root.gas = quantity(gasLimit)
      root.gasUsed = quantity(result.gasUsed)
      markTruncated(root, count, result)
      return root
    },
  }
}

function newFrame({ type, from, to, value, gas, input }: FrameEnter): Frame {
  return {
    from: bytesToHex(from),
    gas: quantity(gas),
    gasUsed: '0x0',
    ...(to === undefined ? {} : { to: bytesToHex(to) }),
    input: bytesToHex(input),
    ...(type === 'STATICCALL' ? {} : { value: quantity(value) }),
    type,
  }
}

function finish(frame: Frame, { gasUsed, output, error, logs, created }: FrameExit, withLog: boolean): void {
  frame.gasUsed = quantity(gasUsed)
  if (error === undefined) {
    if (created !== undefined) frame.to = bytesToHex(created)
    if (output.length > 0) frame.output = bytesToHex(output)
    if (withLog && logs.length > 0) frame.logs = logs.map(logJson)
    return
  }
  frame.error = error
  if (error !== 'execution reverted') return
  if (output.length > 0) frame.output = bytesToHex(output)
  const reason = revertReason(output)
  if (reason !== undefined) frame.revertReason = reason
}

/** A tree that was cut says so, as a silent cut reads like a shorter execution. */
function markTruncated(root: Frame, count: number, { error }: CallResult): void {
  if (error !== undefined && root.error === undefined) root.error = error
  if (count > traceFramesMax) Object.assign(root, { truncated: `${count - traceFramesMax} calls are left out` })
}
