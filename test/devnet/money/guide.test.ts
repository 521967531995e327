import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { committedBatch } from '../../../chain/ledger/committed-batch.ts'
import { ContentStore } from '../../../common/content-store.ts'
import { merkleRoot } from '../../../protocol/content-hash.ts'
import { permissive } from '../../fakes/licences.ts'
import { ServedChain } from '../../fakes/served-chain.ts'
import { settleFirstEpoch } from '../../fakes/settled-epoch.ts'

const root = resolve(import.meta.dirname, '../../..')
const dir = mkdtempSync(join(tmpdir(), 'openledger-guide-'))
const content = new ContentStore(join(dir, 'content'), merkleRoot)

let served: ServedChain
let node: Server

beforeAll(async () => {
  served = await ServedChain.open()
  const owner = served.chain.actor('datanet owner')
  const word = `0x${'01'.repeat(32)}`
  await served.chain.send(owner, 'DatanetRegistry', 'create', [0, 0, permissive, word, 0n, word])
  node = createServer((request, response) => {
    const hash = request.url?.slice('/content/'.length) ?? ''
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      if (request.method === 'PUT') content.put(new Uint8Array(Buffer.concat(chunks)))
      const found = content.get(hash)
      response.writeHead(found === undefined ? 404 : 200).end(request.method === 'GET' ? found : '')
    })
  })
  await new Promise<void>((listening) => node.listen(0, '127.0.0.1', listening))
  mkdirSync(join(dir, 'bin'))
  const program = join(dir, 'bin/openledger')
  writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${join(root, 'cli/openledger.mjs')}" "$@"\n`)
  chmodSync(program, 0o755)
})

afterAll(async () => {
  node.close()
  await served.close()
  rmSync(dir, { recursive: true, force: true })
})

/** Runs a block of the guide in a shell, as copied, on this chain in place of the dev chain. */
async function run(block: string): Promise<string> {
  const { port } = node.address() as AddressInfo
  const env = { PATH: `${join(dir, 'bin')}:${process.env['PATH']}`, OPENLEDGER_RPC: served.url }
  const script = block.replaceAll('http://127.0.0.1:8547', `http://127.0.0.1:${port}`)
  const { stdout } = await promisify(execFile)('bash', ['-eu', '-c', script], { cwd: dir, env })
  return stdout
}

/** What the attributor's role does of the one batch. */
async function settle(): Promise<void> {
  const { header } = (await committedBatch(served.chain.rpc, 1n)) ?? unreachable()
  const file = content.get(header.dataHash) ?? unreachable()
  const attributor = served.chain.actor('attributor')
  await served.chain.send(attributor, 'InferenceMarket', 'matureBatches', [[header]])
  const epoch = await settleFirstEpoch(served.chain, [{ batchId: 1n, file, voided: [] }])
  content.put(epoch.file)
}

test('every command of the guide runs as it stands there', async () => {
  const page = readFileSync(join(root, 'docs/MONEY-GUIDE.md'), 'utf8')
  const blocks = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => match[1] ?? '')
  expect(blocks.length).toBeGreaterThan(6)
  const said: string[] = []
  for (const block of blocks) {
    if (block.includes('claim status')) await settle()
    said.push(await run(block))
    served.chain.advance(121)
    await served.chain.mine()
  }
  const all = said.join('\n')
  // 4 prompt tokens and 3 of the answer at 1 and 2 OPEN for 1,000, and the platform's 0.0001; the model gets a fifth.
  expect(all).toContain('fees 0.0101 OPEN')
  expect(all).toContain('claimable         0.002 OPEN')
  expect(all).toMatch(/happened: 0\.002 OPEN of 0x\w+ paid to 0x\w+, epoch 1/)
  expect(all).toMatch(/happened: 4\.9 OPEN of channel 0x\w+ paid to/)
  expect(all).toMatch(/happened: 150 OPEN of 0x\w+ paid to/)
}, 600_000)

function unreachable(): never {
  throw new Error('not there')
}
