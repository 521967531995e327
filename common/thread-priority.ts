import { constants, setPriority } from 'node:os'

/** Lets this thread's work wait for that of others. On Linux alone: elsewhere a thread has no priority of its own. */
export function lowerPriority(): void {
  if (process.platform === 'linux') setPriority(constants.priority.PRIORITY_LOW)
}
