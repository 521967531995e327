import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bytesSource } from '../../../inference/check/model-source.ts'
import type { SecretPair } from '../../../inference/check/pair-file.ts'
import { type PoolOptions, SecretPool } from '../../../inference/check/pool.ts'
import { WeightlessPass } from '../../../inference/check/weightless-pass.ts'
import { encodeModel, modelRoot } from '../../../inference/model-file.ts'
import { Oracle } from '../../../inference/oracle.ts'
import { randomModel, smallConfig } from '../../fakes/random-model.ts'
import { encodeAccumulators, sentTrace } from '../../fakes/sent-trace.ts'

const model = randomModel(5)
const file = encodeModel(model)
const root = modelRoot(model)
let base = ''
let folders = 0
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'pool-'))
})
afterAll(() => rm(base, { recursive: true }))

function world(options: Partial<PoolOptions> = {}) {
  const folder = join(base, String(folders++))
  let reads = 0
  const open = (bytes = file) =>
    SecretPool.open({ folder, root, pairs: 3, ...options }, async () => {
      reads++
      return bytesSource(bytes)
    })
  return { open, at: (name: string) => join(folder, root.slice(2), name), readings: () => reads }
}

/** Whether a pair finds the first layer of a run of the model right. */
function judges(pool: SecretPool, pair: SecretPair, of = model): boolean {
  const tokens = [1, 2, 3]
  const { layers } = sentTrace(new Oracle(of), tokens)
  const pass = new WeightlessPass(pool.kept, pair)
  pass.begin({ positions: 3, tin: 1, width: 4, slots: [] })
  const { dim } = model.config
  for (const [i, token] of tokens.entries()) {
    pass.embed(i, token, of.embedding.weights.subarray(token * dim, (token + 1) * dim))
  }
  const records = () => [encodeAccumulators(layers[0] as Int32Array, 4)]
  return pass.layer(0, records) === undefined
}

describe('pool of secret pairs', () => {
  test('one reading of the weights makes pairs that tell the model from another, tied head or not', async () => {
    for (const tiedHead of [true, false]) {
      const own = randomModel(6, { ...smallConfig, tiedHead })
      const options = { folder: join(base, String(folders++)), root: modelRoot(own), pairs: 2 }
      const pool = await SecretPool.open(options, async () => bytesSource(encodeModel(own)))
      const pair = await pool.take(3)
      expect(judges(pool, pair, own)).toBe(true)
      expect(judges(pool, pair, { ...own, layers: model.layers })).toBe(false)
      expect(pool.kept.tokenizer).toEqual(own.tokenizer)
    }
  })

  test('what is on disk is the owner’s alone and is read again without the weights', async () => {
    const { open, at, readings } = world()
    const first = await (await open()).take(1)
    const again = await (await open()).take(1)
    expect(again).toEqual(first)
    expect(readings()).toBe(1)
    expect((await stat(at('pair-0'))).mode & 0o777).toBe(0o600)
  })

  test('a pair that caught a fault is gone, and an empty pool is made anew', async () => {
    const { open, at, readings } = world()
    const pool = await open()
    const seeds = new Set<string>()
    for (let i = 0; i < 3; i++) {
      seeds.add(Buffer.from((await pool.take(1)).seed).toString('hex'))
      await pool.retire()
    }
    expect([seeds.size, pool.pairsLeft]).toEqual([3, 0])
    await expect(pool.take(1)).rejects.toMatchObject({ code: 'empty' })
    await expect(readFile(at('pair-0'))).rejects.toMatchObject({ code: 'ENOENT' })
    const made = await open()
    expect([made.pairsLeft, readings()]).toEqual([3, 2])
    expect(seeds.has(Buffer.from((await made.take(1)).seed).toString('hex'))).toBe(false)
  })

  test('a pair retires after its checks, counted over restarts before they are made', async () => {
    const { open } = world({ checksMax: 100, pairs: 4 })
    const seed = async (checks: number) => Buffer.from((await (await open()).take(checks)).seed).toString('hex')
    const first = await seed(60)
    expect(await seed(60)).not.toBe(first)
    const pool = await open()
    const one = await pool.take(100)
    expect((await pool.take(1)).seed).not.toEqual(one.seed)
  })

  test('a rotten or foreign file of a pair is refused, of the rest it is made anew', async () => {
    const { open, at, readings } = world({ pairs: 5 })
    await open()
    const spoil = async (name: string, place: number) => {
      const bytes = new Uint8Array(await readFile(at(name)))
      bytes[place] = (bytes[place] ?? 0) ^ 1
      await writeFile(at(name), bytes)
    }
    for (const place of [0, 9, 50, 900]) {
      const [pair = ''] = (await readdir(at('.'))).filter((name) => name.startsWith('pair-')).sort()
      await spoil(pair, place)
      await expect((await open()).take(1)).rejects.toMatchObject({ code: 'corrupt' })
    }
    expect((await open()).pairsLeft).toBe(1)
    const before = readings()
    for (const name of ['model', 'uses']) {
      for (const place of [0, 40, 70]) {
        await open()
        await spoil(name, place)
        expect((await open()).pairsLeft).toBe(5)
      }
    }
    expect(readings() - before).toBe(6)
  })

  test('weights that are not the model of the root leave no pool', async () => {
    for (const place of [20, 200, 7000, file.length - 17]) {
      const { open, at } = world()
      const spoilt = file.slice()
      spoilt[place] = (spoilt[place] ?? 0) ^ 4
      await expect(open(spoilt)).rejects.toThrow()
      await expect(open(file.subarray(0, place))).rejects.toThrow('cut off')
      await expect(open(Buffer.concat([file, Buffer.alloc(16)]))).rejects.toThrow('more than')
      expect(await readdir(at('.')).catch(() => [])).toEqual([])
    }
  })
})
