import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'

const prefix = 'openledger-tests-'
let own: string | undefined

/** All temporary files of a run lie in one directory, which goes with it: of the first project, for all. */
export function setup(): void {
  if (basename(tmpdir()).startsWith(prefix)) return
  own = mkdtempSync(join(tmpdir(), prefix))
  process.env['TMPDIR'] = own
}

export function teardown(): void {
  if (own !== undefined) rmSync(own, { recursive: true, force: true, maxRetries: 3 })
}
