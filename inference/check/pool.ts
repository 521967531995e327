import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { removeFile, writeFileAtomic } from '../../common/atomic-file.ts'
import { concatBytes, equalBytes, type Hex, hexToBytes, uintBytes } from '../../protocol/bytes.ts'
import type { ModelConfig } from '../model-config.ts'
import { CheckError } from './check-error.ts'
import { decodeKept, type KeptModel } from './kept-model.ts'
import type { ModelSource } from './model-source.ts'
import { PairWriter, readPair, type SecretPair } from './pair-file.ts'
import { Projector } from './projector.ts'
import { type Linear, linearsOf, secretVectors, seedBytes } from './secret-vectors.ts'
import { streamModel, type WeightSink } from './weight-stream.ts'

/** Pairs that one reading of the weights makes. */
export const poolPairs = 64
/** Checks after which a pair is used no more: each tells who watches verdicts at most that it did not fail. */
export const pairChecksMax = 2 ** 20
/** Checks are counted on disk before they are made, so many at a time: a crash forgets none. */
const checksReserved = 2 ** 14

export type PoolOptions = {
  /** A folder of the node's own; each model has one in it. */
  readonly folder: string
  readonly root: Hex
  /** {@link poolPairs} but in tests. */
  readonly pairs?: number
  readonly checksMax?: number
}

/**
 * What a node without weights has of a model: all but the weights, and secret pairs. Nothing of it may leave the node. One
 * process at a time.
 */
export class SecretPool {
  readonly kept: KeptModel
  readonly #options: PoolOptions
  readonly #folder: string
  /** Checks reserved per pair that is left. */
  readonly #used: Map<number, number>
  #current: PairAtWork | undefined

  private constructor(options: PoolOptions, folder: string, kept: KeptModel, used: Map<number, number>) {
    this.#options = options
    this.#folder = folder
    this.kept = kept
    this.#used = used
  }

  /**
   * Reads the pool of a model, or makes it from the weights, which are read once from end to end against the root. What is
   * corrupt on disk is made anew. Throws {@link FormatError} where the source is not that model.
   */
  static async open(options: PoolOptions, weights: () => Promise<ModelSource>): Promise<SecretPool> {
    const folder = join(options.folder, options.root.slice(2))
    return (await SecretPool.#read(options, folder)) ?? (await SecretPool.#make(options, folder, await weights()))
  }

  static async #read(options: PoolOptions, folder: string): Promise<SecretPool | undefined> {
    try {
      const kept = decodeKept(options.root, sealedBody(options.root, await readFile(join(folder, keptFile))))
      const used = decodeUses(sealedBody(options.root, await readFile(join(folder, usesFile))))
      return used.size === 0 ? undefined : new SecretPool(options, folder, kept, used)
    } catch (error) {
      const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
      if (isMissing || (error instanceof CheckError && error.code === 'corrupt')) return undefined
      throw error
    }
  }

