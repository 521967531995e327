import '../../common/polyfill.ts'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { buildProgram, goPrograms } from './go-programs.ts'
import { InteropNet } from './net.ts'
import { OpBatcher } from './op-batcher-process.ts'
import { OpGeth } from './op-geth-process.ts'
import { OpNode } from './op-node-process.ts'
import { p2pFlags, reach } from './p2p-peers.ts'
import { channelVector, type Posted, postedTransactions } from './record/channels.ts'
import { executionVector } from './record/execution.ts'
import { exchange } from './record/req-resp.ts'
import { type Peer, statusOf, until } from './rollup-status.ts'
import { deposit, Traffic } from './traffic.ts'

/**
 * Records `test/vectors` from op-geth, op-node and op-batcher: `npx tsx test/interop/record-vectors.ts [FOLDER]`. Each
 * file names the versions that made it. Nothing of ours takes part but the genesis and the reading of frames.
 */
const folder = resolve(process.argv[2] ?? join(import.meta.dirname, '../vectors'))
const rounds = 6
/** What the first byte of a req/resp answer says; a payload comes in version 1 since Ecotone. */
const resultNames = ['successV1', 'notFound', 'invalidRequest', 'serverError']
const kinds = [
  {
    name: 'span-brotli-blobs',
    args: ['--data-availability-type', 'blobs', '--batch-type', '1', '--compression-algo', 'brotli'],
  },
  {
    name: 'singular-brotli-blobs',
    args: ['--data-availability-type', 'blobs', '--batch-type', '0', '--compression-algo', 'brotli'],
  },
  {
    name: 'span-zlib-calldata',
    args: ['--data-availability-type', 'calldata', '--batch-type', '1', '--compression-algo', 'zlib'],
  },
  {
    name: 'singular-brotli-calldata',
    args: ['--data-availability-type', 'calldata', '--batch-type', '0', '--compression-algo', 'brotli-10'],
  },
]

for (const program of goPrograms) buildProgram(program)
const versions = versionsOf('op-node', 'op-node-latest', 'op-geth')
await record('jovian', kinds)
await record('isthmus', kinds.slice(0, 1))

async function record(fork: 'isthmus' | 'jovian', channels: typeof kinds): Promise<void> {
  const net = await InteropNet.start(30, { withoutJovian: fork === 'isthmus' })
  const geth = await OpGeth.start({ genesis: net.genesis, dir: net.folder('geth') })
  const sequencer = await OpNode.make(net, { name: 'sequencer', program: 'op-node-latest', engine: geth })
  const batcher = await OpBatcher.make(net, sequencer)
  try {
    await sequencer.start('--sequencer.enabled', '--sequencer.l1-confs', '1', ...(await p2pFlags(net.folder('p2p'))))
    await until(sequencer, ({ unsafe_l2 }) => unsafe_l2.number > 30, 'its first blocks')
    for (const { name, args } of channels) {
      const before = (await postedTransactions(net)).length
      await batcher.start(...args)
      await traffic(net, sequencer)
      await batcher.kill()
      const [posted] = whole(await postedTransactions(net))
        .slice(before)
        .sort((a, b) => size(b) - size(a))
      if (posted === undefined) throw new Error(`op-batcher posted no whole channel as ${name}`)
      write(`derivation/op-batcher-${fork}-${name}`, 'op-batcher', await channelVector(net, sequencer, posted))
    }
    const busy = await busiestBlocks(sequencer, 2)
    for (const number of busy) {
      write(`execution/${fork}-block-${number}`, 'op-geth', await executionVector(net, sequencer, number))
    }
    await recordExchange(net, fork, sequencer)
  } finally {
    await Promise.all([batcher.kill(), sequencer.kill(), geth.kill()])
    await net.stop()
  }
}

async function recordExchange(net: InteropNet, fork: string, sequencer: OpNode): Promise<void> {
  const { unsafe_l2 } = await statusOf(sequencer)
  const { multiaddr } = await reach(sequencer)
  const numbers = [BigInt(unsafe_l2.number - 5), BigInt(unsafe_l2.number + 1_000_000)]
  const exchanges = await exchange(multiaddr, net.rollupConfig.l2ChainId, numbers)
  write(`p2p/op-node-${fork}-req-resp`, 'op-node', {
    reqResp: {
      request: exchanges.map(({ blockNumber, request }) => ({ blockNumber: Number(blockNumber), bytes: request })),
      response: Object.fromEntries(
        exchanges.map(({ response }) => [resultNames[Number(response.slice(0, 4))], response]),
      ),
    },
  })
}

/** Transactions and deposits until all of them are safe. */
async function traffic(net: InteropNet, sequencer: Peer): Promise<void> {
  const senders = new Traffic(net, sequencer.eth.url)
  for (let round = 0; round < rounds; round++) {
    await senders.send()
    await deposit(net, `0x${'d'.repeat(39)}${round}`, '0x1234')
    await new Promise((done) => setTimeout(done, 700))
  }
  const { unsafe_l2 } = await statusOf(sequencer)
  await until(sequencer, ({ safe_l2 }) => safe_l2.number > unsafe_l2.number, 'its blocks are safe')
}

/** Transactions that carry a whole channel. */
function whole(posted: readonly Posted[]): Posted[] {
  return posted.filter(({ frames }) => frames[0]?.frameNumber === 0 && frames.at(-1)?.isLast === true)
}

function size({ frames }: Posted): number {
  return frames.reduce((sum, { data }) => sum + data.length, 0)
}

async function busiestBlocks(peer: Peer, count: number): Promise<readonly number[]> {
  const { safe_l2 } = await statusOf(peer)
  const found: { readonly number: number; readonly txs: number }[] = []
  for (let number = 2; number <= safe_l2.number; number++) {
    const txs = await peer.eth.request('eth_getBlockTransactionCountByNumber', [`0x${number.toString(16)}`])
    found.push({ number, txs: Number(txs) })
  }
  return found
    .sort((a, b) => b.txs - a.txs)
    .slice(0, count)
    .map(({ number }) => number)
}

function write(name: string, program: string, vector: Record<string, unknown>): void {
  const file = join(folder, `${name}.json.gz`)
  mkdirSync(dirname(file), { recursive: true })
  const source = { source: `recorded from ${program}; ${versions}` }
  writeFileSync(file, gzipSync(JSON.stringify({ ...source, ...vector }), { level: 9 }))
  process.stdout.write(`${file}\n`)
}

/** The modules that the programs were built from. */
function versionsOf(...modules: readonly string[]): string {
  return modules
    .map((module) => {
      const text = readFileSync(join(import.meta.dirname, module, 'go.mod'), 'utf8')
      const found = [...text.matchAll(/(?:ethereum-optimism\/optimism|ethereum-optimism\/op-geth) v\S+/g)].map(
        ([all]) => all,
      )
      return `${module}: ${[...new Set(found)].join(', ')}`
    })
    .join('; ')
}
