import type { Log } from '../../../common/log.ts'
import type { RollupConfig } from '../../../protocol/rollup-config.ts'
import { attributesMismatch } from '../attributes-match.ts'
import type { Derived } from '../derived.ts'
import { DriverError } from '../driver-error.ts'
import type { EngineState } from '../engine-state.ts'
import type { L2Source } from '../l2-source.ts'

/**
 * Compares the unsafe block after the pending-safe head with what L1 says; where they agree it becomes pending-safe,
 * and safe if it is the last of its span. False: they differ. Spec: protocol/derivation.md, "L1-Consolidation".
 */
export async function consolidate(
  config: RollupConfig,
  state: EngineState,
  derived: Derived,
  { l2, log }: { readonly l2: L2Source; readonly log: Log },
): Promise<boolean> {
  const number = derived.parent.number + 1n
  const envelope = await l2.payloadByNumber(number)
  if (envelope === undefined) throw new DriverError('reset', `the engine has no block ${number} below its own head`)
  const difference = attributesMismatch(config, derived.attributes, derived.parent, envelope)
  if (difference !== undefined) {
    log.warn('unsafe block differs from L1', { number, difference, hash: envelope.executionPayload.blockHash })
    return false
  }
  const ref = l2.refOf(envelope)
  state.move(derived.isLastInSpan ? { pendingSafe: ref, safe: ref } : { pendingSafe: ref })
  return true
}
