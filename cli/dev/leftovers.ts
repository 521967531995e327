import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Time a leftover has to stop by itself. */
const stopMsMax = 4000

/** A process of an earlier run, recognised by its command line: process ids are used again by others. */
type Leftover = { readonly name: string; readonly pid: number; readonly commandLine: string }

/** Notes which processes run for this data directory, so that a later start can end them if this one is killed. */
export function recordProcesses(
  file: string,
  processes: readonly { readonly name: string; readonly pid: number | undefined }[],
): void {
  const entries = processes.flatMap(({ name, pid }): Leftover[] => {
    const line = pid === undefined ? undefined : commandLine(pid)
    return pid === undefined || line === undefined ? [] : [{ name, pid, commandLine: line }]
  })
  writeFileSync(file, JSON.stringify(entries))
}

/** Ends what a killed `dev` left running. Resolves to how many there were. */
export async function endLeftovers(file: string): Promise<number> {
  const running = readLeftovers(file).filter((entry) => commandLine(entry.pid) === entry.commandLine)
  for (const { pid } of running) signal(pid, 'SIGTERM')
  for (let waitedMs = 0; waitedMs < stopMsMax && running.some(isAlive); waitedMs += 100) await sleep(100)
  for (const entry of running) if (isAlive(entry)) signal(entry.pid, 'SIGKILL')
  rmSync(file, { force: true })
  return running.length
}

function readLeftovers(file: string): Leftover[] {
  try {
    const entries: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return Array.isArray(entries) ? (entries as Leftover[]) : []
  } catch {
    return []
  }
}

function isAlive(entry: Leftover): boolean {
  return commandLine(entry.pid) === entry.commandLine
}

function commandLine(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return undefined
  }
}

function signal(pid: number, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, name)
  } catch {
    // It ended in between.
  }
}
