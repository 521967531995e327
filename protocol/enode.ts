import { bytesToHex, FormatError, type Hex, hexToBytes } from './bytes.ts'
import { keccak256 } from './keccak.ts'
import { isPublicKey } from './secp256k1.ts'

/** A node's address in the older text form. Source: ethereum/devp2p, enode.md. */
export type Enode = {
  /** 64 bytes. */
  readonly publicKey: Hex
  readonly nodeId: Hex
  readonly host: string
  readonly tcp: number
  readonly udp: number
}

/** Reads `enode://<128 hex digits>@host:port[?discport=port]`. Throws {@link FormatError}. */
export function parseEnode(url: string): Enode {
  const match = /^enode:\/\/([0-9a-fA-F]{128})@([^@/?#]+):(\d{1,5})(?:\?discport=(\d{1,5}))?$/.exec(url)
  const [, key, host, tcp, udp] = match ?? []
  if (key === undefined || host === undefined || tcp === undefined) throw new FormatError('not an enode URL')
  const publicKey = hexToBytes(`0x${key}`)
  if (!isPublicKey(publicKey)) throw new FormatError('enode key is no point of the curve')
  return {
    publicKey: bytesToHex(publicKey),
    nodeId: bytesToHex(keccak256(publicKey)),
    host: host.replace(/^\[(.*)\]$/, '$1'),
    tcp: port(tcp),
    udp: port(udp ?? tcp),
  }
}

function port(text: string): number {
  const value = Number(text)
  if (value > 65_535) throw new FormatError(`port ${text}`)
  return value
}
