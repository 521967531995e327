import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What the engine does with a call: answers with this result or error, or with plain HTTP, or hangs up. */
export type Scripted =
  | { readonly result: unknown }
  | { readonly error: { readonly code: number; readonly message: string } }
  | { readonly status: number; readonly text: string; readonly date?: string }
  | 'hang up'

export type ScriptedCall = { readonly method: string; readonly params: readonly unknown[]; readonly token: string }

/** An Engine API over HTTP that answers as a test says; for what no real engine does on demand. */
export class ScriptedEngine {
  readonly calls: ScriptedCall[] = []
  readonly url: string
  readonly #stop: () => Promise<void>

  private constructor(port: number, stop: () => Promise<void>) {
    this.url = `http://127.0.0.1:${port}`
    this.#stop = stop
  }

  static async start(script: (call: ScriptedCall) => Scripted): Promise<ScriptedEngine> {
    const server = createServer((request, response) => void serve(request, response))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const engine = new ScriptedEngine((server.address() as AddressInfo).port, async () => {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    })
    return engine

    async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      const { id, method, params } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as ScriptedCall & { id: number }
      const call = { method, params, token: (request.headers.authorization ?? '').replace('Bearer ', '') }
      engine.calls.push(call)
      const answer = script(call)
      if (answer === 'hang up') return void request.socket.destroy()
      if ('status' in answer) {
        const date = answer.date === undefined ? {} : { date: answer.date }
        return void response.writeHead(answer.status, { 'content-type': 'text/plain', ...date }).end(answer.text)
      }
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ jsonrpc: '2.0', id, ...answer }))
    }
  }

  stop(): Promise<void> {
    return this.#stop()
  }
}
