/**
 * One process of the bench `workers`. Usage: tsx scripts/bench/worker-program.ts, then messages of its parent:
 * a `node` listens and times what it hears, `authors` are hosts of workers that announce at a rate.
 */
import { systemClock } from '../../common/clock.ts'
import { MessageAuthor } from '../../p2p/workers/message-author.ts'
import { proofAnnounce } from '../../p2p/workers/wire/messages.ts'
import { metric } from '../../test/fakes/block-net.ts'
import {
  account,
  addressOfWorker,
  announced,
  bookOf,
  netChain,
  startWorkerNode,
  type TestWorkerNode,
} from '../../test/fakes/worker-net.ts'

export type Order =
  | { readonly kind: 'node'; readonly n: number; readonly workers: number; readonly dial: readonly string[] }
  | { readonly kind: 'authors'; readonly hosts: number; readonly workers: number; readonly dial: string }
  | { readonly kind: 'announce'; readonly perSecond: number; readonly seconds: number }
  | { readonly kind: 'report' }
  | { readonly kind: 'stop' }
export type Report = {
  readonly address: string
  /** Of each announcement heard, from its signature to its handler. */
  readonly delaysMs: readonly number[]
  readonly meshed: number
  readonly sent: number
  readonly refused: number
  readonly cpuMs: number
}

/** Checkers are the accounts from here on. */
const firstChecker = 10_000
const nodesMax = 3

const hosts: TestWorkerNode[] = []
const delaysMs: number[] = []
let authors: MessageAuthor[] = []
let sent = 0
let isBusy = false

process.on('message', (order: Order) => {
  void carryOut(order).then((report) => report !== undefined && process.send?.(report))
})

async function carryOut(order: Order): Promise<Report | undefined> {
  switch (order.kind) {
    case 'node': {
      const node = await startWorkerNode('checker', firstChecker + order.n, bookFor(order.workers), {
        handlers: {
          // The time of the signature travels in the field `block`, microseconds since 1970.
          proof: ({ block }) => void delaysMs.push(nowMs() - Number(block) / 1_000),
        },
      })
      hosts.push(node)
      for (const address of order.dial) await node.network.connect(address)
      break
    }
    case 'authors': {
      const book = bookFor(order.workers)
      for (let i = 0; i < order.hosts; i++) {
        const host = await startWorkerNode('worker', i, book)
        hosts.push(host)
        await host.network.connect(order.dial)
      }
      authors = Array.from({ length: order.workers }, (_, i) => new MessageAuthor(netChain, account(i), systemClock))
      break
    }
    case 'announce':
      isBusy = true
      void announceAll(order.perSecond, order.seconds).finally(() => (isBusy = false))
      break
    case 'stop':
      await Promise.all(hosts.map(({ network }) => network.stop()))
      process.disconnect()
      return undefined
    case 'report':
  }
  return await report()
}

/** Evenly, each worker in its turn by its own host; late ones are made up for. */
async function announceAll(perSecond: number, seconds: number): Promise<void> {
  const startMs = nowMs()
  const total = perSecond * seconds
  for (let i = 0; i < total; ) {
    const due = Math.min(total, Math.floor(((nowMs() - startMs) / 1_000) * perSecond))
    for (; i < due; i++) {
      const author = authors[i % authors.length]
      const host = hosts[i % hosts.length]
      if (author === undefined || host === undefined) throw new Error('no authors')
      const block = BigInt(Math.floor(nowMs() * 1_000))
      const bytes = author.message(proofAnnounce, { ...announced(author.address, i), block }, 60)
      if ((await host.network.publish('proofs', bytes)) > 0) sent++
    }
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

async function report(): Promise<Report> {
  const [first] = hosts
  if (first === undefined) throw new Error('no host')
  let refused = 0
  for (const { metrics } of hosts) {
    for (const result of ['ignore', 'reject']) refused += await metric(metrics, 'p2p_worker_messages_total', { result })
    for (const reason of ['frame', 'rpc']) refused += await metric(metrics, 'p2p_gossip_dropped_total', { reason })
  }
  const { user, system } = process.cpuUsage()
  const bound = hosts.flatMap(({ network }) => network.peers()).filter(({ role }) => role !== undefined).length
  return {
    address: addressOfWorker(first),
    delaysMs: delaysMs.splice(0),
    meshed: isBusy ? -1 : bound + first.network.meshPeers('proofs').length,
    sent,
    refused,
    cpuMs: (user + system) / 1_000,
  }
}

function bookFor(workers: number) {
  return bookOf(
    Array.from({ length: workers }, (_, i) => account(i).address),
    Array.from({ length: nodesMax }, (_, i) => account(firstChecker + i).address),
  )
}

/** Wall time finer than Date.now, the same in all processes of a machine. */
function nowMs(): number {
  return performance.timeOrigin + performance.now()
}
