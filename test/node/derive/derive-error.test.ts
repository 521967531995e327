import { expect, test } from 'vitest'
import { DeriveError, reading } from '../../../node/derive/derive-error.ts'
import { DriverError } from '../../../node/driver/driver-error.ts'
import { EngineError } from '../../../node/engine/engine.ts'
import { L1Error } from '../../../node/l1/l1-error.ts'

test.each([
  ['an L1 block that was reorganised away', new L1Error('missing', 'gone'), 'reset'],
  ['an L2 block that the engine lost', new DriverError('reset', 'the engine has no L2 block'), 'reset'],
  ['an L1 that does not answer', new L1Error('unavailable', 'away'), 'temporary'],
  ['an engine that does not answer', new EngineError('temporary', 'away'), 'temporary'],
  ['an error that has its kind', new DeriveError('critical', 'broken'), 'critical'],
])('%s', async (_name, cause, code) => {
  const failed = reading('a block', () => Promise.reject(cause))
  await expect(failed).rejects.toMatchObject({ name: 'DeriveError', code })
})
