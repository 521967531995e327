import type { Stream } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'

type Changes = { readonly takes?: number; readonly isOpen?: boolean; readonly told?: Uint8Array[] }

/** What frames ask of a stream: parts that come, and a sink that takes as many as `takes` says, into `told`. */
export function streamOf(
  parts: Iterable<Uint8Array>,
  { takes = Number.POSITIVE_INFINITY, isOpen = false, told = [] }: Changes = {},
): Stream {
  let abort: (error: Error) => void = () => {}
  const gone = new Promise<never>((_, reject) => {
    abort = reject
  })
  gone.catch(() => undefined)
  const stream = {
    source: (async function* () {
      for (const part of parts) yield new Uint8ArrayList(part)
      if (isOpen) await gone
    })(),
    sink: async (frames: AsyncIterable<Uint8Array>) => {
      for await (const frame of frames) if (told.push(frame) > takes) await gone
    },
    abort: (error: Error) => abort(error),
    close: async () => {},
  }
  return stream as unknown as Stream
}
