import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { HttpRpcClient } from '../../common/json-rpc.ts'
import type { NodeOptions } from '../../node/node-options.ts'
import { rollupConfigJson } from '../../protocol/rollup-config-json.ts'

/** A node in a process of its own, which a test may kill at any moment. */
export type NodeProcess = {
  readonly rollup: HttpRpcClient
  readonly eth: HttpRpcClient
  /** SIGKILL; resolves when the process is gone. */
  readonly kill: () => Promise<void>
}

/** Starts the node; its log is appended to `folder`/NAME.log. Rejects where it ends before it serves. */
export async function startNodeProcess(options: NodeOptions, folder: string, name: string): Promise<NodeProcess> {
  const file = join(folder, `${name}.json`)
  await writeFile(file, JSON.stringify({ ...options, rollupConfig: rollupConfigJson(options.rollupConfig) }))
  const logFile = openSync(join(folder, `${name}.log`), 'a')
  const main = join(import.meta.dirname, 'node-main.ts')
  const child = spawn(process.execPath, ['--import', 'tsx', main, file], { stdio: ['ignore', 'pipe', logFile] })
  closeSync(logFile)
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const line = await new Promise<string>((resolve, reject) => {
    let text = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8')
      if (text.includes('\n')) resolve(text)
    })
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code} before it served; see ${name}.log`)))
  })
  const ports = JSON.parse(line) as { readonly rpc: number; readonly eth: number }
  const client = (port: number) => new HttpRpcClient({ url: `http://127.0.0.1:${port}`, timeoutMs: 5_000 })
  return {
    rollup: client(ports.rpc),
    eth: client(ports.eth),
    kill: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}
