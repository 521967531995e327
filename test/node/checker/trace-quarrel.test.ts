import { beforeAll, describe, expect, test } from 'vitest'
import { decodeCall } from '../../../chain/ledger/money-contracts.ts'
import type { TraceDemand } from '../../../chain/ledger/trace-demands.ts'
import { answerCall } from '../../../inference/check/trace-questions.ts'
import { treeNumbers } from '../../../inference/one-step/step.ts'
import { Oracle } from '../../../inference/oracle.ts'
import { openQuarrel } from '../../../node/checker/open-quarrel.ts'
import { TraceQuarrel } from '../../../node/checker/trace-quarrel.ts'
import type { Hex } from '../../../protocol/bytes.ts'
import type { Cancel } from '../../../protocol/voucher.ts'
import type { MoneyEvent } from '../../fakes/money-chain.ts'
import { type Ask, type Cheat, type Settled, TraceWorld } from '../../fakes/trace-world.ts'

let world: TraceWorld
beforeAll(async () => {
  world = await TraceWorld.create()
}, 60_000)

const ask: Ask = {
  input: [0, 120, 44, 7],
  rule: { tempQ16: 0, topK: 0, topPQ16: 65_536 },
  maxTokens: 3,
  stops: [],
}

const lie: Cheat = {
  tamper: (unit, values) => {
    if (unit.op === 'up' && unit.layer === 1 && unit.position === 2) (values as Int32Array)[5] = 77
  },
}

/** Demands as the book has them, from the events of a chain. */
class Asked {
  readonly #demands = new Map<Hex, TraceDemand>()

  take(events: readonly MoneyEvent[]): void {
    for (const { name, args } of events) {
      const id = args['demandId'] as Hex
      if (name === 'TraceRequested') this.#demands.set(id, { ...(args as unknown as TraceDemand), id })
      const asked = this.#demands.get(id)
      if (name !== 'TraceServed' || asked === undefined) continue
      this.#demands.set(id, { ...asked, answer: decodeCall('TraceDemands', args['answer'] as Hex) })
    }
  }

