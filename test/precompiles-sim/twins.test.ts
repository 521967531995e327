import { describe, expect, test } from 'vitest'
import { precompiles } from '../../precompiles-sim/table.ts'
import { bytesToHex } from '../../protocol/bytes.ts'
import { callMakers, damaged } from '../fakes/precompile-calls.ts'
import { Random } from '../fakes/random.ts'
import { TwinEvms } from '../fakes/twin-evms.ts'

/** Calls of each precompile; the full trial is 10,000. */
const trials = Number(process.env['OPENLEDGER_FUZZ'] ?? 250)
/** Calls of one transaction, at most. */
const callsMax = 8

describe.each(precompiles)('$name', ({ name }) => {
  test('its twin gives the same output, revert data and halts as the bytecode, for no more gas', async () => {
    const make = callMakers[name]
    if (make === undefined) throw new Error(`no calls are made of ${name}`)
    const evms = await TwinEvms.create()
    const outcomes = { returned: 0, reverted: 0 }
    for (let done = 0, seed = 1; done < trials; seed++) {
      const random = new Random(seed)
      const calls = random.list(1 + random.int(callsMax), () => {
        const call = make(random)
        return random.chance(0.25) ? damaged(call, random) : call
      })
      for (const [i, { bytecode, native }] of (await evms.transaction(calls)).entries()) {
        const input = bytesToHex(calls[i]?.data ?? new Uint8Array(0))
        const seen = ({ output, error }: typeof native) => ({ input, seed, output: bytesToHex(output), error })
        expect(seen(native)).toEqual(seen(bytecode))
        if (native.gas - native.refund > bytecode.gas - bytecode.refund || native.gas > bytecode.gas) {
          throw new Error(`native ${native.gas} gas, bytecode ${bytecode.gas}: seed ${seed}, call ${i}, ${input}`)
        }
        outcomes[native.error === undefined ? 'returned' : 'reverted']++
        done++
      }
    }
    expect(outcomes.returned).toBeGreaterThan(trials / 5)
    expect(outcomes.reverted).toBeGreaterThan(trials / 50)
  }, 600_000)
})
