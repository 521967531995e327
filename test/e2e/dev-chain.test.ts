import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { anvilBinary } from '../../cli/dev/anvil.ts'
import { blockHashes } from '../../cli/dev/compare.ts'
import { decodeBlob } from '../../protocol/blob-codec.ts'
import { hexToBytes } from '../../protocol/bytes.ts'
import { parseFrames } from '../../protocol/frame.ts'
import { DevChain, isRunning, kill } from '../fakes/dev-chain.ts'

/** Processes killed at random moments; the full trial is 30. */
const kills = Number(process.env['OPENLEDGER_KILLS'] ?? 6)
/** Depths of L1 reorgs, one after the other; the full trial is 1 to 20. */
const reorgDepths = (process.env['OPENLEDGER_REORGS'] ?? '1,7,20').split(',').map(Number)
/** What is waited for comes seconds later; where the machine is busy with other things, minutes. */
const waitMsMax = 240_000

type Status = Record<'unsafe_l2' | 'safe_l2', { readonly number: number; readonly hash: string }>

describe.skipIf(anvilBinary() === undefined)('a dev chain (skipped without the anvil binary)', () => {
  const dir = mkdtempSync(join(tmpdir(), 'openledger-e2e-'))
  const chain = new DevChain(join(dir, 'chain'), 21_845)
  /** Block hashes that the sequencer's RPC showed, by number. */
  const shown = new Map<number, string>()

  beforeAll(async () => {
    chain.start()
    await chain.until('the chain is seeded', async () => (seededAt() === undefined ? undefined : true), waitMsMax)
  })

  afterAll(async () => {
    await chain.destroy()
    rmSync(dir, { recursive: true, force: true })
  })

  function seededAt(): number | undefined {
    const file = join(chain.dir, 'dev.json')
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { seededAt?: number }).seededAt : undefined
  }

  const status = async (which: 'sequencerRollup' | 'verifierRollup') =>
    (await chain.rpc(which).request('optimism_syncStatus')) as Status

  /** Notes what the RPC shows now. */
  async function look(): Promise<void> {
    try {
      const { unsafe_l2: head } = await status('sequencerRollup')
      const numbers = Array.from({ length: Math.min(head.number, 30) }, (_, i) => head.number - i)
      const hashes = await blockHashes(chain.rpc('sequencerEth'), numbers)
      numbers.forEach((number, i) => {
        const hash = hashes[i]
        if (hash === undefined) return
        const before = shown.get(number)
        if (before !== undefined && before !== hash) throw new Changed(`block ${number} was ${before} and is ${hash}`)
        shown.set(number, hash)
      })
    } catch (error) {
      // A killed process does not answer.
      if (error instanceof Changed) throw error
    }
  }

  async function agreed(): Promise<void> {
    await chain.until(
      'all heads agree',
      async () => {
        const [sequencer, verifier] = await Promise.all([status('sequencerRollup'), status('verifierRollup')])
        const { number, hash } = verifier.safe_l2
        const [ours] = await blockHashes(chain.rpc('sequencerEth'), [number])
        const lag = sequencer.unsafe_l2.number - number
        const data = (await chain.graphql('{ _meta { block { number hash } } }')) as {
          _meta: { block: { number: number; hash: string } }
        }
        const indexed = data._meta.block
        const [indexedHash] = await blockHashes(chain.rpc('sequencerEth'), [indexed.number])
        const isClose = lag <= 15 && sequencer.unsafe_l2.number - indexed.number <= 3
        return ours === hash && indexedHash === indexed.hash && isClose ? true : undefined
      },
      waitMsMax,
    )
  }

  /** Reorganises L1 and waits until all heads agree on what came of it. */
  async function reorgL1(depth: number): Promise<void> {
    const { unsafe_l2: before } = await status('sequencerRollup')
    await chain.rpc('l1').request('anvil_reorg', [depth, []])
    // The nodes notice it seconds later, and agree on the old chain until then. What is safe above the old head came
    // from the new L1 alone.
    await chain.until(
      `block ${before.number + 1} is safe after depth ${depth}`,
      async () => ((await status('verifierRollup')).safe_l2.number > before.number ? true : undefined),
      waitMsMax,
    )
    await agreed()
  }

  test(`after ${kills} kill -9 at random moments no shown block is gone and all heads agree`, async () => {
    const names = ['sequencer', 'worker', 'verifier', 'proxy', 'indexer'] as const
    for (let i = 0; i < kills; i++) {
      const name = names[i % names.length]
      // The first kill may come while the market is opened, before there is a worker.
      const find = async () => chain.processes().find((one) => one.name === name)
      const victim = await chain.until(`${name} runs`, find, waitMsMax)
      await look()
      await new Promise((done) => setTimeout(done, Math.random() * 4000))
      await look()
      if (victim !== undefined) kill(victim.pid)
      await chain.until(`${name} runs again`, async () =>
        chain.processes().some((one) => one.name === name && one.pid !== victim?.pid) ? true : undefined,
      )
      for (let wait = 0; wait < 4; wait++) {
        await new Promise((done) => setTimeout(done, 700))
        await look()
      }
    }
    await agreed()
    await look()
    const numbers = [...shown.keys()]
    const now = await blockHashes(chain.rpc('sequencerEth'), numbers)
    expect(numbers.filter((number, i) => shown.get(number) !== now[i])).toEqual([])
    expect(numbers.length).toBeGreaterThan(20)
  })

  test('no frame stands on L1 twice', async () => {
    const seen = new Map<string, string>()
    const doubled: string[] = []
    const { batchInbox } = JSON.parse(readFileSync(join(chain.dir, 'dev.json'), 'utf8')) as { batchInbox: string }
    for (const { hash, data } of await batcherData(chain, batchInbox)) {
      for (const frame of parseFrames(data)) {
        const key = `${frame.channelId}:${frame.frameNumber}`
        if (seen.has(key)) doubled.push(`${key} in ${seen.get(key)} and ${hash}`)
        seen.set(key, hash)
      }
    }
    expect(seen.size).toBeGreaterThan(5)
    expect(doubled).toEqual([])
  })

  // Before anvil is started again: then it has no state of earlier blocks to go back to.
  test(`reorgs of L1 (depths ${reorgDepths.join(', ')}) are followed by both nodes and the indexer`, async () => {
    for (const depth of reorgDepths) await reorgL1(depth)
    // A reorg of L1 may replace unsafe and safe blocks; what is shown from now on must stay again.
    shown.clear()
    await look()
  })

  test('a kill -9 of dev itself leaves nothing that hinders the next start, which resumes the chain', async () => {
    await chain.signal('SIGKILL')
    const left = chain.processes()
    const seeded = seededAt()
    chain.start()
    await chain.until(
      'the leftovers are gone',
      async () => (left.some(({ pid }) => isRunning(pid)) ? undefined : true),
      waitMsMax,
    )
    await agreed()
    expect(seededAt()).toBe(seeded)
    await look()
  })

  test('a second dev on the same directory is refused with a clear message', async () => {
    const second = new DevChain(chain.dir, chain.portBase + 10)
    second.start()
    await chain.until(
      'the second ends',
      async () => (/another|in use/.test(second.output) ? true : undefined),
      waitMsMax,
    )
    await second.signal('SIGINT')
    expect(second.output).toMatch(/another openledger dev/)
    await agreed()
  })

  test('Ctrl-C ends everything with exit code 0, and a second start goes on', async () => {
    const names = 'indexer l1 proxy sequencer verifier worker'
    const processes = await chain.until(
      'all processes run',
      async () => {
        const running = chain.processes()
        return running
          .map(({ name }) => name)
          .sort()
          .join(' ') === names
          ? running
          : undefined
      },
      waitMsMax,
    )
    expect(await chain.signal('SIGINT')).toBe(0)
    expect(processes.filter(({ pid }) => isRunning(pid))).toEqual([])
    const before = Math.max(...shown.keys())
    chain.start()
    await agreed()
    const { unsafe_l2: head } = await status('sequencerRollup')
    expect(head.number).toBeGreaterThan(before)
    await look()
  })
})

