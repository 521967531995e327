import type { PayoutExplanation } from '../../attribution/explain/explain-payout.ts'
import { explainUnits, type Holding, type UnitsExplanation } from '../../attribution/explain/explain-units.ts'
import { allEvents, topicOf } from '../../chain/ledger/all-events.ts'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { isUnitsPool } from '../../protocol/attribution-entry.ts'
import { type Hex, zeroAddress, zeroHash } from '../../protocol/bytes.ts'
import type { ChainAccess } from '../money/action.ts'
import { Amount, Time } from '../money/values.ts'
import type { OpenedEpoch } from './epoch-source.ts'

/** Part of a list of holders. */
export type HoldersPage = { readonly from: number; readonly max: number }

/** Holders whose units are asked for at a time. */
const readsMax = 50

/** Whom a payout to a Datanet's pool goes to: undefined where the payee is no such pool. Throws what the RPC throws. */
export async function unitHolders(
  chain: ChainAccess,
  { header: { epoch }, isFinal, batches }: OpenedEpoch,
  { id, earned }: PayoutExplanation,
): Promise<UnitsExplanation | undefined> {
  if (!isUnitsPool(id.payee)) return undefined
  const datanet = BigInt(`0x${id.payee.slice(-16)}`)
  const read = (name: string, ...args: readonly unknown[]) => chain.read('DatanetUnits', name, args)
  const snapshot = (await chain.read('RoyaltyVault', 'snapshotOf', [epoch])) as bigint
  const time = isFinal ? snapshot : (batches.at(-1)?.header.committedAt ?? 0n)
  const incomes = await incomesOf(chain, datanet)
  const at = incomes.findIndex((income) => income.epoch === epoch)
  const units = await issuedUnits(chain, datanet)
  const holdings: Holding[] = []
  for (let i = 0; i < units.holders.length; i += readsMax) {
    const some = units.holders.slice(i, i + readsMax)
    const held = await Promise.all(some.map((holder) => read('unitsAt', datanet, holder, time) as Promise<bigint>))
    holdings.push(...some.map((holder, k) => ({ holder, units: held[k] as bigint })))
  }
  return explainUnits({
    ...{ datanet, time, amount: earned, holdings },
    total: (await read('unitsTotalAt', datanet, time)) as bigint,
    unclaimed: units.unclaimed.reduce((sum, issue) => (issue.issuedAt <= time ? sum + issue.units : sum), 0n),
    before: at === -1 ? incomes : incomes.slice(0, at),
    credited: incomes[at],
  })
}

/** Fields of an explanation that say so. */
export function unitHoldersShown(explanation: UnitsExplanation, { from, max }: HoldersPage): object {
  const { datanet, time, total, isCredited, holders, unclaimed, unclaimedAmount, figures } = explanation
  const left = holders.length - from - max
  return {
    datanet,
    heldAt: new Time(time),
    units: total,
    state: isCredited ? 'brought to the pool' : 'not brought to the pool yet: openledger claim to-datanet',
    figures: figures.map(({ name, formula, recomputed }) => ({ name, value: recomputed, formula })),
    holders: holders.slice(from, from + max).map(({ holder, units, amount, restQ64 }) => ({
      ...{ holder, units },
      amount: new Amount(amount),
      formula: `⌊${units} of ${total} units⌋, rest ${restQ64}/2⁶⁴ wei`,
    })),
    ...(left > 0 ? { holdersNotShown: left } : {}),
    ...(unclaimed > 0n ? { notClaimed: { units: unclaimed, amount: new Amount(unclaimedAmount) } } : {}),
  }
}

/** All income of a Datanet's units, the oldest first. */
async function incomesOf(chain: ChainAccess, datanet: bigint) {
  const events = await allEvents(chain, 'DatanetUnits', 'IncomeCredited', [topicOf(datanet)])
  // What one unit was owed since the beginning, of each stream: of epochs, and of all else.
  const last = { ofEpochs: 0n, ofOthers: 0n }
  return events.map(({ args }) => {
    const [epoch, amount, units, acc] = ['epoch', 'amount', 'units', 'accQ64'].map((name) => args[name] as bigint)
    const stream = (epoch ?? 0n) > 0n ? 'ofEpochs' : 'ofOthers'
    const perUnitQ64 = (acc ?? 0n) - last[stream]
    last[stream] = acc ?? 0n
    return { epoch, amount: amount ?? 0n, units: units ?? 0n, perUnitQ64 }
  })
}

/** Everybody who ever got units of a Datanet, and allotted units that wait to be claimed, with when they were issued. */
async function issuedUnits(chain: ChainAccess, datanet: bigint) {
  const holders = new Set<Hex>()
  const unclaimed: { units: bigint; issuedAt: bigint }[] = []
  for (const { args } of await allEvents(chain, 'DatanetUnits', 'UnitsIssued', [topicOf(datanet)])) {
    const id = (datanet << 32n) | BigInt(args['version'] as number)
    const moves = await allEvents(chain, 'DatanetUnits', 'Transfer', [null, null, topicOf(id)])
    for (const { args: moved } of moves) holders.add(String(moved['receiver']).toLowerCase() as Hex)
    if (args['allotment'] === zeroHash) continue
    const [, issuedAt] = (await chain.read('DatanetUnits', 'issues', [id])) as readonly [bigint, number]
    const balance = [openLedgerPredeploys.datanetUnits, id]
    const units = (await chain.read('DatanetUnits', 'balanceOf', balance)) as bigint
    unclaimed.push({ units, issuedAt: BigInt(issuedAt) })
  }
  for (const none of [zeroAddress, openLedgerPredeploys.datanetUnits]) holders.delete(none)
  return { holders: [...holders], unclaimed }
}
