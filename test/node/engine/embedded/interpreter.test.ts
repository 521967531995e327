import { Common, Hardfork, Mainnet } from '@ethereumjs/common'
import { createEVM, type EVM } from '@ethereumjs/evm'
import { Address } from '@ethereumjs/util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { EvmState } from '../../../../node/engine/embedded/state/evm-state.ts'
import { FlatState } from '../../../../node/engine/embedded/state/flat-state.ts'
import { World } from '../../../../node/engine/embedded/state/world.ts'
import { createOpEvm } from '../../../../node/engine/embedded/transition/evm.ts'
import { rulesAt } from '../../../../node/engine/embedded/transition/rules.ts'
import { bytesToHex, concatBytes, uintBytes } from '../../../../protocol/bytes.ts'
import { emptyTrieRoot } from '../../../../protocol/trie-root.ts'
import { contractAt, forksUntil } from './engine-world.ts'

const self = contractAt(0xc0de)
const caller = contractAt(0xca11)

/** Small numbers come up as offsets, lengths, slots and values alike; big ones find the limits. */
const operand = fc.oneof(
  { weight: 8, arbitrary: fc.nat(4).map(BigInt) },
  { weight: 4, arbitrary: fc.nat(100).map(BigInt) },
  { weight: 1, arbitrary: fc.constantFrom(2n ** 32n, 2n ** 64n - 1n, 2n ** 256n - 1n) },
)

/** Opcodes with handlers of ours, with what they take from the stack; and calls into the contract itself. */
const takes = { 32: 2, 55: 3, 57: 3, 62: 3, 81: 1, 82: 2, 83: 2, 84: 1, 85: 2, 92: 1, 93: 2, 160: 2, 161: 3, 162: 4 }
const operation = fc
  .constantFrom(...Object.entries(takes))
  .chain(([opcode, count]) =>
    fc
      .array(operand, { minLength: count, maxLength: count })
      .map((operands) => concatBytes(...operands.map(push), Uint8Array.of(Number(opcode)))),
  )
const selfCall = fc
  .nat(60_000)
  .map((gas) => concatBytes(...[0n, 0n, 0n, 0n, 0n, 0xc0den].map(push), push(BigInt(gas)), Uint8Array.of(0xf1, 0x50)))
// The library reads the memory of a REVERT before it is paid for when someone listens: only small ranges for it.
const small = fc.nat(100).map(BigInt)
const end = fc.oneof(
  fc.constant(Uint8Array.of(0x00)),
  fc.tuple(operand, operand).map(([a, b]) => concatBytes(push(a), push(b), Uint8Array.of(0xf3))),
  fc.tuple(small, small).map(([a, b]) => concatBytes(push(a), push(b), Uint8Array.of(0xfd))),
)
const program = fc
  .tuple(
    fc.array(fc.oneof({ weight: 6, arbitrary: operation }, { weight: 1, arbitrary: selfCall }), { maxLength: 25 }),
    end,
  )
  .map(([body, tail]) => concatBytes(...body, tail))

test.each(['canyon', 'ecotone', 'isthmus'] as const)(
  '%s: our loop and opcodes do what the library does',
  async (fork) => {
    const rules = rulesAt(forksUntil(fork), 1_000n)
    const hardfork = { canyon: Hardfork.Shanghai, ecotone: Hardfork.Cancun, isthmus: Hardfork.Prague }[fork]
    const ours = new EvmState(fresh())
    const theirs = new EvmState(fresh())
    const fast = await createOpEvm(901n, rules, ours, () => () => new Uint8Array(32))
    const library = await createEVM({ common: new Common({ chain: Mainnet, hardfork }), stateManager: theirs })
    // A listener on steps keeps the library in its own loop; its opcode table is untouched anyway.
    library.events.on('step', () => undefined)
    await fc.assert(
      fc.asyncProperty(program, fc.integer({ min: 1_000, max: 150_000 }), async (code, gas) => {
        const [a, b] = [await run(fast, ours, code, gas), await run(library, theirs, code, gas)]
        expect(a).toEqual(b)
      }),
      { numRuns: 60 },
    )
  },
)

async function run(evm: EVM, state: EvmState, code: Uint8Array, gas: number) {
  state.use(fresh())
  state.state.updateAccount(caller, { balance: 10n ** 18n })
  state.state.setCode(self, code)
  state.state.setStorage(self, uintBytes(1, 32), Uint8Array.of(7))
  state.state.beginTransaction()
  evm.journal.cleanJournal()
  await evm.journal.checkpoint()
  const { execResult } = await evm.runCall({
    caller: new Address(caller),
    to: new Address(self),
    gasLimit: BigInt(gas),
    data: new Uint8Array(40).fill(0xab),
    skipNonceIncrement: true,
  })
  await evm.journal.cleanup()
  state.state.commit()
  return {
    gas: execResult.executionGasUsed,
    refund: execResult.gasRefund,
    output: bytesToHex(execResult.returnValue),
    error: execResult.exceptionError?.error,
    logs: (execResult.logs ?? []).map(([address, topics, data]) => [address, ...topics, data].map(bytesToHex)),
    root: bytesToHex(state.state.seal().world.root),
  }
}

function fresh(): FlatState {
  return new FlatState(new World({ node: () => undefined, code: () => undefined }, emptyTrieRoot))
}

function push(value: bigint): Uint8Array {
  return concatBytes(Uint8Array.of(0x7f), uintBytes(value, 32))
}
