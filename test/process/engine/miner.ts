/** Mines as fast as it can in the folder it is given, and says each head; made to be killed. */
import {
  addressOf,
  deposit,
  EngineWorld,
  forksUntil,
  genesisWith,
  heads,
  transfer,
} from '../../node/engine/embedded/engine-world.ts'

const dir = process.argv[2]
if (dir === undefined) throw new Error('no folder')
const world = await EngineWorld.open(genesisWith(forksUntil('jovian')), { dir, statesKept: { min: 4n, max: 100n } })
for (;;) {
  const nonce = world.state().account(addressOf(1))?.nonce ?? 0n
  const transactions = Array.from({ length: 5 }, (_, n) => transfer(1, nonce + BigInt(n)))
  await world.mine([deposit({ mint: 1n }), ...transactions])
  const { hash, header } = world.chain.latest()
  await world.engine.forkchoiceUpdated(heads(hash, hash, hash))
  process.stdout.write(`${header.number} ${hash}\n`)
}
