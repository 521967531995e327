import { type Abi, encodeFunctionData } from 'viem'
import { expect, test } from 'vitest'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { loadArtifact } from '../../contracts/artifact.ts'
import { algoHashV1, algoHashV2 } from '../../protocol/attribution-rule.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import { LedgerWorld } from '../fakes/ledger-world.ts'
import { open, Reverted } from '../fakes/money-chain.ts'

const { timelock, attributionLedger } = openLedgerPredeploys
const day = 86_400n
const payee: Hex = `0x${'cc'.repeat(20)}`

test('governance moves a chain to algoHash v2: the Timelock asks, fourteen days later anyone does it, and from the next day epochs are paid under it alone', async () => {
  const world = await LedgerWorld.create()
  const { chain } = world
  const abi = loadArtifact('AttributionLedger').abi as unknown as Abi
  const data = encodeFunctionData({ abi, functionName: 'setAlgo', args: [algoHashV2] })
  const call = [attributionLedger, 0n, data, zeroHash, zeroHash] as const
  chain.evm.state.account(timelock).balance = open
  await chain.send(timelock, 'MoneyTimelock', 'schedule', [...call, 14n * day])
  expect((await chain.fails(chain.actor('anyone'), 'MoneyTimelock', 'execute', call)).error).not.toBe('')
  chain.advance(14n * day)
  await chain.send(chain.actor('anyone'), 'MoneyTimelock', 'execute', call)
  const inForce = (algoHash: Hex) => chain.read('AttributionLedger', 'isAlgoInForce', [algoHash, chain.now])
  expect([await inForce(algoHashV1), await inForce(algoHashV2)]).toEqual([true, false])
  chain.advance(day)
  expect([await inForce(algoHashV1), await inForce(algoHashV2)]).toEqual([false, true])
  await world.mature(1, 5n)
  const old = await world
    .propose([[payee, 5n]], undefined, { header: { algoHash: algoHashV1 } })
    .catch((e: unknown) => e)
  expect(old instanceof Reverted && old.error).toBe('WrongAlgo')
  const { proposed } = await world.propose([[payee, 5n]], undefined, { header: { algoHash: algoHashV2 } })
  chain.advance(30n * day)
  const { events } = await world.finalize(proposed, undefined)
  expect(events.map(({ name }) => name)).toContain('EpochFinalized')
  expect(proposed.record.header).toMatchObject({ algoHash: algoHashV2, payoutSum: 5n })
})
