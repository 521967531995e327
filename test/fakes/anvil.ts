import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { HttpRpcClient } from '../../common/json-rpc.ts'

const binary = join(resolve(import.meta.dirname, '..', '..'), 'node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil')

/** False where npm has no anvil for this platform; tests that need it say so in their names. */
export const hasAnvil = existsSync(binary)

/** A real L1 in a process: execution JSON-RPC and beacon API on one port. */
export type Anvil = {
  readonly url: string
  readonly rpc: HttpRpcClient
  readonly mine: (blocks?: number) => Promise<void>
  readonly stop: () => Promise<void>
}

export async function startAnvil(args: readonly string[] = []): Promise<Anvil> {
  const port = await freePort()
  const child = spawn(binary, ['--port', String(port), '--silent', ...args], { stdio: 'ignore' })
  const url = `http://127.0.0.1:${port}`
  const rpc = new HttpRpcClient({ url, timeoutMs: 10_000 })
  const stop = () => terminate(child)
  for (let attempt = 0; ; attempt++) {
    try {
      await rpc.request('eth_chainId')
      break
    } catch (error) {
      if (attempt > 600 || child.exitCode !== null) {
        await stop()
        throw error
      }
      await new Promise((done) => setTimeout(done, 50))
    }
  }
  return {
    url,
    rpc,
    stop,
    mine: async (blocks = 1) => void (await rpc.request('anvil_mine', [`0x${blocks.toString(16)}`])),
  }
}

/** Below those that the system gives to connections and to whoever listens on any: none of these takes it meanwhile. */
const ports = { first: 10_000, count: 20_000 }

/** A port that nothing listens on. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = ports.first + randomInt(ports.count)
    const server = createServer()
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
    })
    if (isFree) return port
  }
}

function terminate(child: ChildProcess): Promise<void> {
  return new Promise((done) => {
    if (child.exitCode !== null || child.signalCode !== null) return done()
    child.once('exit', () => done())
    child.kill('SIGKILL')
  })
}
