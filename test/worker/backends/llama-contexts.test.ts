import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { adaptersReadMax, contextsMax, LlamaContexts } from '../../../worker/backends/llama-contexts.ts'

type Adapter = { readonly root: string; readonly scale: number }
const adapter = (n: number, scale = 1): Adapter => ({ root: `0x${n}`, scale })
const turns = async () => {
  for (let i = 0; i < 40; i++) await Promise.resolve()
}

/** Loads models whose contexts count what is open, and break where more sequences are taken than they have. */
class Library {
  readonly sequences = 2
  loads = 0
  models = 0
  contexts = 0
  most = 0
  broken = ''
  readonly contextsOf = (): LlamaContexts<Adapter> =>
    new LlamaContexts<Adapter>(this.sequences, async () => {
      this.loads++
      this.models++
      const read = new Set<string>()
      return {
        create: async (adapters) => {
          for (const { root } of adapters) read.add(root)
          if (read.size > adaptersReadMax) throw new Error('too many adapters read')
          if (adapters.some(({ root }) => root === this.broken)) throw new Error('no such adapter')
          this.contexts++
          this.most = Math.max(this.most, this.contexts)
          return this.#context(adapters)
        },
        dispose: async () => {
          this.models--
          this.contexts = 0
        },
      }
    })

  #context(adapters: readonly Adapter[]) {
    let taken = 0
    return {
      getSequence: () => {
        if (++taken > this.sequences) throw new Error('No sequences left')
        return {
          controlledEvaluate: async () => adapters,
          dispose: async () => {
            await Promise.resolve()
            taken--
          },
        }
      },
      dispose: async () => {
        if (taken > 0) throw new Error('in use')
        this.contexts--
      },
    }
  }
}

describe('contexts of llama.cpp', () => {
  test('every answer gets a sequence of its own adapters in the end, whatever else is asked for', async () => {
    const jobs = fc.array(fc.record({ of: fc.array(fc.nat(6), { maxLength: 2 }), hold: fc.nat(3) }), { maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(jobs, async (list) => {
        const library = new Library()
        const contexts = library.contextsOf()
        const run = async ({ of, hold }: { of: number[]; hold: number }) => {
          const adapters = of.map((n) => adapter(n))
          const { sequence, release } = await contexts.take(adapters)
          expect(await sequence.controlledEvaluate([])).toEqual(adapters)
          for (let i = 0; i < hold; i++) await turns()
          release()
        }
        await Promise.all(list.map(run))
        expect(library.most).toBeLessThanOrEqual(contextsMax)
      }),
      { numRuns: 60 },
    )
  })

  test('by another weight an adapter is another context', async () => {
    const contexts = new Library().contextsOf()
    const [one, two] = [await contexts.take([adapter(1)]), await contexts.take([adapter(1, 0.5)])]
    expect(await one.sequence.controlledEvaluate([])).not.toEqual(await two.sequence.controlledEvaluate([]))
  })

  test('a model that has read its fill is loaded anew, once nothing of it is in use', async () => {
    const library = new Library()
    const contexts = library.contextsOf()
    const held = await contexts.take([])
    for (let n = 0; n < adaptersReadMax; n++) (await contexts.take([adapter(n)])).release()
    const next = contexts.take([adapter(adaptersReadMax)])
    await turns()
    expect(library.loads).toBe(1)
    held.release()
    ;(await next).release()
    expect([library.loads, library.models]).toEqual([2, 1])
  })

  test('what cannot be opened is told of, and leaves nothing behind', async () => {
    const library = new Library()
    const contexts = library.contextsOf()
    library.broken = adapter(1).root
    await expect(contexts.take([adapter(1)])).rejects.toThrow('no such adapter')
    library.broken = ''
    ;(await contexts.take([adapter(1)])).release()
    expect(library.contexts).toBe(1)
  })
})