  static async #make(options: PoolOptions, folder: string, source: ModelSource): Promise<SecretPool> {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    for (const name of await readdir(folder)) await removeFile(join(folder, name))
    const sink = new PairSink(folder, options)
    try {
      const kept = await streamModel(source, options.root, sink)
      await sink.finish()
      await writeFileAtomic(join(folder, keptFile), sealed(options.root, kept))
      const used = new Map(Array.from({ length: options.pairs ?? poolPairs }, (_, i) => [i, 0]))
      await writeFileAtomic(join(folder, usesFile), sealed(options.root, encodeUses(used)))
      return new SecretPool(options, folder, decodeKept(options.root, kept), used)
    } catch (error) {
      await sink.abandon()
      throw error
    }
  }

  get pairsLeft(): number {
    return this.#used.size
  }

  /**
   * A pair for so many checks, which count from now on. Throws {@link CheckError} `empty` where none is left, and `corrupt`
   * where the pair's file is; it is gone then.
   */
  async take(checks: number): Promise<SecretPair> {
    const max = this.#options.checksMax ?? pairChecksMax
    const current = this.#current ?? (await this.#load())
    const used = this.#used.get(current.index) ?? 0
    if (current.reserved < checks) {
      const more = Math.max(checks - current.reserved, Math.min(checksReserved, max))
      if (used > 0 && used + more > max) {
        await this.retire()
        return this.take(checks)
      }
      this.#used.set(current.index, used + more)
      await this.#saveUses()
      current.reserved += more
    }
    current.reserved -= checks
    return current.pair
  }

  /** Ends the pair at work: it caught a fault, which tells the liar something about it. */
  async retire(): Promise<void> {
    if (this.#current === undefined) return
    const { index } = this.#current
    this.#current = undefined
    await this.#drop(index)
  }

  async #drop(index: number): Promise<void> {
    this.#used.delete(index)
    await this.#saveUses()
    await removeFile(join(this.#folder, pairName(index)))
  }

  async #load(): Promise<PairAtWork> {
    const [index] = this.#used.keys()
    if (index === undefined) throw new CheckError('empty', `no pair is left for ${this.#options.root}`)
    try {
      const count = 2 * linearsOf(this.kept.config).reduce((sum, { columns }) => sum + columns, 0)
      const pair = await readPair(join(this.#folder, pairName(index)), this.#options.root, count)
      this.#current = { index, pair, reserved: 0 }
      return this.#current
    } catch (error) {
      await this.#drop(index)
      throw error
    }
  }

  async #saveUses(): Promise<void> {
    await writeFileAtomic(join(this.#folder, usesFile), sealed(this.#options.root, encodeUses(this.#used)))
  }
}

/** A pair and how many checks are left of those reserved. */
type PairAtWork = { readonly index: number; readonly pair: SecretPair; reserved: number }

/** Projects each linear by the vectors of all pairs and writes the outcome to the pairs' files. */
class PairSink implements WeightSink {
  readonly #folder: string
  readonly #root: Hex
  readonly #seeds: readonly Uint8Array[]
  #writers: PairWriter[] = []
  #linears: readonly Linear[] = []
  #projector: Projector | undefined

  constructor(folder: string, { root, pairs = poolPairs }: PoolOptions) {
    this.#folder = folder
    this.#root = root
    this.#seeds = Array.from({ length: pairs }, () => new Uint8Array(randomBytes(seedBytes)))
  }

  async begin(config: ModelConfig): Promise<void> {
    this.#linears = linearsOf(config)
    for (const [i, seed] of this.#seeds.entries()) {
      this.#writers.push(await PairWriter.create(join(this.#folder, pairName(i)), this.#root, seed))
    }
  }

  async open(linear: number, columns: number): Promise<number> {
    const rows = this.#linears[linear]?.rows ?? 0
    this.#projector = new Projector(
      this.#seeds.flatMap((seed) => [...secretVectors(seed, linear, rows)]),
      columns,
    )
    return this.#projector.roundRows
  }

  rows(weights: Int8Array): void {
    this.#projector?.add(weights)
  }

  async close(): Promise<void> {
    let vector = 0
    for (const projections of this.#projector?.projections() ?? []) {
      await this.#writers[Math.floor(vector++ / 2)]?.add(projections)
    }
    this.#projector = undefined
  }

  async finish(): Promise<void> {
    for (let writer = this.#writers.pop(); writer !== undefined; writer = this.#writers.pop()) await writer.finish()
  }

  async abandon(): Promise<void> {
    for (let writer = this.#writers.pop(); writer !== undefined; writer = this.#writers.pop()) await writer.abandon()
  }
}

const [keptFile, usesFile] = ['model', 'uses']

function pairName(index: number): string {
  return `pair-${index}`
}

/** `index u32 ‖ checks u32` of each pair that is left. */
function encodeUses(used: ReadonlyMap<number, number>): Uint8Array {
  return concatBytes(
    ...[...used].flatMap(([index, checks]) => [uintBytes(BigInt(index), 4), uintBytes(BigInt(checks), 4)]),
  )
}

function decodeUses(bytes: Uint8Array): Map<number, number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return new Map(
    Array.from({ length: bytes.length / 8 }, (_, i) => [view.getUint32(8 * i), view.getUint32(8 * i + 4)] as const),
  )
}

/** `SHA-256 of the rest ‖ model root ‖ bytes`: found out where a file is cut, mixed up or rotten. */
function sealed(root: Hex, bytes: Uint8Array): Uint8Array {
  const rest = concatBytes(hexToBytes(root), bytes)
  return concatBytes(createHash('sha256').update(rest).digest(), rest)
}

function sealedBody(root: Hex, bytes: Uint8Array): Uint8Array {
  const rest = bytes.subarray(32)
  const isWhole =
    equalBytes(createHash('sha256').update(rest).digest(), bytes.subarray(0, 32)) &&
    equalBytes(rest.subarray(0, 32), hexToBytes(root))
  if (!isWhole) throw new CheckError('corrupt', `a file of the pool of ${root} is not whole`)
  return new Uint8Array(rest.subarray(32))
}
