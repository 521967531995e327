import { type ChildProcess, spawn } from 'node:child_process'
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
      if (attempt > 100 || child.exitCode !== null) {
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

/** A port that nothing listens on at the moment. */
export function freePort(): Promise<number> {
  return new Promise((done, failed) => {
    const server = createServer()
    server.on('error', failed)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() =>
        typeof address === 'object' && address !== null ? done(address.port) : failed(new Error('no port')),
      )
    })
  })
}

function terminate(child: ChildProcess): Promise<void> {
  return new Promise((done) => {
    if (child.exitCode !== null || child.signalCode !== null) return done()
    child.once('exit', () => done())
    child.kill('SIGKILL')
  })
}
