import { type Abi, encodeFunctionData } from 'viem'
import { beforeEach, describe, expect, test } from 'vitest'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { loadArtifact } from '../../contracts/artifact.ts'
import { algoHashV1 } from '../../protocol/attribution-rule.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import { LedgerWorld } from '../fakes/ledger-world.ts'
import { open, Reverted } from '../fakes/money-chain.ts'

const { moneyTimelock, timelock, attributionLedger } = openLedgerPredeploys
const day = 86_400n
const word = (n: number): Hex => `0x${n.toString(16).padStart(64, '0')}`
const payee: Hex = `0x${'cc'.repeat(20)}`

let world: LedgerWorld
beforeEach(async () => {
  world = await LedgerWorld.create()
})

const inForce = (algoHash: Hex, time: bigint) =>
  world.chain.read('AttributionLedger', 'isAlgoInForce', [algoHash, time])
const setAlgo = (algoHash: Hex) => world.chain.send(moneyTimelock, 'AttributionLedger', 'setAlgo', [algoHash])
const nextDay = () => (world.chain.now / day + 1n) * day

/** What becomes of an epoch proposed under this rule now. */
async function proposedUnder(algoHash: Hex): Promise<string> {
  const fork = new LedgerWorld(await world.chain.fork())
  await fork.mature(1, 5n)
  const failure = await fork
    .propose([[payee, 5n]], undefined, { header: { algoHash } })
    .catch((error: unknown) => error)
  return failure instanceof Reverted ? failure.error : 'proposed'
}

describe('the rule of attribution', () => {
  test('is version 1 since genesis, and an epoch under another is refused', async () => {
    expect(await world.chain.read('AttributionLedger', 'algoHash')).toBe(algoHashV1)
    for (const time of [0n, world.chain.now, 2n ** 63n]) expect(await inForce(algoHashV1, time)).toBe(true)
    expect(await proposedUnder(algoHashV1)).toBe('proposed')
    for (const other of [zeroHash, word(1)]) {
      expect(await inForce(other, world.chain.now)).toBe(false)
      expect(await proposedUnder(other)).toBe('WrongAlgo')
    }
  })

  test('changes at a multiple of a day, for what is committed from then on', async () => {
    const from = nextDay()
    const { events } = await setAlgo(word(2))
    expect(events).toMatchObject([{ name: 'AlgoSet', args: { algoHash: word(2), from } }])
    expect([await inForce(algoHashV1, from - 1n), await inForce(word(2), from - 1n)]).toEqual([true, false])
    expect([await inForce(algoHashV1, from), await inForce(word(2), from)]).toEqual([false, true])
    expect(await proposedUnder(word(2))).toBe('WrongAlgo')
    world.chain.advance(from - world.chain.now)
    expect(await proposedUnder(algoHashV1)).toBe('WrongAlgo')
    expect(await proposedUnder(word(2))).toBe('proposed')
    // What was committed under the old one is judged by it for ever.
    await setAlgo(word(3))
    expect(await inForce(algoHashV1, from - 1n)).toBe(true)
  })

  test('is one at every time, whatever is set when, and none comes back', async () => {
    const start = world.chain.now
    const rules = [algoHashV1]
    for (const [i, wait] of [0n, 10n, day, 3n * day, 0n, 5n, day].entries()) {
      world.chain.advance(wait)
      await setAlgo(word(i + 2))
      rules.push(word(i + 2))
    }
    for (const old of rules) {
      expect((await world.chain.fails(moneyTimelock, 'AttributionLedger', 'setAlgo', [old])).error).toBe('AlgoKnown')
    }
    for (let time = start; time < nextDay() + day; time += day / 4n) {
      const standing = await Promise.all(rules.map((rule) => inForce(rule, time)))
      expect(standing.filter(Boolean), `at ${time}`).toHaveLength(1)
    }
  })

  test('is governance’s alone, fourteen days after the Timelock asked', async () => {
    const abi = loadArtifact('AttributionLedger').abi as unknown as Abi
    const data = encodeFunctionData({ abi, functionName: 'setAlgo', args: [word(2)] })
    const call = [attributionLedger, 0n, data, zeroHash, zeroHash] as const
    world.chain.evm.state.account(timelock).balance = open
    for (const from of [timelock, world.chain.actor('attributor').address]) {
      const refused = await world.chain.fails(from, 'AttributionLedger', 'setAlgo', [word(2)])
      expect(refused.error).toBe('NotMoneyTimelock')
    }
    await world.chain.send(timelock, 'MoneyTimelock', 'schedule', [...call, 14n * day])
    world.chain.advance(14n * day)
    await world.chain.send(world.chain.actor('anyone'), 'MoneyTimelock', 'execute', call)
    expect(await world.chain.read('AttributionLedger', 'algoHash')).toBe(word(2))
  })
})
