import { peerIdFromString } from '@libp2p/peer-id'
import { expect, test } from 'vitest'
import { silentLog } from '../../common/log.ts'
import { Pinger } from '../../p2p/pinger.ts'
import { ManualClock } from '../fakes/manual-clock.ts'

const peer = peerIdFromString('16Uiu2HAm3jvu2eGQ8icnQ5rHxizSyPHBavp8R6j4moMMn19wg3MB')

function pinger(answers: (number | 'lost')[]) {
  const hungUp: string[] = []
  const made = new Pinger({
    clock: new ManualClock(),
    log: silentLog,
    peers: () => [peer],
    ping: async () => {
      const answer = answers.shift() ?? 'lost'
      if (answer === 'lost') throw new Error('late')
      return answer
    },
    hangUp: (id) => void hungUp.push(id.toString()),
  })
  return { made, hungUp }
}

test('two pings lost are no reason to hang up, the third in a row is', async () => {
  const { made, hungUp } = pinger(['lost', 'lost', 12, 'lost', 'lost', 'lost'])
  for (let i = 0; i < 5; i++) await made.round()
  expect(hungUp).toEqual([])
  expect(made.latencyMs(peer.toString())).toBe(12)
  await made.round()
  expect(hungUp).toEqual([peer.toString()])
})
