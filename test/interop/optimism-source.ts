import { createHash } from 'node:crypto'
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'

const optimism = 'github.com/ethereum-optimism/optimism'

/**
 * Releases of optimism after v1.17.0 embed `op-core/superchain/superchain-configs.zip`, which their repository ignores
 * and their published module therefore lacks: `go build` alone cannot build them. The way of their own build is to put
 * the file there; here it is a registry of no chains, with its digest in the file beside it, in a copy of the module
 * under `work`. Gives the arguments that make `go build` use the copy.
 */
export function optimismWithRegistry(
  module: string,
  work: string,
  go: (args: readonly string[]) => string,
): readonly string[] {
  const { Dir } = JSON.parse(go(['mod', 'download', '-json', optimism])) as { readonly Dir: string }
  const copy = join(work, 'optimism')
  mkdirSync(work, { recursive: true })
  // Modules are stored read-only; what is written into must not be.
  cpSync(Dir, copy, { recursive: true })
  const superchain = join(copy, 'op-core/superchain')
  chmodSync(superchain, 0o755)
  chmodSync(join(superchain, 'superchain-configs.zip.sha256'), 0o644)
  const zip = zipOf({ dictionary: '', 'chains.json': '{}' })
  writeFileSync(join(superchain, 'superchain-configs.zip'), zip)
  const digest = createHash('sha256').update(zip).digest('hex')
  writeFileSync(join(superchain, 'superchain-configs.zip.sha256'), `${digest}  superchain-configs.zip\n`)
  const goMod = join(work, 'go.mod')
  writeFileSync(goMod, `${readFileSync(join(module, 'go.mod'), 'utf8')}\nreplace ${optimism} => ${copy}\n`)
  writeFileSync(join(work, 'go.sum'), readFileSync(join(module, 'go.sum')))
  return [`-modfile=${goMod}`]
}

/** A zip archive of stored files. Format: PKWARE APPNOTE 4.3.7 (local header), 4.3.12 (directory), 4.3.16 (end). */
function zipOf(files: Readonly<Record<string, string>>): Buffer {
  const locals: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const [name, text] of Object.entries(files)) {
    const [nameBytes, data] = [Buffer.from(name), Buffer.from(text)]
    // Version 2.0, no flags, stored, no time, 1 January 1980.
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt16LE(0x21, 8)
    common.writeUInt32LE(crc32(data), 10)
    common.writeUInt32LE(data.length, 14)
    common.writeUInt32LE(data.length, 18)
    common.writeUInt16LE(nameBytes.length, 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, nameBytes, data])
    const place = Buffer.alloc(14)
    place.writeUInt32LE(offset, 10)
    directory.push(Buffer.from('PK\x01\x02\x14\x00'), common, place, nameBytes)
    locals.push(local)
    offset += local.length
  }
  const entries = Buffer.concat(directory)
  const end = Buffer.alloc(18)
  const count = Object.keys(files).length
  end.writeUInt16LE(count, 4)
  end.writeUInt16LE(count, 6)
  end.writeUInt32LE(entries.length, 8)
  end.writeUInt32LE(offset, 12)
  return Buffer.concat([...locals, entries, Buffer.from('PK\x05\x06'), end])
}
