import type { Registry } from 'prom-client'
import type { HttpAnswer } from '../../common/json-rpc-server.ts'

/** Derivation that had no successful step for that long is stuck: far more than the longest back-off. */
const stuckMs = 60_000
/** A sequencer whose head did not move for that many block times is stuck. */
const stuckBlocks = 15

export type HealthView = {
  readonly nowMs: () => number
  /** When L1 last answered; undefined before the first answer. */
  readonly l1SeenMs: () => number | undefined
  /** How long L1 may be silent. */
  readonly l1SilentMsMax: number
  readonly derivation: () => { readonly lastProgressMs: number | undefined; readonly failure: string | undefined }
  /** Undefined where no sequencer is active. */
  readonly sequencedMs: () => number | undefined
  readonly blockTimeMs: number
  readonly criticalError: () => string | undefined
}

/**
 * GET `/healthz`: the process is alive, restart it if this fails. GET `/readyz`: it does its work; 503 and the reasons
 * where it does not. GET `/metrics`: Prometheus text, where a registry is given.
 */
export function healthRoutes(view: HealthView, registry?: Registry): (path: string) => Promise<TextAnswer | undefined> {
  return async (path) => {
    if (path === '/healthz') return json(200, { status: 'ok' })
    if (path === '/readyz') {
      const reasons = unreadyReasons(view)
      return json(reasons.length === 0 ? 200 : 503, { ready: reasons.length === 0, reasons })
    }
    if (path === '/metrics' && registry !== undefined) {
      return { status: 200, contentType: registry.contentType, body: await registry.metrics() }
    }
    return undefined
  }
}

type TextAnswer = HttpAnswer & { readonly body: string }

/** Why the node should get no traffic now; empty where it should. */
export function unreadyReasons(view: HealthView): string[] {
  const now = view.nowMs()
  const reasons: string[] = []
  const critical = view.criticalError()
  if (critical !== undefined) reasons.push(`stopped: ${critical}`)
  const l1SeenMs = view.l1SeenMs()
  if (l1SeenMs === undefined) reasons.push('L1 was not reached yet')
  else if (now - l1SeenMs > view.l1SilentMsMax)
    reasons.push(`L1 is silent for ${Math.floor((now - l1SeenMs) / 1000)} s`)
  const { lastProgressMs, failure } = view.derivation()
  const isStuck = failure !== undefined && (lastProgressMs === undefined || now - lastProgressMs > stuckMs)
  if (isStuck) reasons.push(`derivation is stuck: ${failure}`)
  else if (lastProgressMs === undefined) reasons.push('derivation did not begin yet')
  const sequencedMs = view.sequencedMs()
  if (sequencedMs !== undefined && now - sequencedMs > stuckBlocks * view.blockTimeMs) {
    reasons.push('the sequencer builds no blocks')
  }
  return reasons
}

function json(status: number, body: unknown): TextAnswer {
  return { status, contentType: 'application/json', body: `${JSON.stringify(body)}\n` }
}
