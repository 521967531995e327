import type { Log } from '../../../common/log.ts'
import type { EngineState } from '../engine-state.ts'

/**
 * Gives back the unsafe chain that an invalid span had replaced. Tried until the engine answers; an engine that no
 * longer has the block keeps the chain it is on.
 */
export async function restoreUnsafe(state: EngineState, log: Log): Promise<void> {
  const backup = state.backupUnsafe
  if (backup === undefined) return
  const { safe, finalized } = state.heads
  const { payloadStatus } = await state.engine.forkchoiceUpdated({
    headBlockHash: backup.hash,
    safeBlockHash: safe.hash,
    finalizedBlockHash: finalized.hash,
  })
  state.forgetBackup()
  if (payloadStatus.status === 'VALID') {
    state.move({ unsafe: backup })
    log.info('unsafe chain restored', { unsafe: backup.number })
  } else {
    state.markDirty()
    log.warn('unsafe chain could not be restored', { unsafe: backup.number, status: payloadStatus.status })
  }
}
