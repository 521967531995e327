import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { afterAll, expect, test } from 'vitest'
import type { Kzg } from '../../chain/tx/kzg.ts'
import { systemClock } from '../../common/clock.ts'
import { Closers } from '../../common/closers.ts'
import { devPrivateKeys } from '../../common/dev-keys.ts'
import { silentLog } from '../../common/log.ts'
import { makeMoney } from '../../node/money-part.ts'
import type { NodeOptions } from '../../node/node-options.ts'
import { testRollupConfig } from '../fakes/rollup-config.ts'

const dir = mkdtempSync(join(tmpdir(), 'money-part-'))
afterAll(() => rmSync(dir, { recursive: true }))

const asked: string[] = []
const rpc = {
  request: async (method: string) => {
    asked.push(method)
    return '0x'
  },
}
const make = (roles: Partial<NodeOptions>) => {
  // Of a node's options these are what the part reads.
  const options = { dataDir: dir, rollupConfig: testRollupConfig(), ...roles } as NodeOptions
  const parts = { rpc, kzg: {} as Kzg, clock: systemClock, log: silentLog, registry: new Registry() }
  return makeMoney(options, parts, new Closers(silentLog))
}

test('a chain without the contracts of money is refused where a role needs them', async () => {
  for (const role of ['attributor', 'watcher']) {
    await expect(make({ [role]: { key: devPrivateKeys[5] } })).rejects.toMatchObject({
      code: 'no-money-contracts',
      message: expect.stringContaining('InferenceMarket'),
    })
  }
})

test('a node without these roles asks the engine for nothing, serves content and takes none', async () => {
  asked.length = 0
  const { run, routes } = await make({})
  expect(run).toBeUndefined()
  expect(asked).toEqual([])
  const path = `/content/0x${'ab'.repeat(32)}`
  const request = { headers: {} } as Parameters<typeof routes.upload>[1]
  expect(await routes.route(path, request)).toBeUndefined()
  expect(await routes.upload(path, request)).toMatchObject({ status: 403 })
})
