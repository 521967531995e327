import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { errorMessage, UsageError } from '../../common/errors.ts'
import { asBig, asText } from '../../common/flag-parsers.ts'
import type { FlagTable } from '../../common/flags.ts'
import { bytesToHex } from '../../protocol/bytes.ts'
import { contentHash } from '../../protocol/content-hash.ts'
import { newContentKey, seal as sealed } from '../../protocol/datanets/sealing.ts'
import { defineCommand, exitCodes } from '../command.ts'

const flags = {
  datanet: { help: 'the Datanet (required)', value: 'ID', parse: asBig },
  in: { help: 'the content (required)', value: 'FILE', parse: asText },
  out: { help: 'where the sealed content goes (required)', value: 'FILE', parse: asText },
  'content-key': {
    help: 'file with the key, in hex; made where there is none (required)',
    value: 'FILE',
    parse: asText,
  },
} as const satisfies FlagTable

export const seal = defineCommand({
  summary:
    'Encrypts content of a permissioned Datanet: contribute the sealed file, and whoever is granted access reads it once you deliver the key. Keep the key file: nobody else has it.',
  positionals: '',
  positionalsMax: 0,
  flags,
  run: async ({ flags: { datanet, in: from, out, 'content-key': keyPath }, print }) => {
    if (datanet === undefined || from === undefined || out === undefined || keyPath === undefined) {
      throw new UsageError('--datanet, --in, --out and --content-key are required')
    }
    const { readContentKey } = await import('../money/content-key.ts')
    if (!existsSync(keyPath)) writeFileSync(keyPath, `${bytesToHex(newContentKey())}\n`, { mode: 0o600, flag: 'wx' })
    const bytes = sealed(read(from), readContentKey(keyPath), datanet)
    writeFileSync(out, bytes)
    print(`sealed ${from} as ${out}, content hash ${contentHash(bytes)}`)
    return exitCodes.ok
  },
})

function read(path: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(path))
  } catch (cause) {
    throw new UsageError(`--in ${path} cannot be read: ${errorMessage(cause)}`)
  }
}
