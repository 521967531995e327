import type { L2BlockRef } from '../../../protocol/block-ref.ts'
import type { PayloadEnvelope } from '../../../protocol/engine-api.ts'
import { DriverError } from '../driver-error.ts'
import type { EngineState } from '../engine-state.ts'

/**
 * Makes `envelope` the unsafe head; the engine's own head follows at the next `synchronize`. Throws DriverError `invalid-block` where the engine refuses it.
 * `derived` also makes it the pending-safe head, and safe where it is the last of its span.
 */
export async function insert(
  state: EngineState,
  envelope: PayloadEnvelope,
  ref: L2BlockRef,
  derived?: { readonly isLastInSpan: boolean },
): Promise<void> {
  const status = await state.engine.newPayload(envelope)
  if (status.status === 'INVALID') {
    throw new DriverError(
      'invalid-block',
      `block ${ref.number} refused: ${status.validationError ?? 'no reason given'}`,
    )
  }
  if (status.status !== 'VALID') throw await state.notReady()
  if (state.heads.unsafe.number >= ref.number) state.rememberUnsafe()
  const safety =
    derived === undefined ? {} : derived.isLastInSpan ? { pendingSafe: ref, safe: ref } : { pendingSafe: ref }
  state.move({ unsafe: ref, ...safety })
}
