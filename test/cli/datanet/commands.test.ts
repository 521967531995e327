import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Command } from '../../../cli/command.ts'
import { nearDuplicates } from '../../../cli/datanet/near-duplicates.ts'
import { outliers } from '../../../cli/datanet/outliers.ts'
import { search } from '../../../cli/datanet/search.ts'
import { ContentStore } from '../../../common/content-store.ts'
import { parseFlags } from '../../../common/flags.ts'
import { RpcServer } from '../../../common/json-rpc-server.ts'
import { silentLog } from '../../../common/log.ts'
import { merkleRoot } from '../../../protocol/content-hash.ts'
import { type PublishedTexts, publishTexts, sayings } from '../../fakes/indexed-datanet.ts'
import { LedgerChain } from '../../fakes/ledger-chain.ts'

let dir: string
let chain: LedgerChain
let server: RpcServer
let url: string
let texts: PublishedTexts

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'datanet-'))
  chain = await LedgerChain.open()
  const methods = { eth_call: (params: unknown) => chain.rpc.request('eth_call', params as readonly unknown[]) }
  server = new RpcServer({ host: '127.0.0.1', port: 0 }, { methods, log: silentLog })
  url = `http://127.0.0.1:${await server.start()}`
  const copy = (sayings[0] as string).replace('lower', 'LOWER,')
  texts = await publishTexts(chain, new ContentStore(join(dir, 'content'), merkleRoot), [...sayings, copy])
}, 60_000)
afterAll(async () => {
  await server.stop()
  await chain.close()
  rmSync(dir, { recursive: true })
})

async function runCommand(command: Command, ...argv: readonly string[]): Promise<{ code: number; lines: string[] }> {
  const { values, given, positionals } = parseFlags(command.flags, { argv: [...argv], env: {} })
  const lines: string[] = []
  const code = await command.run({
    ...{ flags: values, given, positionals, env: {}, log: silentLog, signal: new AbortController().signal },
    print: (line) => lines.push(line),
  })
  return { code, lines }
}

const where = () => [
  '--datanet',
  `${texts.datanet}.${texts.version}`,
  '--content.dir',
  join(dir, 'content'),
  '--rpc',
  url,
]
const idOf = (text: number) => texts.items[text]?.contribId

describe('openledger datanet', () => {
  test('search prints the contribution, its characters and its words, and the same receipt again', async () => {
    const found = await runCommand(search, 'rope and herrings of the quay', '--most', '2', ...where())
    expect(found.code).toBe(0)
    expect(found.lines[0]).toBe(`[1] contribution ${idOf(4)}, characters 0 to ${sayings[4]?.length}`)
    expect(found.lines[1]).toBe(`    ${sayings[4]}`)
    expect(found.lines.at(-1)).toMatch(/^retrieval 0x[0-9a-f]{64}$/)
    expect(await runCommand(search, 'rope and herrings of the quay', '--most', '2', ...where())).toEqual(found)
    const other = await runCommand(search, 'rope and herrings', '--most', '2', ...where())
    expect(other.lines.at(-1)).not.toBe(found.lines.at(-1))
    expect((await runCommand(search, 'zebra', '--by', 'words', ...where())).lines).toEqual(['nothing found'])
  })

  test('near-duplicates lists the copy with its original, and knows a file that is one', async () => {
    const listed = await runCommand(nearDuplicates, ...where())
    expect(listed).toEqual({
      code: 0,
      lines: [`contribution ${idOf(5)}: 100 % contribution ${idOf(0)}`, '1 of 6 contributions are near-duplicates'],
    })
    const [copy, own] = [join(dir, 'copy.txt'), join(dir, 'own.txt')]
    writeFileSync(copy, `${sayings[1]}!\r\n`)
    writeFileSync(own, 'nothing of all this was ever said by anybody at the harbour')
    const told = await runCommand(nearDuplicates, copy, own, '--json', ...where())
    expect(told.code).toBe(1)
    expect(JSON.parse(told.lines[0] ?? '')).toMatchObject({
      files: [{ path: copy, original: `${idOf(1)}`, bps: 10_000 }, { path: own }],
    })
    expect((await runCommand(nearDuplicates, own, ...where())).code).toBe(0)
    const similar = (await runCommand(nearDuplicates, '--from', '500', ...where())).lines
    expect(similar.at(-1)).toMatch(/^[2-5] of 6 contributions/)
  })

  test('outliers lists a text of keys among many that are in words', async () => {
    const plain = Array.from(
      { length: 30 },
      (_, i) => `${sayings[i % 3]} for the ${['first', 'second', 'third'][i % 3]} time, number ${i}`,
    )
    const store = new ContentStore(join(dir, 'content'), merkleRoot)
    const { datanet, items } = await publishTexts(chain, store, [...plain, 'xq7 vv9k 0z1p qqj8 7tt3 kw0d m4m2 9rrx'])
    const at = ['--datanet', `${datanet}`, '--content.dir', join(dir, 'content'), '--rpc', url]
    const { code, lines } = await runCommand(outliers, ...at)
    expect(code).toBe(0)
    expect(lines).toEqual([
      expect.stringMatching(new RegExp(`^contribution ${items[30]?.contribId}: [0-9.]+ bit a word$`)),
      '1 of 31 contributions to be looked at',
    ])
  })

  test('wrong calls are refused by name', async () => {
    await expect(runCommand(search, ...where())).rejects.toThrow('QUERY')
    await expect(runCommand(search, 'a', '--content.dir', dir, '--rpc', url)).rejects.toThrow('--datanet')
    await expect(runCommand(search, 'a', '--datanet', '1,1', '--content.dir', dir)).rejects.toThrow('twice')
    await expect(runCommand(nearDuplicates, '--from', '0', ...where())).rejects.toThrow('1 to 10000')
    await expect(runCommand(search, 'a', '--most', '11', ...where())).rejects.toMatchObject({ code: 'size' })
    await expect(runCommand(search, 'a', ...where(), '--content.dir', join(dir, 'other'))).rejects.toThrow()
    const unknown = ['--datanet', '999', '--content.dir', join(dir, 'content'), '--rpc', url]
    await expect(runCommand(nearDuplicates, ...unknown)).rejects.toMatchObject({ code: 'unknown-version' })
    await expect(runCommand(nearDuplicates, join(dir, 'no-such-file'), ...where())).rejects.toThrow('cannot read')
  })
})
