import { BlockList, isIP, isIPv4 } from 'node:net'
import { PeersError } from './peers-error.ts'

/** One spelling for an IP: IPv4 in IPv6's clothes is IPv4, IPv6 in lower case. Undefined for anything else. */
export function canonicalIp(text: string): string | undefined {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(text)?.[1]
  const ip = mapped ?? text
  return isIP(ip) === 0 ? undefined : ip.toLowerCase()
}

/** Which addresses are inside a set of subnets. */
export type Subnets = { readonly has: (ip: string) => boolean }

/** Reads subnets such as 10.0.0.0/8. Throws PeersError `address`. */
export function subnets(cidrs: readonly string[]): Subnets {
  const list = new BlockList()
  for (const cidr of cidrs) {
    const { ip, prefix } = parseCidr(cidr)
    list.addSubnet(ip, prefix, isIPv4(ip) ? 'ipv4' : 'ipv6')
  }
  return { has: (ip) => isIP(ip) !== 0 && list.check(ip, isIPv4(ip) ? 'ipv4' : 'ipv6') }
}

/** The subnet as written, with its address in one spelling. Throws PeersError `address`. */
export function canonicalCidr(cidr: string): string {
  const { ip, prefix } = parseCidr(cidr)
  return `${ip}/${prefix}`
}

function parseCidr(cidr: string): { readonly ip: string; readonly prefix: number } {
  const [, address = '', digits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(cidr) ?? []
  const ip = canonicalIp(address)
  const prefix = Number(digits)
  if (ip === undefined || digits === '' || prefix > (isIPv4(ip) ? 32 : 128)) {
    throw new PeersError('address', `${cidr} is not a subnet such as 10.0.0.0/8`)
  }
  return { ip, prefix }
}
