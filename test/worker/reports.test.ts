import { expect, test } from 'vitest'
import { product } from '../../p2p/workers/challenge/hardware-challenge.ts'
import { zeroHash } from '../../protocol/bytes.ts'
import { TokenRate } from '../../worker/jobs/token-rate.ts'
import { Hardware } from '../../worker/report/hardware.ts'
import { announcedAddresses, toldAddress } from '../../worker/report/own-address.ts'

test('the hardware challenge gives the product of its seed and a score that is measured', async () => {
  const hardware = new Hardware()
  expect(hardware.score).toEqual({ challengeScore: 0n, challengeSeed: zeroHash })
  const challenge = { seed: `0x${'5e'.repeat(32)}`, size: 256 } as const
  expect(await hardware.multiply(challenge)).toEqual(product(challenge))
  const { challengeScore, challengeSeed } = hardware.score
  expect(challengeSeed).toBe(challenge.seed)
  // A multiply-add takes between a ten-thousandth of a nanosecond and ten microseconds.
  expect(challengeScore).toBeGreaterThan(10n ** 5n)
  expect(challengeScore).toBeLessThan(10n ** 13n)
})

test('tokens of the last minute count, older ones do not', () => {
  const rate = new TokenRate()
  const startMs = 1_700_000_000_000
  for (let second = 0; second < 90; second++) rate.count(2, startMs + second * 1_000)
  expect(rate.perMinute(startMs + 89_000)).toBe(120)
  expect(rate.perMinute(startMs + 89_000 + 30_000)).toBe(60)
  expect(rate.perMinute(startMs + 89_000 + 600_000)).toBe(0)
})

const ip4 = (text: string) => `0x${'00'.repeat(10)}ffff${text}`

test.each([
  ['the address it listens on', undefined, '/ip4/10.1.2.3/tcp/9223/p2p/x', ip4('0a010203'), 9223],
  ['the one it is told to advertise', '192.0.2.7', '/ip4/10.1.2.3/tcp/9223/p2p/x', ip4('c0000207'), 9223],
  ['an IPv6 one', undefined, '/ip6/2001:db8::1:0:2/tcp/5/p2p/x', '0x20010db8000000000000000100000002', 5],
  ['an IPv6 one to advertise', '::ffff:192.0.2.7', '/ip4/10.0.0.1/tcp/9/p2p/x', ip4('c0000207'), 9],
  ['the unspecified IPv6 one', '::', '/ip6/::/tcp/9/p2p/x', `0x${'00'.repeat(16)}`, 9],
  ['that of its options before it listens', undefined, undefined, ip4('7f000001'), 0],
])('a capability tells %s', (_, advertiseIp, address, ip, port) => {
  const addresses = address === undefined ? [] : [address]
  expect(toldAddress({ advertiseIp, listenIp: '127.0.0.1' }, addresses)).toEqual({ ip, port })
})

test('an IPv6 address to advertise is announced as one', () => {
  const of = (advertiseIp: string) => announcedAddresses({ advertiseIp, listenIp: '::', listenPort: 9 })
  expect(of('2001:db8::1')).toEqual(['/ip6/2001:db8::1/tcp/9'])
  expect(of('192.0.2.7')).toEqual(['/ip4/192.0.2.7/tcp/9'])
})
