// A process that runs an engine on two threads, closes it or leaves it, and ends.
import { setTimeout as sleep } from 'node:timers/promises'
import { register } from 'tsx/esm/api'

register()
const { WasmEngine } = await import('../../inference/wasm/wasm-engine.ts')
const { randomModel } = await import('./random-model.ts')

const model = randomModel(5)
const prompt = Array.from({ length: 100 }, (_, i) => i % 48)
const expected = new WasmEngine(model).start().append(prompt)
const engine = new WasmEngine(model, { threads: 2, pieceCost: 64 })
while (engine.threads < 2) await sleep(20)
report()
if (process.argv[2] === 'close') {
  await engine.close()
  report()
}

function report() {
  const same = engine
    .start()
    .append(prompt)
    .every((logit, i) => logit === expected[i])
  process.stdout.write(`threads ${engine.threads} ${same ? 'same' : 'other'}\n`)
}
