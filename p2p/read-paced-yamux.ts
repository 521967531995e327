import { type YamuxMuxerInit, yamux } from '@chainsafe/libp2p-yamux'
import { YamuxStream } from '@chainsafe/libp2p-yamux/stream'
import type { Stream, StreamMuxerFactory } from '@libp2p/interface'

/** Bytes of a stream that were not read yet with which its sender is granted no more. */
export const unreadMax = 256 * 1024
/** Bytes that a sender is granted at a time, at most. */
export const streamWindowMax = 512 * 1024

type Components = Parameters<ReturnType<typeof yamux>>[0]

/**
 * Yamux whose streams grant their sender more as they are read. The library grants a whole window of up to 16 MiB at each piece that is
 * read, however many others wait: who sends faster than is read would fill the memory.
 * Spec: github.com/hashicorp/yamux, "Flow Control".
 */
export function readPacedYamux(init: YamuxMuxerInit): (components: Components) => StreamMuxerFactory {
  const open = yamux({ ...init, maxStreamWindowSize: streamWindowMax })
  return (components) => {
    const factory = open(components)
    const create = factory.createStreamMuxer.bind(factory)
    factory.createStreamMuxer = ({ onIncomingStream, ...options } = {}) => {
      const onStream = (stream: Stream) => onIncomingStream?.(paced(stream))
      const muxer = create({ ...options, onIncomingStream: onStream })
      const newStream = muxer.newStream.bind(muxer)
      muxer.newStream = async (name) => paced(await newStream(name))
      return muxer
    }
    return factory
  }
}

function paced(stream: Stream): Stream {
  if (!(stream instanceof YamuxStream)) throw new Error('a stream that is not yamux’s')
  const grant = stream.sendWindowUpdate.bind(stream)
  stream.sendWindowUpdate = () => {
    if (stream.sourceReadableLength() <= unreadMax) grant()
  }
  return stream
}
