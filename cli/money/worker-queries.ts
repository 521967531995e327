import type { Hex } from '../../protocol/bytes.ts'
import { type ChainAccess, optional, query } from './action.ts'
import { addressArg } from './arg-kinds.ts'
import { Amount, Time } from './values.ts'

type Worker = {
  readonly stake: bigint
  readonly unbonding: bigint
  readonly unbondsAt: bigint
  readonly jailedUntil: bigint
  readonly registeredAt: bigint
  readonly units: number
  readonly classes: number
  readonly jailed: boolean
}

export const showWorker = query(
  'Shows a worker: its stake, what covers fees and what of that is free, what is being unbonded, jail.',
  { worker: optional(addressArg('the worker; absent: you')) },
  async ({ worker }, chain) => {
    const address = worker ?? chain.sender()
    const [registered, { free, cover }] = [
      (await chain.read('WorkerRegistry', 'workers', [address])) as Worker,
      (await chain.read('InferenceMarket', 'coverOf', [address])) as { free: bigint; cover: bigint },
    ]
    const { stake, unbonding, unbondsAt, jailed, jailedUntil, registeredAt, units, classes } = registered
    return {
      worker: address,
      registeredAt: new Time(registeredAt),
      isActive: await chain.read('WorkerRegistry', 'isActive', [address]),
      units,
      classes: [0, 1, 2, 3, 4, 5].filter((i) => (classes >> i) % 2 === 1).join(','),
      stake: new Amount(stake),
      covers: new Amount(free),
      coversNow: new Amount(cover),
      freeCover: new Amount(free > cover ? free - cover : 0n),
      unbonding: new Amount(unbonding),
      unbondsAt: new Time(unbondsAt),
      jailed,
      jailedUntil: new Time(jailedUntil),
    }
  },
)

export const showWorkers = query('Lists the workers that ever registered.', {}, async (_, chain) => {
  const { allEvents } = await import('../../chain/ledger/all-events.ts')
  const events = await allEvents(chain, 'WorkerRegistry', 'WorkerRegistered')
  const workers = [...new Set(events.map(({ args }) => args['worker'] as Hex))]
  return await Promise.all(workers.map((worker) => row(chain, worker)))
})

async function row(chain: ChainAccess, worker: Hex) {
  const { stake, units } = (await chain.read('WorkerRegistry', 'workers', [worker])) as Worker
  return { worker, units, stake: new Amount(stake), isActive: await chain.read('WorkerRegistry', 'isActive', [worker]) }
}
