import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import type { Arena } from './arena.ts'
import { alone, crewBytes, Leader } from './crew.ts'
import type { ForwardPass, PassListener, PlacedEngine } from './forward-pass.ts'
import type { Pass } from './pass.ts'

/** What a helper thread starts with. */
export type HelperData = {
  readonly placed: PlacedEngine
  readonly memory: WebAssembly.Memory
  /** Address of the words that threads share. */
  readonly crew: number
  readonly thread: number
  readonly pieceCost: number
  readonly port: MessagePort
}

/** A pass for a helper, and the phase before its first. */
export type HelperJob = { readonly pass: Pass; readonly phase: number }

/** Threads beside the caller's that take part in passes, once they run. An idle one sleeps, and keeps no process alive. */
export class EngineThreads {
  readonly #leader: Leader
  readonly #ports: MessagePort[] = []
  readonly #workers: Worker[] = []
  #running = true

  constructor(placed: PlacedEngine, arena: Arena, count: number, pieceCost: number) {
    const crew = arena.take(crewBytes)
    this.#leader = new Leader(arena.int32(crew, crewBytes / 4), pieceCost)
    for (let thread = 1; thread <= count; thread++) {
      const { port1, port2 } = new MessageChannel()
      const workerData: HelperData = { placed, memory: arena.memory, crew, thread, pieceCost, port: port2 }
      const worker = new Worker(new URL('./helper-thread.mjs', import.meta.url), { workerData, transferList: [port2] })
      // Without it the passes are the caller's alone.
      worker.on('error', () => this.#stop())
      worker.unref()
      port1.unref()
      this.#workers.push(worker)
      this.#ports.push(port1)
    }
  }

  get running(): number {
    return this.#running ? this.#leader.helpers : 0
  }

  run(forward: ForwardPass, pass: Pass, listener: PassListener): void {
    if (this.running === 0) {
      forward.run(pass, alone, listener)
      return
    }
    try {
      this.#leader.run(
        (phase) => {
          for (const port of this.#ports) port.postMessage({ pass, phase } satisfies HelperJob)
        },
        (each) => forward.run(pass, each, listener),
      )
    } catch (error) {
      if (this.#leader.lost) this.#stop()
      throw error
    }
  }

  async close(): Promise<void> {
    this.#stop()
    await Promise.all(this.#workers.map((worker) => worker.terminate()))
  }

  #stop(): void {
    this.#running = false
    for (const port of this.#ports) port.close()
  }
}
