import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describedFiles } from '../../attribution/datanets/statement.ts'
import { type ContentSource, contentOf, type VersionRef } from '../../chain/indexes/version-content.ts'
import { callContract } from '../../chain/ledger/l2-calls.ts'
import type { L2Rpc } from '../../chain/ledger/l2-rpc.ts'
import { contentBytesMax } from '../../common/content-store.ts'
import { UsageError } from '../../common/errors.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'

/** Names in a version's folder; its texts stand beside them under the names that the description gives. */
export const croissantFile = 'croissant.json'
export const statementFile = 'statement.json'

/** What stands on chain of a version. */
export type VersionHashes = { readonly itemsRoot: Hex; readonly croissantHash: Hex; readonly statementHash: Hex }

/** Throws {@link UsageError} where there is no such version, and what the RPC throws. */
export async function versionHashes(rpc: L2Rpc, { datanet, version }: VersionRef): Promise<VersionHashes> {
  const found = await callContract(rpc, {
    contract: 'DatanetRegistry',
    functionName: 'versions',
    args: [datanet, version],
  })
  const hashes = found as VersionHashes
  if (hashes.itemsRoot === zeroHash) throw new UsageError(`there is no version ${version} of Datanet ${datanet}`)
  return hashes
}

/** Writes description, statement and files of a version; returns what was written. Throws {@link UsageError} for what nobody has. */
export async function writeVersionFolder(
  folder: string,
  hashes: VersionHashes,
  source: ContentSource,
): Promise<readonly string[]> {
  const croissant = await needed('the description', hashes.croissantHash, source)
  const written = [write(folder, croissantFile, croissant)]
  if (hashes.statementHash !== zeroHash) {
    written.push(write(folder, statementFile, await needed('the statement', hashes.statementHash, source)))
  }
  for (const { name, contentHash } of describedFiles(croissant)) {
    source.signal.throwIfAborted()
    if (!/^items\/\d+\.\w+$/.test(name)) throw new UsageError(`the description names a file ${name}`)
    written.push(write(folder, name, await needed(name, contentHash as Hex, source)))
  }
  return written
}

/** A file of a version's folder; undefined where it is not there or no file of a version can be so long. */
export function readVersionFile(folder: string, name: string): Uint8Array | undefined {
  const path = join(folder, name)
  const bytes = statSync(path, { throwIfNoEntry: false })?.size
  return bytes === undefined || bytes > contentBytesMax ? undefined : new Uint8Array(readFileSync(path))
}

async function needed(what: string, hash: Hex, source: ContentSource): Promise<Uint8Array> {
  const bytes = hash === zeroHash ? undefined : await contentOf(hash, source)
  if (bytes === undefined) throw new UsageError(`nobody here has ${what}, ${hash}`)
  return bytes
}

function write(folder: string, name: string, bytes: Uint8Array): string {
  const path = join(folder, name)
  try {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, bytes)
  } catch (cause) {
    throw new UsageError(`cannot write ${path}`, { cause })
  }
  return path
}
