import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { templateFor } from '../../../cli/model/templates.ts'
import { WorkerAsker } from '../../../cli/proxy/ask-worker.ts'
import { readChatRequest } from '../../../cli/proxy/chat-request.ts'
import { Equivocations } from '../../../cli/proxy/equivocations.ts'
import { KnownWorkers } from '../../../cli/proxy/known-workers.ts'
import { PayerBook } from '../../../cli/proxy/payer-book.ts'
import { silentLog } from '../../../common/log.ts'
import { decodeModel } from '../../../inference/model-file.ts'
import { baseModelFile } from '../../../inference/models/base-model.ts'
import { readTokenizer } from '../../../inference/tokenizer/model-tokenizer.ts'
import { peerIdOfKey } from '../../../p2p/peers/peer-address.ts'
import type { Job } from '../../../p2p/workers/jobs/job.ts'
import type { JobCall } from '../../../p2p/workers/jobs/job-call.ts'
import type { Capability } from '../../../p2p/workers/wire/messages.ts'
import { bytesToHex, hexToBytes, zeroHash } from '../../../protocol/bytes.ts'
import { isSealed } from '../../../protocol/private-tokens.ts'
import { publicKeyOf } from '../../../protocol/secp256k1.ts'
import { WorkerWorld } from '../../fakes/worker-world.ts'

const base = decodeModel(readFileSync(baseModelFile))
const tokenizer = readTokenizer(base.tokenizer)
const signal = new AbortController().signal
const hostPrivateKey = new Uint8Array(32).fill(11)
const hostKey = publicKeyOf(hostPrivateKey)
const own = peerIdOfKey(hostKey)

let world: WorkerWorld
let dir: string
let book: PayerBook
let desk: Awaited<ReturnType<WorkerWorld['start']>>['desk']
const asked: { readonly host: string; readonly job: Job }[] = []

beforeAll(async () => {
  world = await WorkerWorld.open()
  desk = (await world.start({ hostPrivateKey })).desk
  dir = mkdtempSync(join(tmpdir(), 'openledger-payer-'))
  book = PayerBook.open(join(dir, 'payer.sqlite'), zeroHash, world.chain.actor('alice').address, 10n ** 20n)
}, 60_000)
afterAll(async () => {
  book.close()
  rmSync(dir, { recursive: true })
  await world.close()
})

function openAsker(hosts: readonly string[]): WorkerAsker {
  const alice = world.chain.actor('alice')
  const nowMs = () => Number(world.chain.now) * 1_000
  const workers = new KnownWorkers()
  const { modelVersion } = world.market.terms
  const key = { keyPrefix: hostKey[0], keyX: bytesToHex(hostKey.subarray(1)) }
  const models = { model0: modelVersion, model1: zeroHash, model2: zeroHash, model3: zeroHash }
  const worker = world.chain.actor('worker').address
  workers.offers({ worker, classes: 1, ...key, ...models } as unknown as Capability, nowMs())
  const ask = async (host: string, job: Job) => {
    asked.push({ host, job })
    const client = { requestId: job.voucher.value.requestId, cancelled: new Promise<never>(() => {}) }
    const events = await desk.take(job, client, signal)
    return { events: () => events } as unknown as JobCall
  }
  const sender = { send: async () => ({ txHash: zeroHash, block: 0n }) as const }
  const payer = { chainId: 901n, payer: alice.address, privateKey: hexToBytes(alice.key) }
  return new WorkerAsker(
    { ...payer, proofClass: 0, answerSeconds: 600, deposit: 0n, isPrivate: true },
    {
      ...{ rpc: world.chain.rpc, network: { ask, hostsOf: () => hosts }, workers, book, sender, nowMs },
      ...{ log: silentLog, equivocations: new Equivocations({ book, sender, nowMs, log: silentLog }) },
    },
  )
}

async function answerOf(asker: WorkerAsker, stops: readonly string[] = []): Promise<string> {
  const { modelVersion } = world.market.terms
  const chat = templateFor('auto', tokenizer, 0)
  const model = { modelVersion, root: zeroHash, names: ['base'], config: base.config, tokenizer, chat }
  const question = {
    model: 'base',
    prompt: 'What is a river?',
    max_tokens: 40,
    ...(stops.length > 0 && { stop: stops }),
  }
  let text = ''
  for await (const event of asker.ask(model, readChatRequest(question, false), signal)) {
    if (event.kind === 'text') text += event.text
  }
  return text
}

test('a private request goes to the host that its worker names, sealed, and its answer is read', async () => {
  const text = await answerOf(openAsker(['another host', own]))
  const [one] = asked
  expect(one?.host).toBe(own)
  expect(isSealed(one?.job.tokens ?? new Uint32Array())).toBe(true)
  // The backend says the prompt backwards.
  const plain = [...tokenizer.encode('What is a river?')]
  expect(text).toContain(new TextDecoder().decode(tokenizer.decode(plain.slice(0, 1))))
  expect(text).toBe(new TextDecoder().decode(tokenizer.decode([...plain].reverse())).slice(0, text.length))
})

test('nothing is sent where the host is not connected, and no stop string ever', async () => {
  const before = asked.length
  await expect(answerOf(openAsker(['another host']))).rejects.toThrow('not connected')
  await expect(answerOf(openAsker([own]), ['river'])).rejects.toThrow('no stop strings')
  expect(asked).toHaveLength(before)
})
