import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { silentLog } from '../../../common/log.ts'
import { openLedgerPredeploys } from '../../../contracts/addresses.ts'
import { quickGovernance } from '../../../genesis/presets.ts'
import { DriftWatch } from '../../../node/governance/drift-watch.ts'
import { documentedGovernance, governanceCalls } from '../../../protocol/governance-parameters.ts'
import { LedgerChain } from '../../fakes/ledger-chain.ts'

const clock = { nowMs: () => 0, sleep: async () => {} }

async function looked(rpc: ConstructorParameters<typeof DriftWatch>[0]['rpc']) {
  const told: Readonly<Record<string, unknown>>[] = []
  const log = { ...silentLog, warn: (_: string, fields: object = {}) => void told.push({ ...fields }) }
  const registry = new Registry()
  const watch = new DriftWatch({ rpc, clock, log, registry })
  await watch.look()
  await watch.look()
  const metric = await registry.getSingleMetric('governance_drift_parameters')?.get()
  return { told, drifted: metric?.values[0]?.value }
}

test('a chain with the documented parameters has no drift', async () => {
  const chain = await LedgerChain.open()
  expect(await looked(chain.rpc)).toEqual({ told: [], drifted: 0 })
  await chain.close()
})

test('each parameter of a chain with quick votes is told once, with both values', async () => {
  const chain = await LedgerChain.open(quickGovernance)
  const { told, drifted } = await looked(chain.rpc)
  expect(drifted).toBe(4)
  const expected = Object.entries(quickGovernance).map(([parameter, actual]) => ({
    parameter,
    documented: documentedGovernance[parameter as keyof typeof quickGovernance],
    actual,
  }))
  const byName = (a: { parameter?: unknown }, b: { parameter?: unknown }) =>
    String(a.parameter) < String(b.parameter) ? -1 : 1
  expect([...told].sort(byName)).toEqual(expected.sort(byName))
  await chain.close()
})

test('a chain without a Governor has nothing to drift', async () => {
  expect(await looked({ request: async () => '0x' })).toEqual({ told: [], drifted: undefined })
})

test('the calls ask Governor and Timelock, four and two', () => {
  const { governor, timelock } = openLedgerPredeploys
  expect(governanceCalls(openLedgerPredeploys).map(({ to }) => to)).toEqual([
    ...[governor, governor, governor, governor],
    ...[timelock, timelock],
  ])
})
