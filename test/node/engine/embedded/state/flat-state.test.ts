import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeAccount } from '../../../../../node/engine/embedded/state/account-codec.ts'
import { FlatState } from '../../../../../node/engine/embedded/state/flat-state.ts'
import { World } from '../../../../../node/engine/embedded/state/world.ts'
import { bytesToHex, trimLeft, uintBytes } from '../../../../../protocol/bytes.ts'
import { keccak256 } from '../../../../../protocol/keccak.ts'
import { rlpEncode } from '../../../../../protocol/rlp.ts'
import { emptyCodeHash, emptyTrieRoot, trieRoot } from '../../../../../protocol/trie-root.ts'

/** The state as a naive model keeps it: maps, copied whole at each checkpoint. */
type Model = Map<number, { balance: bigint; slots: Map<number, number> }>

const command = fc.oneof(
  fc.record({ kind: fc.constant('balance' as const), who: fc.nat(4), amount: fc.nat(3) }),
  fc.record({ kind: fc.constant('store' as const), who: fc.nat(4), slot: fc.nat(4), value: fc.nat(3) }),
  fc.record({ kind: fc.constant('delete' as const), who: fc.nat(4) }),
  fc.record({ kind: fc.constant('checkpoint' as const) }),
  fc.record({ kind: fc.constant('commit' as const) }),
  fc.record({ kind: fc.constant('revert' as const) }),
)

test('any mix of writes, checkpoints and reverts over several blocks comes to the root of the naive model', () => {
  fc.assert(
    fc.property(fc.array(fc.array(command, { maxLength: 40 }), { minLength: 1, maxLength: 4 }), (sequence) => {
      const state = new FlatState(new World({ node: () => undefined, code: () => undefined }, emptyTrieRoot))
      let model: Model = new Map()
      for (const block of sequence) {
        const saved: Model[] = []
        for (const step of block) model = run(state, model, saved, step)
        while (saved.length > 0) {
          state.commit()
          saved.pop()
        }
        const { world, accounts } = state.seal()
        expect(bytesToHex(world.root)).toBe(bytesToHex(modelRoot(model)))
        state.rebase(world, accounts)
      }
    }),
    { numRuns: 500 },
  )
})

function run(state: FlatState, model: Model, saved: Model[], step: Parameters<typeof apply>[2]): Model {
  if (step.kind === 'checkpoint') {
    state.checkpoint()
    saved.push(copy(model))
    return model
  }
  if (step.kind === 'commit' || step.kind === 'revert') {
    const before = saved.pop()
    if (before === undefined) return model
    if (step.kind === 'commit') state.commit()
    else state.revert()
    return step.kind === 'commit' ? model : before
  }
  apply(state, model, step)
  return model
}

function apply(state: FlatState, model: Model, step: typeof command extends fc.Arbitrary<infer T> ? T : never): void {
  if (step.kind === 'balance') {
    const account = model.get(step.who) ?? { balance: 0n, slots: new Map<number, number>() }
    account.balance += BigInt(step.amount)
    model.set(step.who, account)
    state.addBalance(address(step.who), BigInt(step.amount))
  } else if (step.kind === 'store') {
    const account = model.get(step.who)
    // Only an account that is there executes code that stores.
    if (account === undefined) return
    account.slots.set(step.slot, step.value)
    state.setStorage(address(step.who), uintBytes(step.slot, 32), uintBytes(step.value, 32))
    expect(state.storage(address(step.who), uintBytes(step.slot, 32))).toEqual(trimLeft(uintBytes(step.value, 32)))
  } else if (step.kind === 'delete') {
    model.delete(step.who)
    state.setAccount(address(step.who), undefined)
  }
}

function address(n: number): Uint8Array {
  return new Uint8Array(20).fill(n + 1)
}

function copy(model: Model): Model {
  return new Map([...model].map(([who, { balance, slots }]) => [who, { balance, slots: new Map(slots) }]))
}

function modelRoot(model: Model): Uint8Array {
  return trieRoot(
    [...model].map(([who, { balance, slots }]) => {
      const entries = [...slots].filter(([, value]) => value !== 0)
      const storageRoot = trieRoot(
        entries.map(([slot, value]) => [keccak256(uintBytes(slot, 32)), rlpEncode(Uint8Array.of(value))] as const),
      )
      return [
        keccak256(address(who)),
        encodeAccount({ nonce: 0n, balance, storageRoot, codeHash: emptyCodeHash }),
      ] as const
    }),
  )
}
