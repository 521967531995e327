import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { type Kzg, KzgWorker } from '../../chain/tx/kzg.ts'
import { TxJournal } from '../../chain/tx/tx-journal.ts'
import { TxManager, type TxManagerOptions } from '../../chain/tx/tx-manager.ts'
import { type Clock, systemClock } from '../../common/clock.ts'
import { devPrivateKeys } from '../../common/dev-keys.ts'
import { silentLog } from '../../common/log.ts'
import { BeaconClient } from '../../node/l1/beacon-client.ts'
import { l1Endpoints } from '../../node/l1/l1-endpoints.ts'
import { type L1Endpoint, L1Rpc } from '../../node/l1/l1-rpc.ts'
import { L1Source } from '../../node/l1/l1-source.ts'
import { type Hex, parseQuantity } from '../../protocol/bytes.ts'

export const log = silentLog

/** The parts of an L1 client as node.ts wires them, over a real or a fake endpoint. */
export function l1Parts(
  endpoints: readonly L1Endpoint[],
  options: { beaconUrl?: string; clock?: Clock; kzg?: Kzg } = {},
) {
  const registry = new Registry()
  const clock = options.clock ?? systemClock
  const kzg = options.kzg ?? new KzgWorker()
  const rpc = new L1Rpc(endpoints, { clock, log, registry })
  const urls = options.beaconUrl === undefined ? [] : [options.beaconUrl]
  const beacon = new BeaconClient({ urls }, { kzg, log, registry })
  const l1 = new L1Source({ trustRpc: false }, { rpc, blobSource: beacon, log })
  return { registry, clock, kzg, rpc, beacon, l1 }
}

/** `beaconUrl`: another beacon API than anvil's own. */
export function anvilParts(url: string, beaconUrl = url) {
  const { endpoints } = l1Endpoints([url], { clock: systemClock, signal: new AbortController().signal })
  return l1Parts(endpoints, { beaconUrl })
}

export type L1Parts = ReturnType<typeof l1Parts>

export async function txManager(
  parts: Pick<L1Parts, 'rpc' | 'kzg' | 'clock' | 'registry'>,
  options: Partial<TxManagerOptions> & { readonly directory?: string } = {},
): Promise<TxManager> {
  const { directory = await temporaryDirectory(), ...rest } = options
  const chainId = parseQuantity(await parts.rpc.request('eth_chainId'))
  const journal = await TxJournal.open(directory)
  const manager = new TxManager(
    {
      name: 'test',
      privateKey: devPrivateKeys[1] as Hex,
      chainId,
      confirmations: 1,
      resubmissionTimeoutMs: 5_000,
      receiptPollMs: 20,
      ...rest,
    },
    { ...parts, journal, log },
  )
  await manager.start()
  return manager
}

export function temporaryDirectory(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'openledger-test-'))
}
