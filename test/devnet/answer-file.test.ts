import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AnswerFileError } from '../../attribution/answer-file/answer-error.ts'
import { verifyAnswer } from '../../attribution/answer-file/verify-answer.ts'
import { encodeIndexFile } from '../../attribution/suffix/index-file.ts'
import { ContentStore } from '../../common/content-store.ts'
import { devPrivateKeys } from '../../common/dev-keys.ts'
import { loadArtifact } from '../../contracts/artifact.ts'
import { devRoles } from '../../genesis/presets.ts'
import { baseModelFile } from '../../inference/models/base-model.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { merkleRoot } from '../../protocol/content-hash.ts'
import { hasAnvil } from '../fakes/anvil.ts'
import { DevNet, type DevNode } from '../fakes/dev-net.ts'
import { openledgerHere } from '../fakes/money-cli.ts'
import { Random } from '../fakes/random.ts'
import { RemoteMarketChain } from '../fakes/remote-market-chain.ts'
import { SpanMarket, spanAnswer } from '../fakes/span-market.ts'

/** Changed bytes tried of each file; every byte of a file that has no more. */
const flips = Number(process.env['OPENLEDGER_FUZZ'] ?? 150)

describe.skipIf(!hasAnvil)('answer files over anvil (skipped without its binary)', () => {
  const dir = mkdtempSync(join(tmpdir(), 'answer-file-'))
  let net: DevNet
  let node: DevNode

  beforeAll(async () => {
    const started = Math.floor(Date.now() / 1000) - 10
    net = await DevNet.start(['--block-time', '1', '--timestamp', String(started)])
    const proposer = {
      ...{ key: devPrivateKeys[devRoles.proposer], outputOracle: net.addresses.l2OutputOracle },
      ...{ pollIntervalMs: 300, allowNonFinalized: true },
    }
    node = await net.node(net.sequencerOptions('sequencer', { proposer }))
    const chain = await RemoteMarketChain.open(() => node.eth)
    const market = await SpanMarket.open(chain, node.eth)
    const quiet = 'Nobody wrote this down before, so it has no source.'
    const { file } = await market.settle([
      { text: spanAnswer, model: 1 },
      { text: spanAnswer, model: 2 },
      { text: quiet, model: 1 },
    ])
    new ContentStore(join(dir, 'content'), merkleRoot).put(file)
    mkdirSync(join(dir, 'indexes'))
    writeFileSync(join(dir, 'indexes', `${market.index.id}.oli`), encodeIndexFile(market.index))
    for (let i = 0; ; i++) {
      const { code, stderr } = await exported(0, 'spans')
      if (code === 0) break
      // A busy machine is slow to answer.
      if (i > 100 || !/INCOMPLETE|\(transport\)/.test(stderr)) throw new Error(`exit code ${code}: ${stderr}`)
      await new Promise((next) => setTimeout(next, 500))
    }
    expect(await exported(1, 'no-index')).toMatchObject({ code: 0, stderr: '' })
    expect(await exported(2, 'no-spans')).toMatchObject({ code: 0, stderr: '' })
    expect(await exported(0, 'no-text', [])).toMatchObject({ code: 0, stderr: '' })
  }, 600_000)

  afterAll(async () => {
    await net?.stop()
    rmSync(dir, { recursive: true, force: true })
  })

  const path = (name: string) => join(dir, `${name}.answer`)
  const exported = (index: number, name: string, models = ['--models', dirname(baseModelFile)]) =>
    openledgerHere([
      ...['answer', 'export', '--receipt', `1:${index}`, '--out', path(name), '--l1', net.anvil.url],
      ...['--oracle', net.addresses.l2OutputOracle, '--rpc', `http://127.0.0.1:${node.running.ports.eth}`],
      ...['--content.dir', join(dir, 'content'), '--indexes', join(dir, 'indexes'), '--json', ...models],
    ])
  const bytesOf = (name: string) => new Uint8Array(readFileSync(path(name)))
  const verify = async (name: string, ...flags: readonly string[]) => {
    const { code, stdout, stderr } = await openledgerHere(['answer', 'verify', path(name), '--json', ...flags])
    return { code, stderr, shown: (stdout === '' ? {} : JSON.parse(stdout)) as Shown }
  }
  type Shown = {
    readonly prompt: string
    readonly answer: string
    readonly matched: string
    readonly entries: readonly { readonly class: string; readonly id: string; readonly amount: string }[]
    readonly l1: { readonly hash: Hex; readonly block: string; readonly oracle: Hex }
  }

  test('an answer is verified without the chain, up to a block hash that L1 has', async () => {
    const { shown } = await verify('spans')
    const block = (await net.anvil.rpc.request('eth_getBlockByNumber', [
      `0x${BigInt(shown.l1.block).toString(16)}`,
      false,
    ])) as { hash: Hex }
    expect(shown.l1).toMatchObject({ hash: block.hash, oracle: net.addresses.l2OutputOracle.toLowerCase() })
    expect(shown).toMatchObject({ prompt: 'What is said?', answer: spanAnswer })
    expect(shown.entries.filter(({ class: kind }) => kind === 'S').map(({ id }) => id)).toEqual(['1', '2'])
    expect((await verify('spans', '--l1-hash', block.hash, '--oracle', shown.l1.oracle)).code).toBe(0)
    const other = `0x${'11'.repeat(32)}`
    expect(await verify('spans', '--l1-hash', other)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('l1-hash'),
    })
    expect(await verify('spans', '--oracle', other.slice(0, 42))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('oracle'),
    })
  })

  test('answers without spans, without an index and without a tokenizer hold too', async () => {
    expect((await verify('no-index')).shown).toMatchObject({ answer: spanAnswer, matched: 'no index' })
    expect((await verify('no-spans')).shown.matched).toMatch(/^0 spans shown of \d+ tokens$/)
    expect((await verify('no-text')).shown.answer).toBe('tokens alone: the file has no tokenizer')
  })

  test.each(['spans', 'no-index', 'no-spans', 'no-text'])(
    '%s: any changed byte, a shorter or longer file is refused by a named error',
    (name) => {
      const right = bytesOf(name)
      const { l1 } = verifyAnswer(right)
      const trust = { l1Hash: l1.hash, oracle: l1.oracle }
      const random = new Random(7)
      const places = flips >= right.length ? right.keys() : sampled(right, random)
      const accepted: string[] = []
      const codes = new Set<string>()
      for (const at of places) {
        const wrong = right.slice()
        wrong[at] = (wrong[at] ?? 0) ^ (1 << random.int(8))
        const plain = refusal(wrong, trust)
        if (plain === undefined) accepted.push(`byte ${at}`)
        // A forger makes the checksum again.
        const sealed = at < right.length - 32 ? refusal(resealed(wrong), trust) : plain
        if (sealed === undefined) accepted.push(`byte ${at} with its checksum`)
        else codes.add(sealed)
      }
      expect(accepted).toEqual([])
      expect(codes.size).toBeGreaterThan(3)
      for (const length of [0, 1, 8, right.length >> 1, right.length - 33, right.length - 1]) {
        expect(refusal(right.slice(0, length), trust)).toBeDefined()
        expect(refusal(resealed(right.slice(0, length)), trust)).toBeDefined()
      }
      for (const more of [new Uint8Array(1), new Uint8Array(33), right]) {
        const longer = new Uint8Array([...right, ...more])
        expect(refusal(longer, trust)).toBeDefined()
        expect(refusal(resealed(longer), trust)).toBeDefined()
      }
    },
    3_600_000,
  )

  test('parts of other files do not fit, each by the name of what does not hold', () => {
    const names = ['receipt', 'batch', 'indexes', 'evidence', 'spans', 'scores', 'tokenizer', 'text', 'l2', 'l1']
    const [right, other] = [partsOf(bytesOf('spans')), partsOf(bytesOf('no-spans'))]
    const refused = names.map((_, i) =>
      refusal(sealed(right.map((part, k) => (k === i ? (other[i] as Uint8Array) : part))), {}),
    )
    expect(Object.fromEntries(names.map((name, i) => [name, refused[i]]))).toMatchObject({
      ...{ receipt: 'batch', batch: 'batch', evidence: 'evidence', spans: 'span', scores: 'scores', text: 'text' },
    })
    const without = right.map((part, i) => (names[i] === 'tokenizer' ? new Uint8Array(0) : part))
    expect(refusal(sealed(without), {})).toBe('text')
  })
})

