import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { right } from '../../../inference/check/check-answer.ts'
import { CheckerThread } from '../../../inference/check/checker-thread.ts'
import { bytesSource } from '../../../inference/check/model-source.ts'
import { SecretPool } from '../../../inference/check/pool.ts'
import { encodeModel, modelRoot } from '../../../inference/model-file.ts'
import { Tokenizer } from '../../../inference/tokenizer/tokenizer.ts'
import { encodeTokenizer } from '../../../inference/tokenizer/tokenizer-file.ts'
import { provenAnswer } from '../../fakes/proven-answer.ts'
import { randomModel } from '../../fakes/random-model.ts'

const model = { ...randomModel(8), tokenizer: encodeTokenizer(new Tokenizer(2, [])) }
let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'checker-'))
})
afterAll(() => rm(folder, { recursive: true }))

test('a thread checks files while the caller goes on; a lie ends its pair, a broken file does not', async () => {
  const open = { folder, root: modelRoot(model), pairs: 3 }
  const pool = await SecretPool.open(open, async () => bytesSource(encodeModel(model)))
  const thread = new CheckerThread(pool)
  try {
    const honest = provenAnswer(model)
    const lying = provenAnswer(model, {
      tamper: ({ op, layer, position }, values) => {
        if (op === 'up' && layer === 1 && position === 2) (values as Int32Array)[5] = 77
      },
    })
    const first = thread.check(honest.facts, honest.file.slice())
    const second = thread.check(lying.facts, lying.file)
    const third = thread.check(honest.facts, honest.file.subarray(0, -1))
    expect(await first).toEqual({ ...right, stops: [] })
    expect((await second).verdict).toMatchObject({ ok: false, slab: 2, op: 'up', position: 2 })
    await expect(third).rejects.toMatchObject({ name: 'ProofError', code: 'truncated' })
    expect(pool.pairsLeft).toBe(2)
    expect(await thread.check(honest.facts, honest.file.slice())).toEqual({ ...right, stops: [] })
  } finally {
    await thread.close()
  }
}, 60_000)

test('a thread that was closed tells who waits', async () => {
  const pool = await SecretPool.open({ folder, root: modelRoot(model), pairs: 3 }, async () =>
    bytesSource(encodeModel(model)),
  )
  const thread = new CheckerThread(pool)
  const honest = provenAnswer(model)
  const waiting = thread.check(honest.facts, honest.file.slice())
  await new Promise((resolve) => setTimeout(resolve, 20))
  await thread.close()
  await expect(waiting).rejects.toThrow('closed')
}, 60_000)
