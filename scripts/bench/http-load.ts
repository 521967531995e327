import { Agent, request } from 'node:http'

export type Load = { readonly qps: number; readonly p99Ms: number }

/** Posts `bodies` in turn from `connections` connections for `ms`; each waits for its answer. Throws for an error in one. */
export async function httpLoad(url: string, bodies: readonly string[], ms: number, connections = 16): Promise<Load> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const latencies: number[] = []
  const end = performance.now() + ms
  let next = 0
  const worker = async () => {
    while (performance.now() < end) {
      const started = performance.now()
      const text = await post(url, bodies[next++ % bodies.length] ?? '', agent)
      if (text.includes('"errors"')) throw new Error(`the query failed: ${text.slice(0, 300)}`)
      latencies.push(performance.now() - started)
    }
  }
  await Promise.all(Array.from({ length: connections }, worker))
  agent.destroy()
  latencies.sort((a, b) => a - b)
  return {
    qps: Math.round((latencies.length * 1000) / ms),
    p99Ms: Math.round((latencies[Math.floor(latencies.length * 0.99)] ?? 0) * 10) / 10,
  }
}

/** One POST of JSON; resolves to the answer's text. */
export function post(url: string, body: string, agent?: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const sent = request(url, { method: 'POST', headers, ...(agent === undefined ? {} : { agent }) }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')))
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
