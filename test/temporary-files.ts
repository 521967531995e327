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

/** What cannot be removed, since a process still writes there, is told of and no verdict on the tests. */
export function teardown(): void {
  if (own === undefined) return
  try {
    rmSync(own, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  } catch (error) {
    process.stderr.write(`temporary files stay in ${own}: ${error}\n`)
  }
}
