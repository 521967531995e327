import { Registry } from 'prom-client'
import { describe, expect, test } from 'vitest'
import { gauge } from '../../../common/metrics.ts'
import { type HealthView, healthRoutes, unreadyReasons } from '../../../node/rpc/health.ts'

const healthy: HealthView = {
  nowMs: () => 1_000_000,
  l1SeenMs: () => 990_000,
  l1SilentMsMax: 30_000,
  derivation: () => ({ lastProgressMs: 999_000, failure: undefined }),
  sequencedMs: () => 999_000,
  blockTimeMs: 2_000,
  criticalError: () => undefined,
}

describe('readiness', () => {
  test('a node that does its work is ready', async () => {
    expect(unreadyReasons(healthy)).toEqual([])
    const answer = await healthRoutes(healthy)('/readyz')
    expect([answer?.status, JSON.parse(answer?.body ?? '')]).toEqual([200, { ready: true, reasons: [] }])
  })

  test.each<[string, Partial<HealthView>]>([
    ['L1 was never reached', { l1SeenMs: () => undefined }],
    ['L1 is silent', { l1SeenMs: () => 960_000 }],
    ['derivation never stepped', { derivation: () => ({ lastProgressMs: undefined, failure: undefined }) }],
    ['derivation fails for long', { derivation: () => ({ lastProgressMs: 900_000, failure: 'no blobs' }) }],
    ['the sequencer stands still', { sequencedMs: () => 900_000 }],
    ['a critical error happened', { criticalError: () => 'wrong chain' }],
  ])('not ready where %s', async (_, change) => {
    const view = { ...healthy, ...change }
    expect(unreadyReasons(view)).toHaveLength(1)
    expect((await healthRoutes(view)('/readyz'))?.status).toBe(503)
    expect((await healthRoutes(view)('/healthz'))?.status).toBe(200)
  })

  test('derivation that waits for L1’s next block, or failed a moment ago, is fine', () => {
    const idle = { ...healthy, derivation: () => ({ lastProgressMs: 100, failure: undefined }) }
    const failing = { ...healthy, derivation: () => ({ lastProgressMs: 980_000, failure: 'timeout' }) }
    expect([...unreadyReasons(idle), ...unreadyReasons(failing)]).toEqual([])
  })

  test('metrics are served only where they are enabled', async () => {
    const registry = new Registry()
    gauge(registry, 'some_height', 'help').set(7)
    expect((await healthRoutes(healthy, registry)('/metrics'))?.body).toContain('some_height 7')
    expect(await healthRoutes(healthy)('/metrics')).toBeUndefined()
    expect(await healthRoutes(healthy)('/elsewhere')).toBeUndefined()
  })
})
