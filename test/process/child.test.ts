import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { Child } from '../../cli/dev/child.ts'
import { systemClock } from '../../common/clock.ts'
import { silentLog } from '../../common/log.ts'
import { until } from '../fakes/until.ts'

const dir = mkdtempSync(join(tmpdir(), 'openledger-child-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

/** A program that fails with exit code 3, as for an RPC that does not answer, until the file `up` is there. */
const script = `
const { appendFileSync, existsSync, writeFileSync } = require('node:fs')
appendFileSync(process.argv[1] + '/tries', '.')
if (!existsSync(process.argv[1] + '/up')) process.exit(3)
writeFileSync(process.argv[1] + '/runs', '')
setInterval(() => {}, 1000)`

function start(needsOthers: boolean): Child {
  const args = ['-e', script, dir]
  const options = { name: 'child', file: process.execPath, args, env: {}, logFile: join(dir, 'log'), needsOthers }
  return new Child({ ...options, onStart: () => {} }, { log: silentLog, clock: { ...systemClock, sleep: soon } })
}

const soon: typeof systemClock.sleep = (ms, signal) => systemClock.sleep(Math.min(ms, 20), signal)

const tries = () => readFileSync(join(dir, 'tries')).length

test('an error at the start ends dev, but for a child that needs others: it is tried again', async () => {
  const lonely = start(false)
  await expect(lonely.finished).rejects.toThrow(/stopped with exit code 3/)
  await lonely.stop()

  const before = tries()
  const patient = start(true)
  await until(() => tries() > before)
  writeFileSync(join(dir, 'up'), '')
  await until(() => existsSync(join(dir, 'runs')))
  await patient.stop()
})

test('a child that fails again and again ends dev, also where it needs others', async () => {
  rmSync(join(dir, 'up'), { force: true })
  const child = start(true)
  await expect(child.finished).rejects.toThrow(/stopped with exit code 3/)
  await child.stop()
})
