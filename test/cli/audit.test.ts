import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type AuditedNode, audit } from '../../cli/audit/audit.ts'
import { systemClock } from '../../common/clock.ts'
import type { L2BlockRef } from '../../protocol/block-ref.ts'
import { hash } from '../fakes/rollup-config.ts'

const l2 = (number: number): L2BlockRef => ({
  hash: hash(number),
  number: BigInt(number),
  parentHash: hash(number - 1),
  timestamp: BigInt(2 * number),
  l1Origin: { hash: hash(9), number: 9n },
  sequenceNumber: 0n,
})

/** A derivation that is done: L1 at block 9, L2 at block `safe`. */
function derived(safe: number): AuditedNode {
  const l1 = { hash: hash(9), number: 9n, parentHash: hash(8), timestamp: 100n }
  const ref = l2(safe)
  const status = {
    currentL1: l1,
    headL1: l1,
    safeL1: l1,
    finalizedL1: l1,
    unsafeL2: ref,
    crossUnsafeL2: ref,
    pendingSafeL2: ref,
    localSafeL2: ref,
    safeL2: ref,
    finalizedL2: l2(0),
  }
  return {
    status: () => status,
    blockHashes: async (numbers) => numbers.map((number) => (number <= safe ? hash(number) : undefined)),
    finished: new Promise(() => {}),
  }
}

/** A node that claims these hashes; it gains a block at each question. */
async function claiming(hashOf: (number: number) => string, visible: number) {
  let top = visible
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString('utf8')
    })
    request.on('end', () => {
      const calls = JSON.parse(body) as { readonly id: number; readonly params: readonly [string] }[]
      const answers = calls.map(({ id, params }) => {
        const number = Number(params[0])
        return { jsonrpc: '2.0', id, result: number <= top ? { hash: hashOf(number) } : null }
      })
      top++
      response.end(JSON.stringify(answers))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, stop: () => server.close() }
}

async function run(safe: number, against: string) {
  const dir = mkdtempSync(join(tmpdir(), 'openledger-audit-'))
  try {
    return await audit(
      { against, progressFile: join(dir, 'audit.json'), blockTimeSeconds: 2, genesisNumber: 0n },
      { node: derived(safe), clock: systemClock, signal: new AbortController().signal, print: () => {} },
    )
  } finally {
    rmSync(dir, { recursive: true })
  }
}

test('a chain that is the same in every block is equal, though the other node was behind at first', async () => {
  const node = await claiming(hash, 18)
  const report = await run(20, node.url)
  node.stop()
  expect(report).toMatchObject({
    result: 'equal',
    fromBlock: 1,
    toBlock: 20,
    blocksCompared: 20,
    firstDifference: null,
  })
})

test('the first block with another hash is named, and nothing behind it is compared', async () => {
  const node = await claiming((number) => (number >= 7 ? hash(1000 + number) : hash(number)), 100)
  const report = await run(20, node.url)
  node.stop()
  expect(report).toMatchObject({
    result: 'different',
    toBlock: 6,
    firstDifference: { number: 7, derived: hash(7), claimed: hash(1007) },
  })
})

test('an audit that is cut off leaves how far it came, and the next one goes on there', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'openledger-audit-'))
  const progressFile = join(dir, 'audit.json')
  const node = await claiming(hash, 10)
  const options = { against: node.url, progressFile, blockTimeSeconds: 2, genesisNumber: 0n }
  const cut = new AbortController()
  const parts = { node: derived(20), signal: cut.signal, print: () => {} }
  const clock = { nowMs: () => 0, sleep: async () => cut.abort() }
  await expect(audit(options, { ...parts, clock })).rejects.toThrow('interrupted after block 10')
  expect(readFileSync(progressFile, 'utf8')).toBe('{"comparedTo":"10"}')
  const rest = await audit(options, { ...parts, clock: systemClock, signal: new AbortController().signal })
  expect(rest).toMatchObject({ result: 'equal', fromBlock: 11, toBlock: 20 })
  node.stop()
  rmSync(dir, { recursive: true })
})

test('a damaged note of progress is refused, not begun anew', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'openledger-audit-'))
  const progressFile = join(dir, 'audit.json')
  writeFileSync(progressFile, '{"comparedTo":')
  const options = { progressFile, blockTimeSeconds: 2, genesisNumber: 0n }
  const parts = { node: derived(20), clock: systemClock, signal: new AbortController().signal, print: () => {} }
  await expect(audit(options, parts)).rejects.toThrow('is damaged')
  rmSync(dir, { recursive: true })
})
