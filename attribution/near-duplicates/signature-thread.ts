import { runInThread } from '../../common/thread-job.ts'
import { signatureOf } from './signature.ts'

/** Bytes of a content whose signature takes some milliseconds: less than a thread takes to start. */
const inlineBytesMax = 256 * 1024

/** {@link signatureOf}, of a long content on a thread of its own. */
export async function signatureAside(content: Uint8Array, signal: AbortSignal): Promise<Uint32Array> {
  if (content.length <= inlineBytesMax) return signatureOf(content)
  return await runInThread<Uint32Array>({
    file: new URL('./signature-worker.mjs', import.meta.url),
    ...{ data: { content }, signal, errorOf: ({ message }) => new Error(message) },
  })
}