class Changed extends Error {}

/** Every batcher datum on L1, calldata and blobs. */
async function batcherData(
  chain: DevChain,
  inbox: string,
): Promise<{ readonly hash: string; readonly data: Uint8Array }[]> {
  const l1 = chain.rpc('l1')
  const head = Number((await l1.request('eth_blockNumber')) as string)
  const found: { hash: string; data: Uint8Array }[] = []
  for (let number = 1; number <= head; number++) {
    const block = (await l1.request('eth_getBlockByNumber', [`0x${number.toString(16)}`, true])) as {
      readonly transactions: readonly {
        readonly hash: string
        readonly to: string | null
        readonly type: string
        readonly input: string
      }[]
    }
    const mine = block.transactions.filter((tx) => tx.to?.toLowerCase() === inbox)
    const calldata = mine.filter((tx) => tx.type !== '0x3')
    found.push(...calldata.map((tx) => ({ hash: tx.hash, data: hexToBytes(tx.input) })))
    if (calldata.length === mine.length) continue
    const answer = await fetch(`${l1.url}/eth/v1/beacon/blobs/${number}`)
    const { data } = (await answer.json()) as { readonly data: readonly string[] }
    found.push(...data.map((blob) => ({ hash: `blob in block ${number}`, data: decodeBlob(hexToBytes(blob)) })))
  }
  return found
}
