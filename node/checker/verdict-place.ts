import type { Verdict } from '../../inference/check/verdict.ts'
import { ops } from '../../inference/trace.ts'
import { rowUnknown, verdictKinds } from '../../p2p/workers/wire/messages.ts'

/** What was found out about an answer. `withheld`: its worker does not serve the proof. */
export type Finding = Verdict | 'withheld'

/** A finding in one word, as metrics and RPC have it. */
export function resultOf(finding: Finding): 'withheld' | 'sound' | 'unit' | 'answer' | 'root' {
  return finding === 'withheld' ? finding : finding.ok ? 'sound' : finding.kind
}

const nowhere = { slab: 0, op: 0, position: 0, part: 0, row: 0 }

/** Kind and place as a verdict on the wire has them. */
export function placeOf(finding: Finding) {
  if (finding === 'withheld') return { ...nowhere, kind: verdictKinds.withheld }
  if (finding.ok) return { ...nowhere, kind: verdictKinds.sound }
  if (finding.kind === 'root') return { ...nowhere, kind: verdictKinds.root }
  if (finding.kind === 'answer') return { ...nowhere, kind: verdictKinds.answer, position: finding.position }
  const { slab, op, position, part, row = rowUnknown } = finding
  return { kind: verdictKinds.unit, slab, op: ops[op].id, position, part, row }
}

export function reasonOf(finding: Finding): { readonly reason?: string } {
  return finding === 'withheld' || finding.ok ? {} : { reason: finding.reason }
}
