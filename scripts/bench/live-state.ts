import { Level } from 'level'

/** Trie nodes of accounts and of storage, by the first byte of their keys. See node/engine/embedded/chain/keys.ts. */
const nodePrefixes = ['a', 's'].map((letter) => letter.charCodeAt(0))

/** Bytes of the trie nodes, with their keys, in the database of an engine that is closed: those of every state it keeps. */
export async function liveStateBytes(dir: string): Promise<number> {
  const db = new Level<Uint8Array, Uint8Array>(dir, { keyEncoding: 'view', valueEncoding: 'view', compression: false })
  let bytes = 0
  for (const prefix of nodePrefixes) {
    const range = { gte: Uint8Array.of(prefix), lt: Uint8Array.of(prefix + 1) }
    for await (const [key, value] of db.iterator(range)) bytes += key.length + value.length
  }
  await db.close()
  return bytes
}
