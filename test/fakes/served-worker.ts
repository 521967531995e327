import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openProxy, type ProxyOptions, type RunningProxy } from '../../cli/proxy/proxy.ts'
import { type Clock, systemClock } from '../../common/clock.ts'
import { createLog, type Log } from '../../common/log.ts'
import type { DeployConfig } from '../../genesis/deploy-config.ts'
import { baseModelFile, readBaseModelRecord } from '../../inference/models/base-model.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { openWorker, type RunningWorker } from '../../worker/worker.ts'
import type { AccountName } from './ledger-chain.ts'
import { permissive } from './licences.ts'
import { ServedChain } from './served-chain.ts'

const open = 10n ** 18n
const word = (n: number): Hex => `0x${n.toString(16).padStart(64, '0')}`

export type ServedWorkerOptions = {
  readonly name?: AccountName
  /** Folder with its models. */
  readonly models?: string
  /** Multiaddrs of checkers. */
  readonly checkers?: readonly string[]
  /** URLs of nodes that the data of batches are given to. */
  readonly nodes?: readonly string[]
}

/** A served chain on which the shipped model is registered. */
export class ModelChain {
  readonly served: ServedChain
  readonly dir = mkdtempSync(join(tmpdir(), 'openledger-worker-'))
  /** Folder with the model file. */
  readonly models = join(this.dir, 'models')
  readonly lines: string[] = []
  readonly log: Log = createLog({ level: 'debug', format: 'text', write: (line) => this.lines.push(line) })
  /** The chain's time, which is not that of the day; between blocks it goes on as that of the day does. */
  readonly clock: Clock

  readonly #classMask: number

  private constructor(served: ServedChain, classMask: number) {
    this.served = served
    this.#classMask = classMask
    const { chain } = served
    let [blockMs, seenMs] = [Number(chain.now) * 1_000, Date.now()]
    this.clock = {
      nowMs: () => {
        const now = Number(chain.now) * 1_000
        const here = blockMs + Date.now() - seenMs
        if (now <= here) return here
        ;[blockMs, seenMs] = [now, Date.now()]
        return now
      },
      sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 200), signal),
    }
    mkdirSync(this.models)
    copyFileSync(baseModelFile, join(this.models, 'openledger-base.olm'))
  }

  /** `classes`: proof classes that workers answer in, beside 0. */
  static async open(change?: Partial<DeployConfig>, classes: readonly number[] = [1, 2]): Promise<ModelChain> {
    const served = await ServedChain.open(change)
    const { chain } = served
    const owner = chain.actor('datanet owner')
    await chain.send(owner, 'DatanetRegistry', 'create', [0, 0, permissive, word(2), 0n, word(3)])
    await chain.send(owner, 'DatanetRegistry', 'setStatus', [1n, 2])
    const modelOwner = chain.actor('model owner')
    const version = {
      ...{ weightsManifest: readBaseModelRecord().root, configHash: word(5), trainingRoot: word(6), indexIds: [] },
    }
    const params = { kind: 0, verifyClasses: maskOf(classes), licenceId: permissive, version }
    await chain.send(modelOwner, 'ModelRegistry', 'register', [params, [], [{ id: 1n, version: 1, weightBps: 10_000 }]])
    const validUntil = chain.now + 30n * 86_400n
    for (const proofClass of classes) {
      const price = [1n, 1, proofClass, open, 2n * open, validUntil]
      await chain.send(modelOwner, 'ModelRegistry', 'setPrice', price)
    }
    const world = new ModelChain(served, maskOf(classes))
    await world.register('worker')
    return world
  }

  /** Makes an account a worker with a stake of 1,000 OPEN. */
  async register(name: AccountName): Promise<void> {
    const { chain } = this.served
    const stake = { value: 1_000n * open }
    await chain.send(chain.actor(name), 'WorkerRegistry', 'register', ['0x1220', 1, this.#classMask], stake)
  }

  async worker({
    name = 'worker',
    models = this.models,
    checkers = [],
    nodes = [],
  }: ServedWorkerOptions = {}): Promise<RunningWorker> {
    const { served, dir, clock, log } = this
    return await openWorker(
      {
        ...{ dataDir: join(dir, name), l2Url: served.url, privateKey: served.chain.actor(name).key },
        ...{
          modelDirs: [models],
          indexDir: join(dir, 'indexes'),
          nodes,
          jobsMax: 4,
          jobsWaitingMax: 8,
          batchIntervalSeconds: 1,
        },
        proofBytesMax: 2 ** 28,
        p2p: { listenIp: '127.0.0.1', listenPort: 0, advertiseIp: undefined, staticPeers: checkers },
      },
      { clock, log },
    )
  }

  async proxy(
    worker: RunningWorker,
    payer: AccountName = 'alice',
    proofClass = 1,
    more: Partial<ProxyOptions> = {},
  ): Promise<RunningProxy> {
    const { served, dir, models, clock, log } = this
    return await openProxy(
      {
        ...{ dataDir: join(dir, payer), l2Url: served.url, privateKey: served.chain.actor(payer).key },
        ...{ modelDirs: [models], staticPeers: worker.addresses(), listen: { host: '127.0.0.1', port: 0 } },
        ...{ checkers: [], proofClass, p2p: { listenIp: '127.0.0.1', listenPort: 0 } },
        ...{ answerSeconds: 600, dailyCap: 20n * open, deposit: 5n * open, canaryMs: 0 },
        ...more,
      },
      { clock, log },
    )
  }

  async close(): Promise<void> {
    await this.served.close()
    rmSync(this.dir, { recursive: true, force: true })
  }
}

/** Bits of the classes, and of class 0. */
const maskOf = (classes: readonly number[]) => classes.reduce((mask, each) => mask | (1 << each), 1)

/** What an endpoint answers to a question; until its worker is connected and known there is none to ask. */
export async function askProxy(proxy: RunningProxy, question: object, lines: readonly string[]): Promise<unknown> {
  for (let i = 0; i < 120; i++) {
    const url = `http://127.0.0.1:${proxy.port}/v1/chat/completions`
    const response = await fetch(url, { method: 'POST', body: JSON.stringify(question) })
    const text = await response.text()
    if (response.status === 200) return JSON.parse(text)
    if (response.status !== 503) throw new Error(`HTTP ${response.status}: ${text}\n${lines.slice(-20).join('')}`)
    await new Promise((next) => setTimeout(next, 500))
  }
  throw new Error(`no worker answered\n${lines.slice(-30).join('')}`)
}
