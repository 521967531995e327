import { buildProgram, goPrograms, goVersion, programPath } from './go-programs.ts'

/** Runs once before the interop tests: builds the peers, minutes the first time, nothing later. */
export function setup(): void {
  if (goVersion === undefined) {
    process.stdout.write('\nINTEROP TESTS SKIPPED: no Go on this machine, op-geth and op-node cannot be built\n\n')
    return
  }
  for (const name of goPrograms) {
    const startedMs = Date.now()
    buildProgram(name)
    process.stdout.write(`${programPath(name)} (${Math.round((Date.now() - startedMs) / 1000)} s)\n`)
  }
}
