import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { versionPapers } from '../../../attribution/datanets/statement.ts'
import { croissant, statement } from '../../../cli/datanet/statement.ts'
import { writeVersionFolder } from '../../../cli/datanet/version-folder.ts'
import { ContentStore } from '../../../common/content-store.ts'
import { RpcServer } from '../../../common/json-rpc-server.ts'
import { silentLog } from '../../../common/log.ts'
import { merkleRoot } from '../../../protocol/content-hash.ts'
import { openledgerHere } from '../../fakes/money-cli.ts'
import { ownerKey, signerOf, versionFacts, versionOwner } from '../../fakes/version-facts.ts'

const { facts, files } = versionFacts()
const papers = versionPapers(facts, signerOf(ownerKey))

let root: string
let folder: string
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'statement-'))
  folder = join(root, 'version')
  const content = new ContentStore(join(root, 'content'), merkleRoot)
  for (const bytes of [papers.croissant, papers.statement, ...files.values()]) content.put(bytes)
  const source = { content, peers: [], signal: new AbortController().signal }
  const written = await writeVersionFolder(folder, { ...papers, itemsRoot: facts.itemsRoot }, source)
  expect(written.length).toBe(files.size + 2)
})
afterEach(() => rmSync(root, { recursive: true }))

async function verify(command: typeof statement, owner?: string) {
  const lines: string[] = []
  const flags = { verify: folder, json: true, owner, datanet: undefined, out: undefined } as never
  const signal = new AbortController().signal
  const code = await command.run({ flags, positionals: [], signal, print: (line: string) => lines.push(line) } as never)
  const said = JSON.parse(lines.join('')) as Record<string, unknown>
  return { ...said, code, refused: said['refused'] }
}

test('a folder that was written from the store verifies without a chain', async () => {
  expect(await verify(statement, versionOwner)).toMatchObject({ code: 0, signer: versionOwner, files: files.size })
  expect(await verify(croissant)).toMatchObject({ code: 0, croissantHash: papers.croissantHash })
})

test('a flipped bit in any of its files exits with 1 and names what was changed', async () => {
  const names = [...files.keys()].filter((name) => files.get(name)?.length !== 0)
  for (const [name, reasons] of [
    ['croissant.json', ['subject']],
    ['statement.json', ['envelope', 'signer', 'signature']],
    ...names.map((each) => [each, ['file']] as const),
  ] as const) {
    const path = join(folder, name)
    const right = readFileSync(path)
    for (const at of [0, right.length >> 1, right.length - 1]) {
      const changed = Uint8Array.from(right)
      changed[at] = (changed[at] ?? 0) ^ 4
      writeFileSync(path, changed)
      const { code, refused } = await verify(statement)
      expect([name, at, code, reasons.some((reason) => reason === refused)]).toEqual([name, at, 1, true])
    }
    writeFileSync(path, right)
  }
})

test('another owner than the one asked for, and a file that is gone, are named', async () => {
  expect(await verify(statement, `0x${'9'.repeat(40)}`)).toMatchObject({ code: 1, refused: 'signer' })
  rmSync(join(folder, [...files.keys()][0] ?? ''))
  expect(await verify(statement)).toMatchObject({ code: 1, refused: 'file' })
  expect(await verify(croissant)).toMatchObject({ code: 1, refused: 'file' })
})

test('a chain that is no OpenLedger L2 is told by name, not as bytes that cannot be decoded', async () => {
  const server = new RpcServer({ host: '127.0.0.1', port: 0 }, { methods: { eth_call: () => '0x' }, log: silentLog })
  const url = `http://127.0.0.1:${await server.start()}`
  try {
    for (const words of [['statement', '--verify', folder], ['statement', '--out', folder], ['croissant']]) {
      const ran = await openledgerHere(['datanet', ...words, '--datanet', '1.1', '--rpc', url])
      expect([ran.code, ran.stderr]).toEqual([
        2,
        'openledger: the chain has no DatanetRegistry: is --rpc an OpenLedger L2?\n',
      ])
    }
  } finally {
    await server.stop()
  }
})

test('a description whose file names lead out of the folder is not written', async () => {
  const content = new ContentStore(join(root, 'content'), merkleRoot)
  const text = new TextDecoder().decode(papers.croissant).replaceAll('items/10.txt', '../outside.txt')
  const croissantHash = content.put(new TextEncoder().encode(text))
  const source = { content, peers: [], signal: new AbortController().signal }
  const place = join(root, 'other', 'folder')
  mkdirSync(dirname(place))
  const hashes = { ...papers, itemsRoot: facts.itemsRoot, croissantHash }
  await expect(writeVersionFolder(place, hashes, source)).rejects.toThrow('outside')
})
