import { type ChildProcess, spawn } from 'node:child_process'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freePort } from '../fakes/anvil.ts'
import { address } from '../fakes/indexed-chain.ts'
import { createDatanet, dump, IndexWorld, submit } from '../fakes/test-index.ts'

const program = resolve(import.meta.dirname, '../../cli/openledger.mjs')
const killsMax = 5
let world: IndexWorld
const children: ChildProcess[] = []

beforeEach(async () => {
  world = await IndexWorld.start()
  world.chain.mine([createDatanet(1n)])
})

afterEach(async () => {
  for (const child of children.splice(0)) await killed(child)
  await world.stop()
})

function start(dataDir: string, port: number): { readonly child: ChildProcess; readonly stderr: () => string } {
  const flags = ['--datadir', dataDir, '--l2', world.chain.url, '--http.port', `${port}`]
  const child = spawn(process.execPath, [program, 'indexer', ...flags], { stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')))
  children.push(child)
  return { child, stderr: () => text }
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((done) => child.once('exit', done))
  child.kill('SIGKILL')
  await gone
}

const exitCode = (child: ChildProcess) =>
  new Promise<number | null>((found) => child.once('exit', (code) => found(code)))

async function indexedBlock(port: number): Promise<number | undefined> {
  const body = JSON.stringify({ query: '{ _meta { block { number } } }' })
  const headers = { 'content-type': 'application/json' }
  const url = `http://127.0.0.1:${port}/graphql`
  const answer = await fetch(url, { method: 'POST', headers, body }).catch(() => undefined)
  if (answer === undefined) return undefined
  return ((await answer.json()) as { data: { _meta: { block: { number: number } | null } } }).data._meta.block?.number
}

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (let i = 0; i < 1200; i++) {
    const found = await look()
    if (found !== undefined) return found
    await new Promise((wake) => setTimeout(wake, 50))
  }
  throw new Error('waited a minute in vain')
}

test('a second indexer on the same directory says so and ends with an error, and the first goes on', async () => {
  const dataDir = join(world.dir, 'index')
  const port = await freePort()
  start(dataDir, port)
  await until(() => indexedBlock(port))
  const second = start(dataDir, await freePort())
  expect(await exitCode(second.child)).not.toBe(0)
  expect(second.stderr()).toMatch(/another process uses .*index\.sqlite/)
  world.chain.mine([submit(1n, 1n, address(2), 'more')])
  await until(async () => ((await indexedBlock(port)) === 2 ? true : undefined))
})

test('an indexer killed again and again, over reorgs, ends with the index of one that never was', async () => {
  const dataDir = join(world.dir, 'killed')
  let id = 0n
  const mine = (blocks: number) => {
    for (let i = 0; i < blocks; i++)
      world.chain.mine(Array.from({ length: 10 }, () => submit(1n, ++id, address(2 + Number(id % 5n)), `text ${id}`)))
  }
  mine(150)
  for (let kill = 0; kill < killsMax; kill++) {
    const port = await freePort()
    const { child } = start(dataDir, port)
    const before = await until(() => indexedBlock(port))
    mine(30)
    if (kill % 3 === 2) {
      world.chain.drop(7)
      mine(5)
    }
    // While it writes: at another moment each time.
    await new Promise((wake) => setTimeout(wake, 40 * kill))
    await killed(child)
    expect(before).toBeGreaterThanOrEqual(0)
  }
  const index = world.open('killed')
  // As the indexer does, where the connection breaks: its last user was killed.
  await until(() =>
    index.follow().then(
      () => true,
      () => undefined,
    ),
  )
  const fresh = world.open('fresh')
  await fresh.follow()
  expect(dump(index.store)).toEqual(dump(fresh.store))
}, 300_000)
