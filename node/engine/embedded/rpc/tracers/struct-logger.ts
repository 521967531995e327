import { bytesToHex, quantity } from '../../../../../protocol/bytes.ts'
import type { OpcodeStep } from '../../chain-view.ts'
import { traceStepsMax } from '../limits.ts'
import type { ExecutionTracer } from './execution-tracer.ts'

export type StructLoggerConfig = {
  readonly disableStack: boolean
  /** Steps to keep; 0: as many as the node allows. */
  readonly limit: number
}

/** geth's default tracer: one entry an opcode, without memory and storage. */
export function structLogger({ disableStack, limit }: StructLoggerConfig): ExecutionTracer {
  const structLogs: Record<string, unknown>[] = []
  const stepsMax = limit > 0 && limit < traceStepsMax ? limit : traceStepsMax
  const step = ({ pc, opcode, depth, gasLeft, gasCost, stack }: OpcodeStep) => {
    if (structLogs.length >= stepsMax) return
    const entry = { pc, op: opcode, gas: Number(gasLeft), gasCost: Number(gasCost), depth }
    structLogs.push(disableStack ? entry : { ...entry, stack: stack.map(quantity) })
  }
  return {
    listener: { step },
    result: ({ gasUsed, status, output }) => ({
      gas: Number(gasUsed),
      failed: status === 0,
      returnValue: bytesToHex(output),
      structLogs,
    }),
  }
}
