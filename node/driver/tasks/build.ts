import type { L2BlockRef } from '../../../protocol/block-ref.ts'
import type { Hex } from '../../../protocol/bytes.ts'
import type { PayloadAttributes } from '../../../protocol/engine-api.ts'
import { DriverError } from '../driver-error.ts'
import type { EngineState } from '../engine-state.ts'

/** A block that the engine is building. */
export type Build = { readonly id: Hex; readonly parent: L2BlockRef; readonly attributes: PayloadAttributes }

/**
 * Makes the engine start a block on `parent`. Throws DriverError `invalid-block` for attributes that no block can have.
 * Spec: protocol/exec-engine.md, `engine_forkchoiceUpdatedV3` with attributes.
 */
export async function build(state: EngineState, parent: L2BlockRef, attributes: PayloadAttributes): Promise<Build> {
  const { unsafe, safe, finalized } = state.heads
  if (parent.number < finalized.number) {
    throw new DriverError('critical', `asked to build on ${parent.number}, below finalized ${finalized.number}`)
  }
  if (parent.hash !== unsafe.hash) state.markDirty()
  const result = await asInvalidBlock(() =>
    state.engine.forkchoiceUpdated(
      { headBlockHash: parent.hash, safeBlockHash: safe.hash, finalizedBlockHash: finalized.hash },
      attributes,
    ),
  )
  const { status, validationError } = result.payloadStatus
  if (status === 'INVALID') throw new DriverError('invalid-block', `attributes refused: ${validationError ?? status}`)
  if (status !== 'VALID') throw await state.notReady()
  if (result.payloadId === undefined) throw new DriverError('temporary', 'the engine gave no payload id')
  return { id: result.payloadId, parent, attributes }
}

async function asInvalidBlock<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (cause) {
    const isInvalid = cause instanceof Error && 'code' in cause && cause.code === 'invalid-attributes'
    throw isInvalid ? new DriverError('invalid-block', 'attributes refused', { cause }) : cause
  }
}
