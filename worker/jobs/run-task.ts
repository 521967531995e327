import type { SignedCancel } from '../../p2p/workers/jobs/job.ts'
import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import { tokenListRoot } from '../../protocol/token-list.ts'
import type { AnswerProof, AnswerTask, Backend } from '../backends/backend.ts'

/** An answer that is to be settled; `cancel` where it is the prefix that the payer consented to. */
export type Outcome = AnswerProof & { readonly output: Uint32Array; readonly cancel?: SignedCancel }

type Client = {
  readonly cancelled: Promise<SignedCancel>
  readonly onTokens: (first: number, tokens: Uint32Array) => void
}

/** The output, whole or the prefix that the payer consented to, with its trace. Throws what the backend throws. */
export async function runTask(
  backend: Pick<Backend, 'answer' | 'trace'>,
  task: AnswerTask,
  { cancelled, onTokens }: Client,
  signal: AbortSignal,
): Promise<Outcome> {
  const stop = new AbortController()
  const abort = () => stop.abort()
  signal.addEventListener('abort', abort, { once: true })
  const output: number[] = []
  let cancel: SignedCancel | undefined
  void cancelled.then((signed) => {
    const { tout, outputRoot } = signed.value
    // One that consents to something else than was delivered settles nothing: the answer goes on.
    if (tout < 1 || tout > output.length || rootOf(output.slice(0, tout)) !== outputRoot) return
    cancel = signed
    abort()
  })
  try {
    for await (const event of backend.answer(task, stop.signal)) {
      if (cancel !== undefined) break
      if (event.kind === 'end') return { output: Uint32Array.from(output), ...event }
      onTokens(output.length, Uint32Array.from(event.tokens))
      output.push(...event.tokens)
    }
  } catch (error) {
    if (cancel === undefined) throw error
  } finally {
    signal.removeEventListener('abort', abort)
  }
  if (cancel === undefined) throw new Error('the answer was broken off')
  const prefix = Uint32Array.from(output.slice(0, cancel.value.tout))
  return { output: prefix, cancel, ...(await backend.trace(task, prefix, signal)) }
}

function rootOf(tokens: readonly number[]): Hex {
  return bytesToHex(tokenListRoot(Uint32Array.from(tokens)))
}
