import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { NodeStore } from '../../node/node-store.ts'

describe('node store', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'node-store-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  test('remembers whether to sequence', async () => {
    const first = await NodeStore.open(folder)
    expect(await first.sequencerActive()).toBeUndefined()
    await first.setSequencerActive(false)
    await first.close()
    const second = await NodeStore.open(folder)
    expect(await second.sequencerActive()).toBe(false)
    await second.close()
  })

  test('a directory in use says so, and is free again after closing', async () => {
    const first = await NodeStore.open(folder)
    await expect(NodeStore.open(folder)).rejects.toMatchObject({ code: 'in-use' })
    await first.close()
    await (await NodeStore.open(folder)).close()
  })

  test('a directory that cannot be opened says why', async () => {
    await writeFile(join(folder, 'node'), 'a file where the database belongs')
    await expect(NodeStore.open(folder)).rejects.toMatchObject({ code: 'unusable' })
  })
})
