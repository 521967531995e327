import { FormatError, type Hex } from '../../protocol/bytes.ts'
import { isSealed, privateClass, TokenSeal } from '../../protocol/private-tokens.ts'
import type { Backend } from '../backends/backend.ts'
import { JobError } from './job-error.ts'

type SealedWork = {
  readonly request: { readonly class: number; readonly templateHash: Hex }
  readonly tokens: Uint32Array
  readonly stops: readonly Uint8Array[]
}

/** What a model reads of a request, and the seal of one that is private. */
export type OpenedWork = { readonly prompt: Uint32Array; readonly seal: TokenSeal | undefined }

/**
 * Unseals a private request by the host's key; a public one is what it is. Throws {@link JobError} `private-class` for one of a class
 * that needs public data, `private-stops` for one whose stop strings would tell what it is about, `private-key` for another's.
 */
export function openWork({ request, tokens, stops }: SealedWork, hostPrivateKey: Uint8Array | undefined): OpenedWork {
  if (!isSealed(tokens)) return { prompt: tokens, seal: undefined }
  if (request.class !== privateClass) {
    throw new JobError('private-class', `a private request is of class ${privateClass}, not ${request.class}`)
  }
  if (stops.length > 0) throw new JobError('private-stops', 'a private request has no stop strings')
  if (hostPrivateKey === undefined) throw new JobError('private-key', 'private requests are not answered here')
  try {
    const seal = TokenSeal.open(request.templateHash, hostPrivateKey)
    return { prompt: seal.unseal('prompt', 0, tokens), seal }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    throw new JobError('private-key', `templateHash is no key: ${error.message}`)
  }
}

/** The backend of a private request: what comes out of it is sealed. */
export function sealedBackend(
  backend: Pick<Backend, 'answer' | 'trace'>,
  seal: TokenSeal,
): Pick<Backend, 'answer' | 'trace'> {
  return {
    answer: async function* (task, signal) {
      let first = 0
      for await (const event of backend.answer(task, signal)) {
        if (event.kind !== 'tokens') {
          yield event
          continue
        }
        const tokens = seal.seal('output', first, Uint32Array.from(event.tokens))
        first += tokens.length
        yield { kind: 'tokens', tokens: [...tokens] }
      }
    },
    trace: (task, output, signal) => backend.trace(task, seal.unseal('output', 0, output), signal),
  }
}
