import { setImmediate } from 'node:timers/promises'
import type { EVM } from '@ethereumjs/evm'
import { CallError } from '../errors.ts'

type Limit = { readonly deadlineMs: number; turnEndsMs: number }

const limits = new WeakMap<EVM, Limit>()

/** Steps between two looks at the clock: some 50 microseconds of execution. */
export const stepsPerLook = 1_024

/** Time after which a call lets others have the thread: blocks are built on it too, and must not wait for eth_call. */
const turnMs = 10

/** Lets what runs on an EVM run so long, in turns. Returns what ends the limit. */
export function limitTime(evm: EVM, timeoutMs: number): () => void {
  const now = performance.now()
  limits.set(evm, { deadlineMs: now + timeoutMs, turnEndsMs: now + turnMs })
  return () => limits.delete(evm)
}

/**
 * Throws {@link CallError} `timeout` where an EVM has run for too long; a promise is to be awaited before it goes on.
 * Blocks have no limit but gas, and run in one piece.
 */
export function checkTime(evm: EVM): Promise<void> | undefined {
  const limit = limits.get(evm)
  if (limit === undefined) return undefined
  const now = performance.now()
  if (now > limit.deadlineMs) throw new CallError('timeout', 'execution timed out')
  return now < limit.turnEndsMs ? undefined : nextTurn(limit)
}

async function nextTurn(limit: Limit): Promise<void> {
  await setImmediate()
  limit.turnEndsMs = performance.now() + turnMs
}
