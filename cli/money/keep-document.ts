import { readFileSync } from 'node:fs'
import { ContentStore } from '../../common/content-store.ts'
import { UsageError } from '../../common/errors.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { merkleRoot } from '../../protocol/content-hash.ts'

/** Keeps a Datanet's metadata document in the content store; returns its hash. Throws UsageError. */
export function keepDocument(values: {
  readonly 'meta-file': string | undefined
  readonly 'content.dir': string | undefined
}): Hex {
  const { 'meta-file': path, 'content.dir': dir } = values
  if (path === undefined || dir === undefined) {
    throw new UsageError('give --meta HASH, or --meta-file with the --content.dir that keeps it')
  }
  try {
    const bytes = readFileSync(path)
    JSON.parse(bytes.toString('utf8'))
    return new ContentStore(dir, merkleRoot).put(new Uint8Array(bytes))
  } catch (cause) {
    throw new UsageError(`--meta-file ${path} is not a JSON document that can be read`, { cause })
  }
}
