import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import type { Order, Report } from './worker-program.ts'

const perSecond = 1_000
const workers = 64
/** Hosts that the workers share: each stays within what one peer may send. */
const hosts = 8
/** Announced before the measurement begins, then measured; with --quick the second numbers. */
const seconds = { warmUp: [5, 2], measured: [30, 5] } as const

/**
 * 1,000 announcements a second of 64 workers on 8 hosts, through three nodes in a row, each in a process of its own: p99Ms from
 * signature to the third node's handler, where each node has judged each message; limits and signatures as by default.
 * msgsPerS: announcements a second that reached the third node. Also the CPU time of a node, in percent of a core.
 */
export async function benchWorkers({ quick }: { readonly quick: boolean }): Promise<object> {
  const pick = ([whole, short]: readonly [number, number]) => (quick ? short : whole)
  const children: Child[] = []
  const start = async (order: Order): Promise<{ child: Child; address: string }> => {
    const child = new Child()
    children.push(child)
    return { child, address: (await child.order(order)).address }
  }
  try {
    const first = await start({ kind: 'node', n: 0, workers, dial: [] })
    const second = await start({ kind: 'node', n: 1, workers, dial: [first.address] })
    const third = await start({ kind: 'node', n: 2, workers, dial: [second.address] })
    const { child: authors } = await start({ kind: 'authors', hosts, workers, dial: first.address })
    const nodes = [first, second, third].map(({ child }) => child)
    await settled([...nodes, authors])
    await run(authors, pick(seconds.warmUp))
    const before = await Promise.all(nodes.map((node) => node.order({ kind: 'report' })))
    const measured = pick(seconds.measured)
    await run(authors, measured)
    const after = await Promise.all(nodes.map((node) => node.order({ kind: 'report' })))
    const [, , last] = after
    const delays = (last?.delaysMs ?? []).toSorted((a, b) => a - b)
    const at = (part: number) => Math.round((delays[Math.floor(delays.length * part)] ?? Number.NaN) * 10) / 10
    const cpu = after.map(({ cpuMs }, i) => (cpuMs - (before[i]?.cpuMs ?? 0)) / (10 * measured))
    const refused = after.reduce((sum, { refused }, i) => sum + refused - (before[i]?.refused ?? 0), 0)
    process.stdout.write(`heard by each node: ${after.map(({ delaysMs }) => delaysMs.length).join(', ')}\n`)
    return {
      msgsPerS: Math.round(delays.length / measured),
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      maxMs: at(1 - Number.EPSILON),
      lost: perSecond * measured - delays.length,
      refused,
      nodeCpuPct: Math.round(Math.max(...cpu)),
    }
  } finally {
    await Promise.all(children.map((child) => child.stop()))
  }
}

/** Until every host is bound and the mesh stands. */
async function settled(children: readonly Child[]): Promise<void> {
  const endMs = Date.now() + 30_000
  // Bound peers and peers of the mesh: of the nodes in a row, and of the authors' hosts one each.
  const wanted = [hosts + 1 + 1, 2 + 2, 1 + 1, hosts]
  for (;;) {
    const reports = await Promise.all(children.map((child) => child.order({ kind: 'report' })))
    if (reports.every(({ meshed }, i) => meshed >= (wanted[i] ?? 0))) return
    if (Date.now() > endMs) throw new Error(`the mesh does not form: ${reports.map(({ meshed }) => meshed).join(', ')}`)
    await pause(200)
  }
}

/** Announces for so long, and waits until what was sent can have arrived. */
async function run(authors: Child, forSeconds: number): Promise<void> {
  await authors.order({ kind: 'announce', perSecond, seconds: forSeconds })
  await pause(1_000 * forSeconds)
  while ((await authors.order({ kind: 'report' })).meshed < 0) await pause(50)
  await pause(1_000)
}

class Child {
  readonly #process: ChildProcess

  constructor() {
    this.#process = fork(join(import.meta.dirname, 'worker-program.ts'), { execArgv: ['--import', 'tsx'] })
  }

  async order(order: Order): Promise<Report> {
    return await new Promise((resolve, reject) => {
      const fail = (code: number | null) => reject(new Error(`a process of the bench ended with ${code}`))
      this.#process.once('exit', fail)
      this.#process.once('message', (report) => {
        this.#process.off('exit', fail)
        resolve(report as Report)
      })
      this.#process.send(order)
    })
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null) return
    const exited = new Promise((resolve) => this.#process.once('exit', resolve))
    if (this.#process.connected) this.#process.send({ kind: 'stop' } satisfies Order)
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), 10_000)
    await exited
    clearTimeout(timer)
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
