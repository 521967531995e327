import { createDecipheriv, pbkdf2, scrypt, timingSafeEqual } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { scryptAsync } from '@noble/hashes/scrypt.js'
import { keccak_256 } from '@noble/hashes/sha3.js'
import secp256k1 from 'secp256k1'
import { devPrivateKeys } from './dev-keys.ts'
import { UsageError } from './errors.ts'

/** Where a key comes from: an environment variable's value, or a web3 keystore with its password. Never the command line. */
export type SigningKeySource = {
  /** What signs with it, for messages: `batcher`. */
  readonly purpose: string
  /** Value of the environment variable: 32 bytes in hex. */
  readonly privateKey?: string | undefined
  /** Path of a web3 secret storage file, version 3. */
  readonly keystorePath?: string | undefined
  readonly password?: string | undefined
  /** Path of a file with the password; a line end after it is not part of it. */
  readonly passwordFile?: string | undefined
  /** Development chains only. */
  readonly allowDevKeys: boolean
}

/** Reads a signing key. Throws {@link UsageError}. */
export async function loadSigningKey(source: SigningKeySource): Promise<`0x${string}`> {
  const { purpose, privateKey, keystorePath } = source
  if (privateKey !== undefined && keystorePath !== undefined) {
    throw new UsageError(`the ${purpose} key is given twice: in the environment and as a keystore`)
  }
  if (privateKey === undefined && keystorePath === undefined) throw new UsageError(`no ${purpose} key is given`)
  const key =
    keystorePath === undefined
      ? parsePrivateKey(privateKey ?? '', purpose)
      : await readKeystore(keystorePath, await readPassword(source), purpose)
  if (!source.allowDevKeys && isDevKey(key)) {
    throw new UsageError(`the ${purpose} key is a public development key: anyone can spend what it holds`)
  }
  return key
}

/** Decrypts a web3 secret storage file (version 3; scrypt or pbkdf2, aes-128-ctr). Throws {@link UsageError}. */
export async function decryptKeystore(json: unknown, password: string, purpose: string): Promise<`0x${string}`> {
  const fail = (why: string, cause?: unknown) =>
    new UsageError(`the ${purpose} keystore ${why}`, cause === undefined ? {} : { cause })
  const crypto = field(json, 'crypto') ?? field(json, 'Crypto')
  if (field(json, 'version') !== 3) throw fail('is not a version 3 keystore')
  const cipherName = field(crypto, 'cipher')
  if (cipherName !== 'aes-128-ctr') throw fail(`uses the cipher ${String(cipherName)}; only aes-128-ctr is known`)
  const ciphertext = hexField(crypto, 'ciphertext')
  const iv = hexField(field(crypto, 'cipherparams'), 'iv')
  const mac = hexField(crypto, 'mac')
  if (ciphertext?.length !== 32 || iv?.length !== 16 || mac?.length !== 32) throw fail('is damaged')
  let derived: Buffer
  try {
    derived = await deriveKey(crypto, password)
  } catch (cause) {
    throw fail('has key derivation parameters that cannot be used', cause)
  }
  const expected = keccak_256(Buffer.concat([derived.subarray(16, 32), ciphertext]))
  if (!timingSafeEqual(expected, mac)) throw fail('does not open with this password')
  const decipher = createDecipheriv('aes-128-ctr', derived.subarray(0, 16), iv)
  const key = Buffer.concat([decipher.update(ciphertext), decipher.final()])
  return parsePrivateKey(key.toString('hex'), purpose)
}

/** Memory a keystore's scrypt parameters may ask for: the usual N = 2^18, r = 8 takes 256 MiB. */
const scryptBytesMax = 1024 * 1024 * 1024
/** Rounds a keystore's pbkdf2 parameters may ask for, some seconds of work; geth wrote 262,144. */
const pbkdf2RoundsMax = 10_000_000

async function deriveKey(crypto: unknown, password: string): Promise<Buffer> {
  const params = field(crypto, 'kdfparams')
  const salt = hexField(params, 'salt')
  if (salt === undefined) throw new Error('no salt')
  const length = countField(params, 'dklen')
  if (length < 32 || length > 64) throw new Error(`dklen ${length}`)
  const secret = password.normalize('NFKC')
  switch (field(crypto, 'kdf')) {
    case 'scrypt': {
      const [N, r, p] = [countField(params, 'n'), countField(params, 'r'), countField(params, 'p')]
      if (128 * N * r > scryptBytesMax) throw new Error('scrypt takes too much memory')
      // OpenSSL holds to RFC 7914's bound on N, which the format's own published example breaks.
      if (N >= 2 ** (16 * r)) return Buffer.from(await scryptAsync(secret, salt, { N, r, p, dkLen: length }))
      const options = { N, r, p, maxmem: scryptBytesMax + 1024 * r * p + 65_536 }
      return new Promise((resolve, reject) =>
        scrypt(secret, salt, length, options, (error, key) => (error === null ? resolve(key) : reject(error))),
      )
    }
    case 'pbkdf2': {
      const rounds = countField(params, 'c')
      if (field(params, 'prf') !== 'hmac-sha256' || rounds > pbkdf2RoundsMax) throw new Error('prf or rounds')
      return promisify(pbkdf2)(secret, salt, rounds, length, 'sha256')
    }
    default:
      throw new Error('neither scrypt nor pbkdf2')
  }
}

async function readKeystore(path: string, password: string, purpose: string): Promise<`0x${string}`> {
  let json: unknown
  try {
    json = JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    throw new UsageError(`the ${purpose} keystore cannot be read`, { cause })
  }
  return decryptKeystore(json, password, purpose)
}

async function readPassword(source: SigningKeySource): Promise<string> {
  if (source.password !== undefined) return source.password
  if (source.passwordFile === undefined) throw new UsageError(`the ${source.purpose} keystore needs a password`)
  try {
    return (await readFile(source.passwordFile, 'utf8')).replace(/\r?\n$/, '')
  } catch (cause) {
    throw new UsageError(`the password file of the ${source.purpose} keystore cannot be read`, { cause })
  }
}

/** The message never repeats the value: it may be a key with a typing error. */
function parsePrivateKey(text: string, purpose: string): `0x${string}` {
  const digits = text.trim().replace(/^0x/i, '').toLowerCase()
  if (!/^[0-9a-f]{64}$/.test(digits) || !secp256k1.privateKeyVerify(Buffer.from(digits, 'hex'))) {
    throw new UsageError(`the ${purpose} key is not a private key: 64 hex digits below the order of secp256k1`)
  }
  return `0x${digits}`
}

function isDevKey(key: string): boolean {
  return (devPrivateKeys as readonly string[]).includes(key)
}

function field(json: unknown, name: string): unknown {
  return typeof json === 'object' && json !== null ? Reflect.get(json, name) : undefined
}

function hexField(json: unknown, name: string): Buffer | undefined {
  const value = field(json, name)
  if (typeof value !== 'string' || !/^(?:[0-9a-fA-F]{2})+$/.test(value.replace(/^0x/, ''))) return undefined
  return Buffer.from(value.replace(/^0x/, ''), 'hex')
}

function countField(json: unknown, name: string): number {
  const value = field(json, name)
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1) throw new Error(`${name} must be a count`)
  return value
}