  all(): TraceDemand[] {
    return [...this.#demands.values()]
  }
}

type Played = { readonly calls: readonly string[]; readonly isRight: boolean; readonly isVoid: boolean }

/** Plays a quarrel until nothing is left to do; the worker answers each block what `answers` says. */
async function play(settled: Settled, answers: (demand: TraceDemand) => boolean, asked = new Asked()): Promise<Played> {
  const { opened, segments } = world.openedOf(settled)
  const dispute = world.dispute(settled)
  const parts = { dispute, opened, segments, request: settled.built.request, demands: () => asked.all() }
  return await playOut(new TraceQuarrel(parts), settled, answers, asked)
}

async function playOut(
  quarrel: TraceQuarrel,
  settled: Settled,
  answers: (demand: TraceDemand) => boolean,
  asked: Asked,
): Promise<Played> {
  const { chain } = world.money
  const calls: string[] = []
  for (let block = 0; block < 20; block++) {
    const closesAt = settled.batch.header.committedAt + 10n
    const { isRight, actions } = await quarrel.look(chain.now, closesAt)
    if (isRight) return { calls, isRight, isVoid: false }
    for (const { call, price } of actions) {
      const value = price === undefined ? 0n : ((await chain.read('TraceDemands', 'answerPrice', price.args)) as bigint)
      const { events } = await chain.send(world.checker, call.contract, call.functionName, call.args, { value })
      calls.push(call.functionName)
      asked.take(events)
      if (call.contract === 'DisputeGame') return { calls, isRight: false, isVoid: true }
    }
    for (const demand of asked.all())
      if (demand.answer === undefined && answers(demand)) await serve(settled, demand, asked)
    chain.advance(1)
  }
  return { calls, isRight: false, isVoid: false }
}

async function serve({ head, trace }: Settled, demand: TraceDemand, asked: Asked): Promise<void> {
  const tree = treeNumbers[demand.tree] ?? 'linear'
  const own = { head, node: trace.node.bind(trace), leaf: trace.leaf.bind(trace) }
  const { functionName, args } = answerCall({ ...demand, tree }, own)
  const { events } = await world.money.chain.send(world.worker, 'TraceDemands', functionName, [demand.id, ...args])
  asked.take(events)
}

const trial = <T>(act: () => Promise<T>): Promise<T> => world.money.chain.trial(act)

describe('a quarrel that is played on chain', () => {
  test('asks, reads what is shown, asks on, and proves', async () => {
    const played = await trial(async () => await play(await world.settle(ask, lie), () => true))
    expect(played.isVoid).toBe(true)
    expect(played.calls.slice(0, 2)).toEqual(['requestRoot', 'requestRoot'])
    expect(played.calls.at(-1)).toBe('wrongStep')
    expect(new Set(played.calls.slice(2, -1))).toEqual(new Set(['requestNode']))
  })

  test('of an honest answer ends with the roots', async () => {
    const played = await trial(async () => await play(await world.settle(ask), () => true))
    expect(played).toEqual({ calls: ['requestRoot', 'requestRoot'], isRight: true, isVoid: false })
  })

  test('is won where the worker says nothing, or no more', async () => {
    const silent = await trial(async () => await play(await world.settle(ask, lie), () => false))
    expect(silent.calls.at(-1)).toBe('traceMissing')
    const half = await trial(async () => await play(await world.settle(ask, lie), ({ depth }) => depth === 0))
    expect(half.isVoid).toBe(true)
    expect(half.calls.at(-1)).toBe('traceMissing')
  })

  test('goes on from what others asked, in whatever order it is read, and asks nothing twice', async () => {
    await trial(async () => {
      const settled = await world.settle(ask, lie)
      const asked = new Asked()
      const first = await trial(async () => await play(settled, () => true, asked))
      expect(first.isVoid).toBe(true)
      const late = new Asked()
      for (const demand of asked.all().reverse()) {
        const { answer, ...open } = demand
        late.take([{ contract: '0x', name: 'TraceRequested', args: { ...open, demandId: open.id } }])
        expect(answer).toBeDefined()
      }
      const parts = { dispute: world.dispute(settled), request: settled.built.request, ...world.openedOf(settled) }
      const seen = new TraceQuarrel({ ...parts, demands: () => asked.all().reverse() })
      const look = await seen.look(world.money.chain.now, settled.batch.header.committedAt + 10n)
      expect(look.actions.map(({ call }) => call.functionName)).toEqual(['wrongStep'])
      const waiting = new TraceQuarrel({ ...parts, dispute: world.dispute(settled), demands: () => late.all() })
      expect(await waiting.look(world.money.chain.now, settled.batch.header.committedAt + 10n)).toEqual({
        isRight: false,
        actions: [],
      })
    })
  })

  test('asks no more when the first third is over', async () => {
    await trial(async () => {
      const settled = await world.settle(ask, lie)
      const parts = { dispute: world.dispute(settled), request: settled.built.request, ...world.openedOf(settled) }
      const quarrel = new TraceQuarrel({ ...parts, demands: () => [] })
      const { now } = world.money.chain
      expect((await quarrel.look(now, now + 1n)).actions).toHaveLength(2)
      expect((await quarrel.look(now, now)).actions).toEqual([])
    })
  })
})

test('is opened from what the batch’s file says of a receipt, a cut stream’s too', async () => {
  for (const [cheat, last] of [
    [lie, 'wrongStep'],
    [{ tout: 1 }, 'stoppedEarly'],
    [{ tout: 1, isCut: true }, undefined],
  ] as const satisfies readonly (readonly [Cheat, string | undefined])[]) {
    await trial(async () => {
      const settled = await world.settle(ask, cheat)
      const { opened, segments } = world.openedOf(settled)
      const { receipt, request, voucher, signature } = settled.built
      const { cancel, cancelSignature } = settled.answer.payment as {
        readonly cancel: Cancel
        readonly cancelSignature: { readonly bytes: Uint8Array }
      }
      const paid = { voucher: { value: voucher, signature: signature.bytes } }
      const consent = settled.answer.isCut ? { cancel: { value: cancel, signature: cancelSignature.bytes } } : {}
      const asked = new Asked()
      const quarrel = openQuarrel({
        answer: {
          ...{ receipt, request, payment: { ...paid, ...consent } },
          prompt: Uint32Array.from(ask.input),
          output: Uint32Array.from(settled.output),
        },
        ...{ opened, segments, model: world.model, slots: [], engine: new Oracle(world.model), stops: [] },
        demands: () => asked.all(),
      })
      const played = await playOut(quarrel, settled, () => true, asked)
      expect(played.calls.filter((name) => !name.startsWith('request')).at(-1)).toBe(last)
      expect(played.isRight).toBe(last === undefined)
    })
  }
})
