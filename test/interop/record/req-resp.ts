import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { readToEnd } from '../../../p2p/stream-io.ts'
import { bytesToHex, type Hex } from '../../../protocol/bytes.ts'
import { encodePayloadRequest, payloadByNumberProtocols } from '../../../protocol/req-resp.ts'

/** Bytes of an answer: that of an almost empty block. */
const responseBytesMax = 1_000_000

/** What a peer answers to `payload_by_number`, byte for byte. */
export async function exchange(
  address: string,
  chainId: bigint,
  numbers: readonly bigint[],
): Promise<readonly { readonly blockNumber: bigint; readonly request: Hex; readonly response: Hex }[]> {
  const host = await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify() },
  })
  try {
    const found = []
    for (const blockNumber of numbers) {
      const stream = await host.dialProtocol(multiaddr(address), [...payloadByNumberProtocols(chainId)])
      const request = encodePayloadRequest(blockNumber)
      await stream.sink([request])
      const response = await readToEnd(stream, responseBytesMax)
      found.push({ blockNumber, request: bytesToHex(request), response: bytesToHex(response) })
      await stream.close()
    }
    return found
  } finally {
    await host.stop()
  }
}
