import type { EVM } from '@ethereumjs/evm'
import { CallError } from '../errors.ts'

const deadlines = new WeakMap<EVM, number>()

/** Steps between two looks at the clock: some 50 microseconds of execution. */
export const stepsPerLook = 1_024

/** Lets what runs on an EVM run so long. Returns what ends the limit. */
export function limitTime(evm: EVM, timeoutMs: number): () => void {
  deadlines.set(evm, performance.now() + timeoutMs)
  return () => deadlines.delete(evm)
}

/** Throws {@link CallError} `timeout` where an EVM has run for too long. Blocks have no limit but gas. */
export function checkTime(evm: EVM): void {
  const deadline = deadlines.get(evm)
  if (deadline !== undefined && performance.now() > deadline) throw new CallError('timeout', 'execution timed out')
}
