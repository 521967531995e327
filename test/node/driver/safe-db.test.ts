import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SafeDb } from '../../../node/driver/safe-db.ts'
import { hash } from '../../fakes/rollup-config.ts'

const id = (n: number) => ({ hash: hash(n), number: BigInt(n) })

describe('safe-head database', () => {
  let folder: string
  let db: SafeDb

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'safedb-'))
    db = await SafeDb.open(folder)
  })
  afterEach(async () => {
    await db.close()
    await rm(folder, { recursive: true })
  })

  test('answers the newest record at or below the L1 block', async () => {
    await db.update(id(10), id(100))
    await db.update(id(300), id(101))
    expect(await db.safeHeadAt(9n)).toBeUndefined()
    expect(await db.safeHeadAt(10n)).toEqual({ l1: id(10), safe: id(100) })
    expect(await db.safeHeadAt(299n)).toEqual({ l1: id(10), safe: id(100) })
    expect(await db.safeHeadAt(1000n)).toEqual({ l1: id(300), safe: id(101) })
  })

  test('a later safe head of the same L1 block replaces the earlier', async () => {
    await db.update(id(10), id(100))
    await db.update(id(10), id(101))
    expect((await db.safeHeadAt(10n))?.safe.number).toBe(101n)
  })

  test('forgets L1 blocks after the one that is written', async () => {
    await db.update(id(10), id(100))
    await db.update(id(12), id(102))
    await db.update(id(11), id(105))
    expect(await db.safeHeadAt(12n)).toEqual({ l1: id(11), safe: id(105) })
  })

  test('after a reset forgets what is above the safe head', async () => {
    for (let i = 1; i <= 5; i++) await db.update(id(i), id(10 * i))
    await db.truncate(id(30))
    expect((await db.safeHeadAt(5n))?.safe.number).toBe(30n)
  })

  test('survives closing', async () => {
    await db.update(id(10), id(100))
    await db.close()
    db = await SafeDb.open(folder)
    expect((await db.safeHeadAt(10n))?.safe.number).toBe(100n)
  })
})
