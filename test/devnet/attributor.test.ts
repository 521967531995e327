import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { callContract } from '../../chain/ledger/l2-calls.ts'
import type { MoneyContract } from '../../chain/ledger/money-contracts.ts'
import { devPrivateKeys } from '../../common/dev-keys.ts'
import { devRoles } from '../../genesis/presets.ts'
import { payeePools, poolOf, poolPayee } from '../../protocol/attribution-entry.ts'
import { bytesToHex, type Hex, hexToBytes } from '../../protocol/bytes.ts'
import { amountOf } from '../../protocol/fee.ts'
import { privateKeyAddress } from '../../protocol/secp256k1.ts'
import { hasAnvil } from '../fakes/anvil.ts'
import { DevNet } from '../fakes/dev-net.ts'
import { LedgerMarket } from '../fakes/ledger-market.ts'
import type { BuiltBatch } from '../fakes/money-batch.ts'
import { type NodeProcess, startNodeProcess } from '../fakes/node-process.ts'
import { RemoteMarketChain } from '../fakes/remote-market-chain.ts'

const attributorKey = devPrivateKeys[devRoles.attributor]
const attributor = bytesToHex(privateKeyAddress(hexToBytes(attributorKey)))

describe.skipIf(!hasAnvil)('the role attributor (skipped without anvil’s binary)', () => {
  let net: DevNet
  let folder: string
  let node: NodeProcess

  beforeAll(async () => {
    const window = 12n
    net = await DevNet.start(['--block-time', '1'], {
      ...{ challengeWindowSeconds: window, channelWithdrawalDelaySeconds: 2n * window, unbondingSeconds: 4n * window },
    })
    folder = await mkdtemp(join(tmpdir(), 'attributor-'))
    node = await start()
  })
  afterAll(async () => {
    await node.kill()
    await net.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const start = () => {
    const roles = { attributor: { key: attributorKey, epochIntervalSeconds: 1 } }
    return startNodeProcess(net.sequencerOptions('sequencer', roles), folder, 'sequencer')
  }
  const restart = async () => {
    await node.kill()
    node = await start()
  }
  const read = (contract: MoneyContract, functionName: string, ...args: readonly unknown[]) =>
    callContract(node.eth, { contract, functionName, args })
  const balance = async (of: Hex) => BigInt((await node.eth.request('eth_getBalance', [of, 'latest'])) as string)
  const until = async (what: string, isSo: () => Promise<boolean>) => {
    for (const end = Date.now() + 90_000; Date.now() < end; await new Promise((done) => setTimeout(done, 200))) {
      if (await isSo().catch(() => false)) return
    }
    const lines = (await readFile(join(folder, 'sequencer.log'), 'utf8')).split('\n')
    const told = lines.filter((line) => line.includes('component=money') || line.includes('account=attributor'))
    throw new Error(`${what}: it did not come\n${told.slice(-30).join('\n')}`)
  }

  test('pays a batch’s fees to the payees’ accounts, to the wei, through kills at every stage, and sends nothing twice', async () => {
    const chain = await RemoteMarketChain.open(() => node.eth)
    const market = await LedgerMarket.open(chain)
    const batch = market.build(10, { tin: 1_000, tout: 2_000 })
    await market.commit(batch)
    const hash = String(batch.built.input['dataHash'])
    const upload = async () => {
      const body = new Blob([Uint8Array.from(batch.file)])
      return (await fetch(`${node.rollup.url}/content/${hash}`, { method: 'PUT', body })).ok
    }
    await until('the node takes the batch’s file', upload)
    const owed = earned(batch.built)
    const payees = [chain.actor('worker').address, chain.actor('model owner').address]
    const before = await Promise.all(payees.map(balance))

    await until('an epoch is proposed', async () => (await read('AttributionLedger', 'lastEpoch')) === 1n)
    await restart()
    await until('it is final', async () => (await read('AttributionLedger', 'finalEpoch')) === 1n)
    await restart()
    const pool = poolPayee(payeePools.units, 1n)
    const paid = async (payee: Hex) => ((await read('RoyaltyVault', 'payees', payee)) as readonly [bigint])[0]
    await until('all are paid', async () => (await paid(pool)) > 0n && (await paid(payees[0] ?? pool)) > 0n)
    await restart()
    await new Promise((done) => setTimeout(done, 5_000))
    for (const [i, payee] of payees.entries()) {
      expect(await balance(payee)).toBe((before[i] ?? 0n) + (owed.get(payee) ?? -1n))
    }
    expect(await paid(pool)).toBe(owed.get(pool))
    // Maturing, proposal, finality, claims.
    expect(await node.eth.request('eth_getTransactionCount', [attributor, 'latest'])).toBe('0x4')
    const file = await fetch(`${node.rollup.url}/content/${hash}`)
    expect(new Uint8Array(await file.arrayBuffer())).toEqual(batch.file)
  }, 300_000)

  /** What each payee of the batch earned, from its receipts alone. */
  const earned = ({ receipts }: BuiltBatch) => {
    const sums = new Map<Hex, bigint>()
    for (const { parts, entries } of receipts) {
      for (const { payee, class: kind, weight } of entries) {
        sums.set(payee, (sums.get(payee) ?? 0n) + amountOf(parts[poolOf(kind)], weight))
      }
    }
    return sums
  }
})
