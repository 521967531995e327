import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openledgerHere, type Ran } from '../../fakes/money-cli.ts'
import { ServedChain } from '../../fakes/served-chain.ts'

/** Contributions reviewed, disputed, labelled and proven copies by the command line alone. */
const dir = mkdtempSync(join(tmpdir(), 'openledger-review-'))
const [owner, author, copier, challenger] = [1, 2, 3, 4] as const
const validators = [5, 6, 7] as const
const text = Array.from({ length: 120 }, (_, i) => `word${(i * 7) % 53} of${(i * 3) % 17}`).join(' ')
const file = (name: string, content: string): string => {
  const path = join(dir, name)
  writeFileSync(path, content)
  return path
}

let served: ServedChain
beforeAll(async () => {
  served = await ServedChain.open()
})
afterAll(async () => {
  await served.close()
  rmSync(dir, { recursive: true, force: true })
})

const env = (who: number) => ({ OPENLEDGER_RPC: served.url, OPENLEDGER_DEV_ACCOUNT: String(who) })
const run = (who: number, line: string): Promise<Ran> => openledgerHere(line.split(' '), { env: env(who) })

async function does(who: number, line: string): Promise<Readonly<Record<string, Readonly<Record<string, unknown>>>>> {
  const { code, stdout, stderr } = await run(who, `${line} --yes --json`)
  expect(code, `${line}: ${stderr}`).toBe(0)
  const { receipt } = JSON.parse(stdout) as { receipt: { events: { name: string; args: Record<string, unknown> }[] } }
  return Object.fromEntries(receipt.events.map(({ name, args }) => [name, args]))
}

async function shows(who: number, line: string): Promise<Readonly<Record<string, unknown>>> {
  const { code, stdout, stderr } = await run(who, `${line} --json`)
  expect(code, `${line}: ${stderr}`).toBe(0)
  return JSON.parse(stdout) as Record<string, unknown>
}

async function isRefused(who: number, line: string, why: string): Promise<void> {
  const { code, stderr } = await run(who, line)
  expect([code, stderr.includes(why)], `${line}: ${stderr}`).toEqual([1, true])
}

async function later(seconds: bigint): Promise<void> {
  served.chain.advance(seconds)
  await served.chain.mine()
}

const submit = (who: number, path: string) =>
  does(who, `datanet submit --datanet 1 --file ${path} --source us --use tests --content.dir ${join(dir, 'content')}`)

/** In preset dev a day of reviews has 5 seconds: 20 s of commits, then reveals. */
async function scored(round: number, scores: readonly number[]): Promise<void> {
  for (const [i, score] of scores.entries()) {
    await does(validators[i] ?? 0, `datanet score --round ${round} --score ${score}`)
  }
  await later(20n)
  for (const [i, score] of scores.entries()) {
    await does(validators[i] ?? 0, `datanet reveal --round ${round} --score ${score}`)
  }
  await does(challenger, `datanet close-round --round ${round}`)
}

test('contributions are reviewed, a copy is proven, a challenge fails, a label earns: by the command line', async () => {
  await does(owner, `datanet create --media text --licence MIT --bond 2 --meta 0x${'12'.repeat(32)}`)
  await does(owner, 'datanet status --datanet 1 --to open')
  for (const [parameter, value] of [
    ['admission', '2'],
    ['near-duplicate', '5500'],
    ['label-share', '1500'],
  ]) {
    await does(owner, `datanet set --datanet 1 --parameter ${parameter} --value ${value}`)
  }
  for (const validator of validators) await does(validator, 'datanet validator-stake --amount 200')
  await later(2n)
  expect(await shows(validators[0], 'datanet validator')).toMatchObject({ weight: '200', ofAll: '600' })

  const original = file('original.txt', text)
  await submit(author, original)
  await isRefused(author, 'datanet review --contribution 9', 'contribution')
  await does(author, 'datanet review --contribution 1')
  await isRefused(author, 'datanet score --round 1 --score 9000', 'has an interest in it')
  await scored(1, [9_000, 8_000, 500])
  expect(await shows(author, 'datanet round --round 1')).toMatchObject({ state: 'decided', score: 8_000 })
  await does(validators[1], 'datanet pay-review --round 1')
  await isRefused(validators[2], 'datanet pay-review --round 1', 'nothing is due')

  const copy = file('copy.txt', `${text} and a little more`)
  await submit(copier, copy)
  await does(challenger, 'datanet demand-signature --contribution 2')
  await does(author, `datanet show-signature --contribution 2 --text ${copy}`)
  await isRefused(challenger, `datanet show-signature --contribution 2 --text ${original}`, 'is not the content')
  const proof = `datanet prove-near-duplicate --contribution 2 --text ${copy} --original 1 --original-text ${original}`
  const { NearDuplicateProven } = await does(challenger, proof)
  expect(NearDuplicateProven).toMatchObject({ contribId: '2', original: '1' })

  const label = file('label.txt', 'a label of the first text')
  await does(
    copier,
    `datanet annotate --contribution 1 --file ${label} --source us --use tests --content.dir ${join(dir, 'content')}`,
  )
  await does(author, 'datanet review --contribution 3')
  await scored(2, [9_000, 9_000, 9_000])
  await does(copier, 'datanet share-label --label 3')

  await does(challenger, 'datanet challenge --contribution 1 --ground poison')
  await isRefused(copier, 'datanet challenge --contribution 1 --ground poison', 'dispute 1 about it is open')
  await scored(3, [0, 1_000, 9_000])
  await isRefused(author, 'datanet appeal --dispute 1', 'did not lose it')
  await isRefused(author, 'datanet settle --dispute 1', 'possible from')
  await later(15n)
  const { DisputeSettled } = await does(author, 'datanet settle --dispute 1')
  expect(DisputeSettled).toMatchObject({ upheld: false })
  expect(await shows(author, 'datanet dispute --dispute 1')).toMatchObject({ state: 'settled', verdict: 'dismissed' })
  await does(author, `datanet validator-claim --to 0x${'7a'.repeat(20)}`)
})
