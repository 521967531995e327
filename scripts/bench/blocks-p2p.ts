import { fork } from 'node:child_process'
import { join } from 'node:path'
import { addressOf, presentChain, startNode, type TestNode } from '../../test/fakes/block-net.ts'
import { DevNet, type DevNode } from '../../test/fakes/dev-net.ts'

/** Blocks whose way to a peer's head is timed; with --quick the second number. */
const blocks = [60, 10] as const
/** Time over which a peer's cost is measured. */
const costMs = 5_000

/**
 * Block p2p over loopback. p50Ms: from a sequencer's unsafe head to a peer's, two whole nodes with empty blocks. cutMs:
 * from the first byte of a flood until its sender is banned and disconnected, the slowest of three kinds. floodCpuPct: what
 * such a sender costs afterwards, dialling again without a pause, in percent of a core beyond what the node takes anyway.
 */
export async function benchBlocksP2p({ quick }: { readonly quick: boolean }): Promise<object> {
  const delays = await headDelays(quick ? blocks[1] : blocks[0])
  const floods: Flood[] = []
  for (const kind of ['forged', 'repeated', 'garbage']) floods.push(await measureFlood(kind))
  return {
    p50Ms: round(at(delays, 0.5)),
    p95Ms: round(at(delays, 0.95)),
    floodCpuPct: round(Math.max(...floods.map(({ cpuPct }) => cpuPct))),
    cutMs: Math.max(...floods.map(({ cutMs }) => cutMs)),
  }
}

async function headDelays(count: number): Promise<number[]> {
  const net = await DevNet.start()
  const running: DevNode[] = []
  try {
    const p2p = net.p2p('bench-sequencer', { signs: true })
    const sequencer = await net.node(net.sequencerOptions('bench-sequencer', { batcher: undefined, p2p }))
    running.push(sequencer)
    const staticPeers = [await sequencer.p2pAddress()]
    const peer = await net.node(net.options('bench-peer', { p2p: net.p2p('bench-peer', { staticPeers }) }))
    running.push(peer)
    const head = (node: DevNode) => node.running.syncStatus().unsafeL2.number
    await peer.until(({ unsafe }) => unsafe > 2n && unsafe === head(sequencer))
    const delays: number[] = []
    for (let last = head(sequencer); delays.length < count; await pause(1)) {
      if (head(sequencer) === last) continue
      last = head(sequencer)
      const fromMs = performance.now()
      while (head(peer) < last) await pause(1)
      delays.push(performance.now() - fromMs)
    }
    return delays
  } finally {
    for (const node of running.reverse()) await node.stop()
    await net.stop()
  }
}

type Flood = { readonly cutMs: number; readonly cpuPct: number }

async function measureFlood(kind: string): Promise<Flood> {
  const node = await startNode(presentChain())
  const ip = '127.0.0.66'
  let cutAtMs = 0
  const { ban } = node.gater
  Object.assign(node.gater, {
    ban: (...banned: Parameters<typeof ban>) => {
      cutAtMs = Date.now()
      ban(...banned)
    },
  })
  const idle = await cpuPct()
  const program = join(import.meta.dirname, 'flooder.ts')
  const flooder = fork(program, [addressOf(node), ip, kind], { execArgv: ['--import', 'tsx'] })
  try {
    const floodAtMs = await new Promise<number>((resolve, reject) => {
      flooder.on('message', (said: { kind: string; atMs: number }) => said.kind === 'flooding' && resolve(said.atMs))
      flooder.once('exit', (code) => reject(new Error(`the flooder ended with ${code}`)))
    })
    await isCut(node)
    const cutMs = cutAtMs - floodAtMs
    const busy = await cpuPct()
    process.stdout.write(`flood of ${kind}: cut after ${cutMs} ms, then ${round(busy)} % CPU, idle ${round(idle)} %\n`)
    return { cutMs, cpuPct: Math.max(0, busy - idle) }
  } finally {
    flooder.kill('SIGKILL')
    await node.network.stop()
  }
}

async function isCut({ gater, network }: TestNode): Promise<void> {
  const endMs = Date.now() + 20_000
  while (gater.bans.size === 0 || network.peers().length > 0) {
    if (Date.now() > endMs) throw new Error('the flooder was not cut')
    await pause(5)
  }
}

/** CPU time of this process, in percent of one core. */
async function cpuPct(): Promise<number> {
  const before = process.cpuUsage()
  const fromMs = performance.now()
  await pause(costMs)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 10 / (performance.now() - fromMs)
}

function at(values: readonly number[], part: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * part)] ?? Number.NaN
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
