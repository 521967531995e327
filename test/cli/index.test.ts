import { mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readIndexRecord } from '../../attribution/suffix/index-file.ts'
import { ContentStore } from '../../common/content-store.ts'
import { baseModelFile } from '../../inference/models/base-model.ts'
import { merkleRoot } from '../../protocol/content-hash.ts'
import { publishTexts, sayings } from '../fakes/indexed-datanet.ts'
import { openledgerHere } from '../fakes/money-cli.ts'
import { ServedChain } from '../fakes/served-chain.ts'

let served: ServedChain
let dir: string
let content: ContentStore
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'index-cli-'))
  content = new ContentStore(join(dir, 'content'), merkleRoot)
  served = await ServedChain.open()
}, 60_000)
afterAll(async () => {
  await served.close()
  rmSync(dir, { recursive: true })
})

const run = async (...args: readonly string[]) => await openledgerHere(['index', ...args, '--rpc', served.url])
const places = () => ['--content.dir', join(dir, 'content')]

test('an index is built, published, shown, verified by building it again, and retired; one that lies is found out', async () => {
  const { datanet, version } = await publishTexts(served.chain, content, sayings)
  const ref = `${datanet}.${version}`
  const build = ['build', '--datanet', ref, '--model', baseModelFile, '--out', dir, ...places(), '--json']
  const { id, record, file } = JSON.parse((await run(...build)).stdout) as {
    id: string
    record: { n: number }
    file: string
  }
  expect(file).toBe(join(dir, `${id}.oli`))
  const account = ['--dev-account', '3', '--yes']
  const published = await run('publish', '--file', file, ...account)
  expect(published.stdout).toContain(`index ${id} of Datanet ${datanet} is published, bond 100 OPEN`)
  expect((await run('publish', '--file', file, ...account)).stderr).toContain('is published already')
  const shown = await run('show', '--index', id, '--json')
  expect(JSON.parse(shown.stdout)).toMatchObject({ index: id, n: record.n, provenFalse: false })
  expect(JSON.parse((await run('list', '--datanet', `${datanet}`, '--json')).stdout)).toHaveLength(1)
  expect(await run('verify', '--index', id, ...places())).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(id),
  })

  const lie = { ...readIndexRecord(file), suffixRoot: `0x${'ab'.repeat(32)}` }
  const { chain } = served
  const sent = await chain.send(chain.actor('alice'), 'IndexRegistry', 'publish', [lie], { value: 100n * 10n ** 18n })
  const found = await run('verify', '--index', String(sent.result), ...places())
  expect(found).toMatchObject({ code: 1, stdout: expect.stringContaining('suffixRoot') })

  expect((await run('retire', '--index', id, ...account)).stdout).toContain('counts for nothing from')
  const early = await run('return-bond', '--index', id, '--to', `0x${'11'.repeat(20)}`, ...account)
  expect(early.stderr).toContain('answers for it until')

  const other = ['--dev-account', '4', '--yes']
  expect((await run('retire', '--index', id, ...other)).stderr).toContain('somebody else published the index')
  const taken = await run('publish', '--file', file, ...other)
  expect(taken.stdout).toMatch(/bond 100 OPEN of 0x\w{40} for index 0x\w{64} is free from/)
  expect(taken.stdout).toMatch(/which 0x\w{40} retired, is taken over: it counts from .* and the bond 100 OPEN of/)
  const kept = JSON.parse((await run('show', '--index', id, '--json')).stdout)
  expect(kept).toMatchObject({ deadFrom: 'not known to come', wasDead: [] })
  expect(kept.publisher).not.toBe(JSON.parse(shown.stdout).publisher)
  expect((await run('retire', '--index', id, ...account)).stderr).toContain('somebody else published the index')
  expect((await run('return-bond', '--index', id, '--to', `0x${'11'.repeat(20)}`, ...account)).stderr).toContain(
    'answers for it until',
  )
}, 60_000)

test('what is missing or wrong is named, and nothing is sent', async () => {
  const { datanet } = await publishTexts(served.chain, content, ['a text', Uint8Array.of(65, 0)])
  const build = ['build', '--datanet', `${datanet}`, '--model', baseModelFile, '--out', dir]
  expect((await run(...build)).stderr).toContain('give --content.dir')
  expect((await run(...build, ...places())).stderr).toContain('openledger (binary)')
  expect((await run('build', '--model', baseModelFile)).stderr).toContain('--datanet is required')
  expect((await run('publish', '--file', join(dir, 'none.oli'), '--dev-account', '3')).stderr).toContain(
    'cannot be read',
  )
  const { datanet: other } = await publishTexts(served.chain, content, ['another text'])
  const built = JSON.parse((await run(...build.with(2, `${other}`), ...places(), '--json')).stdout) as { file: string }
  renameSync(built.file, join(dir, 'renamed.oli'))
  expect((await run('publish', '--file', join(dir, 'renamed.oli'), '--dev-account', '3')).stderr).toContain(
    'not its name',
  )
  expect((await run('show', '--index', `0x${'77'.repeat(32)}`)).stderr).toContain('nobody published')
}, 60_000)
