import { errorMessage } from './errors.ts'

const putMsMax = 30_000

/**
 * Gives a file to a node that serves `/content`. Undefined where it took it or has it; else what it answered: until it has seen
 * the block that names the file it takes none.
 */
export async function putContent(url: string, hash: string, file: Uint8Array): Promise<string | undefined> {
  try {
    const place = `${url.replace(/\/$/, '')}/content/${hash}`
    const signal = AbortSignal.timeout(putMsMax)
    const response = await fetch(place, { method: 'PUT', body: new Uint8Array(file), signal, redirect: 'error' })
    await response.body?.cancel()
    return response.ok ? undefined : `HTTP ${response.status}`
  } catch (error) {
    return errorMessage(error)
  }
}
