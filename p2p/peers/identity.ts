import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import secp256k1 from 'secp256k1'
import { errorMessage } from '../../common/errors.ts'
import { PeersError } from './peers-error.ts'

/**
 * The host's secp256k1 key, 32 bytes, from a text file of 64 hex digits; made there where the file is missing. Throws
 * PeersError `key`. The format is op-node's `p2p.priv.path`.
 */
export async function loadIdentity(path: string): Promise<Uint8Array> {
  const text = await readOptional(path)
  if (text === undefined) return await createIdentity(path)
  const digits = text.trim().replace(/^0x/i, '')
  if (!/^[0-9a-fA-F]{64}$/.test(digits)) {
    throw new PeersError('key', `${path} is not a network key: 64 hex digits are expected`)
  }
  return checkKey(new Uint8Array(Buffer.from(digits, 'hex')), path)
}

/** The key if it is one of secp256k1. Throws PeersError `key`. */
export function checkKey(key: Uint8Array, name = 'the network key'): Uint8Array {
  if (key.length === 32 && secp256k1.privateKeyVerify(key)) return key
  throw new PeersError('key', `${name} is not a private key of secp256k1`)
}

async function createIdentity(path: string): Promise<Uint8Array> {
  const key = checkKey(new Uint8Array(randomBytes(32)))
  try {
    await mkdir(dirname(path), { recursive: true })
    // `wx`: never over a key that another process wrote meanwhile.
    await writeFile(path, `${Buffer.from(key).toString('hex')}\n`, { mode: 0o600, flag: 'wx' })
  } catch (cause) {
    throw new PeersError('key', `the network key cannot be written to ${path}: ${errorMessage(cause)}`, { cause })
  }
  return key
}

async function readOptional(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new PeersError('key', `the network key ${path} cannot be read: ${errorMessage(cause)}`, { cause })
  }
}
