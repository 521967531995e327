import { createHash } from 'node:crypto'
import { type FileHandle, open, readFile, rename } from 'node:fs/promises'
import { removeFile } from '../../common/atomic-file.ts'
import { concatBytes, equalBytes, type Hex, hexToBytes } from '../../protocol/bytes.ts'
import { CheckError } from './check-error.ts'
import { seedBytes } from './secret-vectors.ts'

/** Two secret vectors per linear, which the seed makes, and what is left of the weights: `u = Wᵀr` of each. */
export type SecretPair = {
  readonly seed: Uint8Array
  /** Elements of [0, p): linear after linear, of each the first vector's, one per column, and the second's. */
  readonly projections: Uint32Array
}

const magic = new TextEncoder().encode('OLPAIR01')
const hashBytes = 32
const headBytes = magic.length + 32 + seedBytes

/**
 * Writes a pair as its projections come: `OLPAIR01 ‖ model root ‖ seed ‖ projections u32 little-endian … ‖ SHA-256 of all
 * before`. Mode 0600; nothing has the file's name before it is whole.
 */
export class PairWriter {
  readonly #path: string
  readonly #file: FileHandle
  readonly #hash = createHash('sha256')

  private constructor(path: string, file: FileHandle) {
    this.#path = path
    this.#file = file
  }

  static async create(path: string, root: Hex, seed: Uint8Array): Promise<PairWriter> {
    const writer = new PairWriter(path, await open(`${path}.tmp`, 'w', 0o600))
    await writer.#write(concatBytes(magic, hexToBytes(root), seed))
    return writer
  }

  async add(projections: Uint32Array): Promise<void> {
    await this.#write(new Uint8Array(projections.buffer, projections.byteOffset, projections.byteLength))
  }

  async finish(): Promise<void> {
    await this.#file.write(this.#hash.digest())
    await this.#file.sync()
    await this.#file.close()
    await rename(`${this.#path}.tmp`, this.#path)
  }

  async abandon(): Promise<void> {
    await this.#file.close()
    await removeFile(`${this.#path}.tmp`)
  }

  async #write(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes)
    await this.#file.write(bytes)
  }
}

/** Throws {@link CheckError} where the file is not a whole pair of that model with so many projections. */
export async function readPair(path: string, root: Hex, projectionCount: number): Promise<SecretPair> {
  const bytes = await readFile(path)
  const body = bytes.subarray(0, -hashBytes)
  const isWhole =
    bytes.length === headBytes + 4 * projectionCount + hashBytes &&
    equalBytes(createHash('sha256').update(body).digest(), bytes.subarray(-hashBytes)) &&
    equalBytes(bytes.subarray(0, magic.length), magic) &&
    equalBytes(bytes.subarray(magic.length, magic.length + 32), hexToBytes(root))
  if (!isWhole) throw new CheckError('corrupt', `${path} is not a pair of ${root}: remove it`)
  const projections = new Uint32Array(new Uint8Array(body.subarray(headBytes)).buffer)
  return { seed: new Uint8Array(bytes.subarray(headBytes - seedBytes, headBytes)), projections }
}