test('storage slots are where the compiler puts the variables', () => {
  const slotOf = (contract: string, label: string) =>
    loadArtifact(contract).storageLayout.find((variable) => variable.label === label)?.slot
  expect([
    ...['batchHash', '_states', '_voidBits'].map((label) => slotOf('InferenceMarket', label)),
    ...['_models', '_versions'].map((label) => slotOf('ModelRegistry', label)),
    slotOf('DatanetRegistry', '_versions'),
    slotOf('L2OutputOracle', '_outputs'),
  ]).toEqual([9, 12, 15, 2, 4, 20, 0])
})

/** Places in a file: as many in each part, whatever its length, and as many anywhere. */
function sampled(bytes: Uint8Array, random: Random): number[] {
  const parts: { start: number; length: number }[] = []
  let start = 8
  for (const { length } of partsOf(bytes)) {
    parts.push({ start, length: 4 + length })
    start += 4 + length
  }
  return Array.from({ length: flips }, (_, i) => {
    const part = i % 2 === 0 ? random.pick(parts) : { start: 0, length: bytes.length }
    return part.start + random.int(part.length)
  })
}

/** Why a file is refused; undefined: it is not. Other errors than named ones are the test's. */
function refusal(bytes: Uint8Array, trust: Parameters<typeof verifyAnswer>[1]): string | undefined {
  try {
    verifyAnswer(bytes, trust)
    return undefined
  } catch (error) {
    if (error instanceof AnswerFileError) return error.code
    throw error
  }
}

function resealed(bytes: Uint8Array): Uint8Array {
  const body = bytes.subarray(0, Math.max(0, bytes.length - 32))
  return new Uint8Array([...body, ...createHash('sha256').update(body).digest()])
}

function partsOf(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const parts: Uint8Array[] = []
  for (let at = 8; at < bytes.length - 32; ) {
    const length = view.getUint32(at)
    parts.push(bytes.slice(at + 4, at + 4 + length))
    at += 4 + length
  }
  return parts
}

function sealed(parts: readonly Uint8Array[]): Uint8Array {
  const length = (part: Uint8Array) => [
    part.length >>> 24,
    (part.length >>> 16) & 255,
    (part.length >>> 8) & 255,
    part.length & 255,
  ]
  const body = new Uint8Array([
    ...new TextEncoder().encode('OLANSWR'),
    1,
    ...parts.flatMap((part) => [...length(part), ...part]),
  ])
  return new Uint8Array([...body, ...createHash('sha256').update(body).digest()])
}
