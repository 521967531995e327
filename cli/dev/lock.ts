import { mkdirSync } from 'node:fs'
import { Level } from 'level'
import { UsageError } from '../../common/errors.ts'

/** Holds a directory for this process. The operating system frees it when the process ends, however it ends. */
export async function lockDirectory(path: string): Promise<{ readonly release: () => Promise<void> }> {
  mkdirSync(path, { recursive: true })
  const db = new Level(path)
  try {
    await db.open()
  } catch (cause) {
    throw new UsageError(
      `another openledger dev uses this directory; stop it first, or choose another with --datadir`,
      { cause },
    )
  }
  return { release: () => db.close() }
}
