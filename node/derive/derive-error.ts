import { CodedError, errorMessage } from '../../common/errors.ts'

/**
 * `temporary`: try again, nothing changed. `reset`: find the heads again and restart the pipeline. `critical`: stop the
 * node; a person must act. Spec: op-node `derive/error.go`.
 */
export class DeriveError extends CodedError<'temporary' | 'reset' | 'critical'> {}

/** Runs a read of L1 or L2; a block that is gone is a reset, anything else that fails is temporary. */
export async function reading<T>(what: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (cause) {
    if (cause instanceof DeriveError) throw cause
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    // L1 says `missing`; the engine's blocks come with the driver's own word for it.
    const isGone = code === 'missing' || code === 'reset'
    throw new DeriveError(isGone ? 'reset' : 'temporary', `${what}: ${errorMessage(cause)}`, { cause })
  }
}
