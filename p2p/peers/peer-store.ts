import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { LevelDatastore } from 'datastore-level'
import { errorMessage } from '../../common/errors.ts'
import { PeersError } from './peers-error.ts'
import { memoryRecordStore, openRecordStore, type RecordStore } from './record-store.ts'

/** In place of a directory: forget everything at the end. op-node's word. */
const memory = 'memory'

/** Our own records in the directory: known peers and bans, or discovered records. Throws PeersError `store`. */
export async function openRecords(path: string, onError: (error: unknown) => void): Promise<RecordStore> {
  if (path === memory) return memoryRecordStore()
  await makeDirectory(path)
  return openRecordStore(join(path, 'records'), onError)
}

/** What libp2p keeps of peers, in the same directory; undefined in memory. Throws PeersError `store`. */
export async function openDatastore(path: string): Promise<LevelDatastore | undefined> {
  if (path === memory) return undefined
  await makeDirectory(path)
  const datastore = new LevelDatastore(join(path, 'libp2p'))
  try {
    await datastore.open()
    return datastore
  } catch (cause) {
    throw unusable(path, cause)
  }
}

async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true })
  } catch (cause) {
    throw unusable(path, cause)
  }
}

const unusable = (path: string, cause: unknown) =>
  new PeersError('store', `the peer store ${path} cannot be opened: ${errorMessage(cause)}`, { cause })
