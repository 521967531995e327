import type { Engine } from '../../inference/engine.ts'

/** Tokens a second of CPU time, of a prompt at once and one after another: what else the machine does is left out. */
export type Speed = { prefillTokS: number; decodeTokS: number }

/** Tokens that both sides run: which they are changes no work. */
export function benchTokens(count: number, vocab: number): number[] {
  return Array.from({ length: count }, (_, i) => 8 + ((i * 7919) % (vocab - 8)))
}

/** The best of `runs`. */
export function measureSpeed(engine: Engine, prefill: number, decode: number, runs: number): Speed {
  const best: Speed = { prefillTokS: 0, decodeTokS: 0 }
  const { vocab } = engine.config
  for (let run = 0; run < runs; run++) {
    const session = engine.start()
    const start = cpuSeconds()
    session.append(benchTokens(prefill, vocab))
    const middle = cpuSeconds()
    for (const token of benchTokens(decode, vocab)) session.append([token])
    const end = cpuSeconds()
    session.close()
    best.prefillTokS = Math.max(best.prefillTokS, prefill / (middle - start))
    best.decodeTokS = Math.max(best.decodeTokS, decode / (end - middle))
  }
  return best
}

/** Of this process, all its threads. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}
