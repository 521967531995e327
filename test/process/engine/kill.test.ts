import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { addressOf, EngineWorld, forksUntil, genesisWith, transfer } from '../../node/engine/embedded/engine-world.ts'

test('an engine killed in the middle of its work opens at a whole block and goes on', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'killed-engine-'))
  for (const [round, delayMs] of [0, 7, 23, 61].entries()) {
    const said = await mineAndKill(dir, 10 + round, delayMs)
    const world = await EngineWorld.open(genesisWith(forksUntil('jovian')), { dir, statesKept: { min: 4n, max: 100n } })
    const { header, transactions } = world.chain.latest()
    // What was said to be the head is there, or a block after it.
    expect(header.number).toBeGreaterThanOrEqual(said)
    expect(transactions).toHaveLength(6)
    expect(world.receipts()).toHaveLength(6)
    expect(world.state().account(addressOf(1))?.nonce).toBe(5n * header.number)
    expect(world.balance(addressOf(7))).toBe(5n * header.number)
    await world.mine([transfer(2, 0n)])
    expect(world.chain.latest().header.number).toBe(header.number + 1n)
    // Take it back, so that the sums above hold in the next round.
    const parent = world.chain.canonicalHash(header.number)
    if (parent === undefined) throw new Error('the head has no parent')
    await world.engine.forkchoiceUpdated({ headBlockHash: parent, safeBlockHash: parent, finalizedBlockHash: parent })
    await world.close()
  }
})

/** Returns the number of the last head the miner spoke of. */
async function mineAndKill(dir: string, blocks: number, delayMs: number): Promise<bigint> {
  const miner = spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'miner.ts'), dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(miner, 'exit')
  let last = 0n
  let lines = 0
  for await (const line of createInterface({ input: miner.stdout })) {
    last = BigInt(line.split(' ')[0] ?? '0')
    if (++lines === blocks) setTimeout(() => miner.kill('SIGKILL'), delayMs)
  }
  await exited
  return last
}
