import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { entryClasses } from '../../protocol/attribution-entry.ts'
import { uintBytes } from '../../protocol/bytes.ts'
import { TokenSeal } from '../../protocol/private-tokens.ts'
import { publicKeyOf } from '../../protocol/secp256k1.ts'
import { WorkerWorld } from '../fakes/worker-world.ts'

const hostPrivateKey = new Uint8Array(32).fill(9)
const hostKey = publicKeyOf(hostPrivateKey)
const prompt = Array.from({ length: 12 }, (_, i) => 987_000 + 13 * i)
const privateClass = 0

let world: WorkerWorld
let open: Awaited<ReturnType<WorkerWorld['start']>>
beforeAll(async () => {
  world = await WorkerWorld.open()
  open = await world.start({ hostPrivateKey })
}, 60_000)
afterAll(() => world.close())

function sealedJob(change: Parameters<WorkerWorld['job']>[1] = {}, key = hostKey) {
  const { seal, templateHash } = TokenSeal.make(key)
  const sealed = [...seal.seal('prompt', 0, Uint32Array.from(prompt))]
  return { seal, job: world.job(sealed, { class: privateClass, templateHash, ...change }) }
}

/** All bytes that a worker and its chain keep, file by file. */
function* keptFiles(dirs: readonly string[]): Generator<readonly [string, Buffer]> {
  for (const dir of dirs) {
    for (const name of readdirSync(dir)) {
      const path = join(dir, name)
      if (statSync(path).isDirectory()) yield* keptFiles([path])
      else yield [path, readFileSync(path)]
    }
  }
}

/** Three neighbours of a list, as u32 either way round and in words. */
function* tracesOf(tokens: readonly number[]): Generator<Buffer> {
  for (let i = 0; i + 3 <= tokens.length; i++) {
    const three = tokens.slice(i, i + 3)
    const big = Buffer.concat(three.map((token) => uintBytes(token, 4)))
    yield big
    yield Buffer.from(big).swap32()
    yield Buffer.from(three.join(','))
  }
}

test('a private request is answered, settled and paid to the units, and nothing that is kept or logged holds a word of it', async () => {
  const { seal, job } = sealedJob()
  const events = await world.answer(job, open.desk)
  const sealed = events.flatMap((event) => (event.kind === 'tokens' ? [...event.tokens] : []))
  const output = [...prompt].reverse()
  expect(sealed.every((token) => token >= 2 ** 31)).toBe(true)
  expect([...seal.unseal('output', 0, Uint32Array.from(sealed))]).toEqual(output)
  const entries = events.flatMap((event) => (event.kind === 'entries' ? event.entries : []))
  const contributors = entries.filter(({ class: kind }) => kind >= entryClasses.S)
  expect(contributors.map(({ class: kind, weight }) => [kind, Number(weight)])).toEqual([[entryClasses.U, 1_000_000]])

  while (await open.sync.step());
  let isDone = false
  const settling = open.commit.run(new AbortController().signal).finally(() => {
    isDone = true
  })
  while (!isDone) {
    await new Promise((next) => setTimeout(next, 5))
    const { pending } = (await world.chain.rpc.request('txpool_status', [])) as { readonly pending: string }
    if (Number(pending) > 0) await world.chain.mine()
  }
  expect(await settling).toBe(true)

  const places = [...keptFiles(world.dirs)]
  expect(places.some(([path, bytes]) => path.includes('content') && bytes.length > 100)).toBe(true)
  for (const trace of [...tracesOf(prompt), ...tracesOf(output)]) {
    for (const [path, bytes] of places) expect(bytes.includes(trace), path).toBe(false)
  }
  for (const line of world.lines) for (const token of prompt) expect(line).not.toContain(`${token}`)
})

test.each([
  ['of a class that needs public data', 'private-class', () => sealedJob({ class: 1 }).job],
  ['with stop strings', 'private-stops', () => ({ ...sealedJob().job, stops: [Uint8Array.of(65)] })],
  ['whose key is none', 'private-key', () => sealedJob({ templateHash: `0x${'ff'.repeat(32)}` }).job],
])('a private request %s is refused as %s', async (_, code, job) => {
  await expect(world.answer(job(), open.desk)).rejects.toMatchObject({ code })
})
