import type { Log } from '../../../common/log.ts'
import { isActive } from '../../../protocol/hardforks.ts'
import type { RollupConfig } from '../../../protocol/rollup-config.ts'
import type { Derived } from '../derived.ts'
import { DriverError } from '../driver-error.ts'
import type { EngineState } from '../engine-state.ts'
import type { L2Source } from '../l2-source.ts'
import { build } from './build.ts'
import { consolidate } from './consolidate.ts'
import { insert } from './insert.ts'
import { seal } from './seal.ts'

/**
 * `applied`: the pending-safe head is one further. `replace`: the block is invalid, apply this one without its batch's
 * transactions and flush the channel (Holocene). `dropped`: the span is invalid, go on with the next (before Holocene).
 */
export type Applied =
  | { readonly kind: 'applied' }
  | { readonly kind: 'replace'; readonly derived: Derived }
  | { readonly kind: 'dropped' }

/** Makes the derived block the pending-safe head: by consolidation where the unsafe chain has it, by force otherwise. */
export async function applyDerived(
  config: RollupConfig,
  state: EngineState,
  derived: Derived,
  parts: { readonly l2: L2Source; readonly log: Log },
): Promise<Applied> {
  const { unsafe, pendingSafe } = state.heads
  if (derived.parent.hash !== pendingSafe.hash) {
    throw new DriverError('reset', `derived a child of ${derived.parent.hash}, but pending-safe is ${pendingSafe.hash}`)
  }
  if (pendingSafe.number < unsafe.number && (await consolidate(config, state, derived, parts))) {
    return { kind: 'applied' }
  }
  try {
    const job = await build(state, derived.parent, derived.attributes)
    const envelope = await seal(state, job)
    await insert(state, envelope, parts.l2.refOf(envelope), derived)
    return { kind: 'applied' }
  } catch (error) {
    if (!(error instanceof DriverError) || error.code !== 'invalid-block') throw error
    return refused(config, state, derived, error, parts.log)
  }
}

/** Spec: protocol/holocene/derivation.md, "Engine Queue"; before it: the invalid batch is dropped. */
function refused(config: RollupConfig, state: EngineState, derived: Derived, cause: DriverError, log: Log): Applied {
  const number = derived.parent.number + 1n
  const depositsOnly = derived.attributes.transactions.filter(isDeposit)
  if (depositsOnly.length === derived.attributes.transactions.length) {
    throw new DriverError('critical', `L2 block ${number} is invalid although it holds deposits only`, { cause })
  }
  log.warn('derived block is invalid', { number, derivedFrom: derived.derivedFrom.number, error: cause })
  if (isActive(config.forkTimes, 'holocene', derived.derivedFrom.timestamp)) {
    const attributes = { ...derived.attributes, transactions: depositsOnly }
    return { kind: 'replace', derived: { ...derived, attributes } }
  }
  state.move({ pendingSafe: state.heads.safe })
  return { kind: 'dropped' }
}

const isDeposit = (tx: Uint8Array) => tx[0] === 0x7e
