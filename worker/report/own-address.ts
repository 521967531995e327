import { isIPv4, isIPv6 } from 'node:net'
import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import type { WorkerOptions } from '../worker-options.ts'

type P2pOptions = Pick<WorkerOptions['p2p'], 'listenIp' | 'listenPort' | 'advertiseIp'>

/** Multiaddrs told to peers in place of the listening ones; none: those. */
export function announcedAddresses({ advertiseIp, listenPort }: P2pOptions): readonly string[] {
  if (advertiseIp === undefined || listenPort === 0) return []
  return [`/${isIPv6(advertiseIp) ? 'ip6' : 'ip4'}/${advertiseIp}/tcp/${listenPort}`]
}

/** The address that a capability tells, from the multiaddrs under which the host is dialled: 16 bytes, IPv4 mapped into IPv6. */
export function toldAddress(
  { advertiseIp, listenIp }: Pick<P2pOptions, 'advertiseIp' | 'listenIp'>,
  addresses: readonly string[],
): { readonly ip: Hex; readonly port: number } {
  const [, ip, port] = /^\/ip[46]\/([^/]+)\/tcp\/(\d+)/.exec(addresses[0] ?? '') ?? []
  return { ip: ipv6Of(advertiseIp ?? ip ?? listenIp), port: Number(port ?? 0) }
}

/** Throws RangeError for a text that is no address. */
function ipv6Of(text: string): Hex {
  if (isIPv4(text)) return bytesToHex(Uint8Array.of(...new Uint8Array(10), 0xff, 0xff, ...text.split('.').map(Number)))
  const [address = ''] = text.split('%')
  if (!isIPv6(address)) throw new RangeError(`${text} is no IP address`)
  // An address may end with an IPv4 one in dots.
  const words = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...parts: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = parts.slice(0, 4).map(Number)
    return `${(256 * a + b).toString(16)}:${(256 * c + d).toString(16)}`
  })
  const [head = [], tail] = words.split('::').map((part) => (part === '' ? [] : part.split(':')))
  const zeros = Array<string>(8 - head.length - (tail?.length ?? 0)).fill('0')
  const all = tail === undefined ? head : [...head, ...zeros, ...tail]
  return `0x${all.map((word) => word.padStart(4, '0')).join('')}`
}
