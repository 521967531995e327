import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { bytesToHex, uintBytes } from '../../protocol/bytes.ts'
import type { ForkTimes } from '../../protocol/hardforks.ts'
import { genesisForks } from './fork-schedule.ts'
import { fuzz, fuzzGenesis, timeOf } from './fuzz/fuzz-chain.ts'
import { hexAddress, validInputs } from './fuzz/precompile-inputs.ts'
import { TwinEngines } from './fuzz/twin-engines.ts'
import { hasGo, OpGeth } from './op-geth-process.ts'

/** INTEROP_SEED runs another one; a failure names the seed it had. */
const seed = Number(process.env['INTEROP_SEED'] ?? 1)
const folder = mkdtempSync(join(tmpdir(), 'interop-fuzz-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const from = (forks: readonly string[], start: number, step: number): ForkTimes =>
  Object.fromEntries(forks.map((fork, i) => [fork, timeOf(start + i * step)]))
const untilCanyon: ForkTimes = { regolith: 0n, canyon: 0n }

const chains: readonly { readonly name: string; readonly times: ForkTimes; readonly transactions: number }[] = [
  { name: 'Jovian at genesis', times: from(genesisForks, 0, 0), transactions: 3_200 },
  {
    name: 'every fork from Ecotone to Jovian, twelve blocks apart',
    times: { ...untilCanyon, ...from(genesisForks.slice(2), 12, 12) },
    transactions: 1_700,
  },
  { name: 'Regolith only', times: { regolith: 0n }, transactions: 200 },
]

describe.skipIf(!hasGo)('the inputs of precompiles that the fuzz begins with (skipped without Go)', () => {
  test('are valid in op-geth', async () => {
    const genesis = await fuzzGenesis(seed, from(genesisForks, 0, 0))
    const geth = await OpGeth.start({ genesis, dir: join(folder, 'precompiles') })
    try {
      for (const [to, input] of Object.entries(validInputs)) {
        const call = { to: bytesToHex(hexAddress(Number(to))), data: bytesToHex(input) }
        expect(await geth.eth.request('eth_call', [call, 'latest']), to).toBe(bytesToHex(uintBytes(1, 32)))
      }
    } finally {
      await geth.kill()
    }
  })
})

describe.skipIf(!hasGo)('random transactions end alike in the embedded engine and op-geth (skipped without Go)', () => {
  test.each(chains)('$name: $transactions transactions', async ({ name, times, transactions }) => {
    const genesis = await fuzzGenesis(seed, times)
    const twins = await TwinEngines.open(genesis, join(folder, name.replaceAll(' ', '-')))
    try {
      const counts = await fuzz(twins, { seed, transactions })
      process.stdout.write(`${name}: ${JSON.stringify(counts)}\n`)
      expect(counts.transactions).toBeGreaterThanOrEqual(transactions)
      expect(counts.refusedBlocks).toBeLessThan(counts.blocks / 3)
      expect(counts.reverted).toBeLessThan(counts.transactions * 0.6)
    } finally {
      await twins.close()
    }
  })
})
