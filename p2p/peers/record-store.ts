import { Level } from 'level'
import { errorMessage } from '../../common/errors.ts'
import { Serial } from '../../common/serial.ts'
import { PeersError } from './peers-error.ts'

/** Small JSON records by key that outlive the process. */
export type RecordStore = {
  readonly all: () => Promise<readonly (readonly [key: string, value: unknown])[]>
  readonly put: (key: string, value: unknown) => void
  readonly delete: (key: string) => void
  /** Resolves when every write is on disk. */
  readonly close: () => Promise<void>
}

/** Writes go out in order in the background; `onError` hears of one that failed. Throws PeersError `store`. */
export async function openRecordStore(path: string, onError: (error: unknown) => void): Promise<RecordStore> {
  const db = new Level<string, string>(path)
  try {
    await db.open()
  } catch (cause) {
    throw new PeersError('store', `the peer store ${path} cannot be opened: ${errorMessage(cause)}`, { cause })
  }
  const writes = new Serial()
  const write = (action: () => Promise<void>) => {
    writes.run(action).catch(onError)
  }
  return {
    all: async () => {
      const records: [string, unknown][] = []
      for await (const [key, text] of db.iterator()) {
        const value = parsed(text)
        if (value !== undefined) records.push([key, value])
      }
      return records
    },
    put: (key, value) => write(() => db.put(key, JSON.stringify(value))),
    delete: (key) => write(() => db.del(key)),
    close: async () => {
      await writes.settled()
      await db.close()
    },
  }
}

/** Forgets everything at the end of the process. */
export function memoryRecordStore(): RecordStore {
  const records = new Map<string, unknown>()
  return {
    all: async () => [...records],
    put: (key, value) => void records.set(key, value),
    delete: (key) => void records.delete(key),
    close: async () => undefined,
  }
}

/** A record that cannot be read is as good as none: a peer is found again, a ban is made again. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
