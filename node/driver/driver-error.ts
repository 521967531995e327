import { CodedError } from '../../common/errors.ts'

/**
 * `temporary`: try again with back-off, nothing changed. `syncing`: the engine is busy with its own sync, try later.
 * `reset`: what we assumed of L1 or the engine no longer holds, find the heads again.
 * `invalid-block`: these attributes or this payload can never become a block. `critical`: stop, a person must look.
 */
export class DriverError extends CodedError<'temporary' | 'syncing' | 'reset' | 'invalid-block' | 'critical'> {}

export type ErrorClass = 'temporary' | 'syncing' | 'reset' | 'critical'

/**
 * What to do about an error of the pipeline, the engine or L1. They do not know the driver, so their codes are read by
 * structure. An error nobody classified is a bug or a broken disk: going on could write nonsense, so it is critical.
 */
export function classifyError(error: unknown): ErrorClass {
  if (!(error instanceof Error)) return 'critical'
  if (transportNames.has(error.name)) return 'temporary'
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return classOfCode[code] ?? 'critical'
}

const transportNames = new Set(['TransportError', 'RpcError', 'TimeoutError', 'AbortError'])

const classOfCode: Readonly<Record<string, ErrorClass>> = {
  // DeriveError and DriverError
  temporary: 'temporary',
  syncing: 'syncing',
  reset: 'reset',
  critical: 'critical',
  // EngineError
  'invalid-forkchoice': 'reset',
  'unknown-payload': 'temporary',
  unauthorized: 'temporary',
  // L1Error: `missing` is a block that was reorganised away
  unavailable: 'temporary',
  missing: 'reset',
  invalid: 'temporary',
}
