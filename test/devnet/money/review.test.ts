import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { contentHash } from '../../../protocol/content-hash.ts'
import { CommandLine } from '../../fakes/command-line.ts'

/** Contributions reviewed, disputed, labelled and proven copies by the command line alone. */
const [owner, author, copier, challenger] = [1, 2, 3, 4] as const
const validators = [5, 6, 7] as const
const text = Array.from({ length: 120 }, (_, i) => `word${(i * 7) % 53} of${(i * 3) % 17}`).join(' ')
let people: CommandLine
let does: CommandLine['does']
beforeAll(async () => {
  people = await CommandLine.open()
  does = people.does
})
afterAll(() => people.close())

const submission = (path: string, store = 'content') =>
  `datanet submit --datanet 1 --file ${path} --source us --use tests --content.dir ${people.file(store)}`

/** In preset dev a day of reviews has 5 seconds: 20 s of commits, then reveals. */
async function scored(round: number, scores: readonly number[]): Promise<void> {
  for (const [i, score] of scores.entries()) {
    await does(validators[i] ?? 0, `datanet score --round ${round} --score ${score}`)
  }
  await people.later(20n)
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
  await people.later(2n)
  expect(await people.shows(validators[0], 'datanet validator')).toMatchObject({ weight: '200', ofAll: '600' })

  const original = people.file('original.txt', text)
  await does(author, submission(original))
  await people.isRefused(author, 'datanet review --contribution 9', 'contribution')
  await does(author, 'datanet review --contribution 1')
  await people.isRefused(author, 'datanet score --round 1 --score 9000', 'has an interest in it')
  await scored(1, [9_000, 8_000, 500])
  expect(await people.shows(author, 'datanet round --round 1')).toMatchObject({ state: 'decided', score: 8_000 })
  await does(validators[1], 'datanet pay-review --round 1')
  await people.isRefused(validators[2], 'datanet pay-review --round 1', 'nothing is due')

  const copy = people.file('copy.txt', `${text} and a little more`)
  const honest = await people.run(copier, submission(copy))
  expect([honest.code, honest.stderr]).toEqual([
    2,
    expect.stringMatching(/NEAR_DUPLICATE: it is \d+ % like contribution 1;/),
  ])
  // Who has no originals there sends it all the same.
  await does(copier, submission(copy, 'elsewhere'))
  await does(challenger, 'datanet demand-signature --contribution 2')
  await does(author, `datanet show-signature --contribution 2 --text ${copy}`)
  await people.isRefused(challenger, `datanet show-signature --contribution 2 --text ${original}`, 'is not the content')
  const proof = `datanet prove-near-duplicate --contribution 2 --text ${copy} --original 1 --original-text ${original}`
  const { NearDuplicateProven } = await does(challenger, proof)
  expect(NearDuplicateProven).toMatchObject({ contribId: '2', original: '1' })

  const label = people.file('label.txt', 'a label of the first text')
  await does(
    copier,
    `datanet annotate --contribution 1 --file ${label} --source us --use tests --content.dir ${people.file('content')}`,
  )
  await does(author, 'datanet review --contribution 3')
  await scored(2, [9_000, 9_000, 9_000])
  await does(copier, 'datanet share-label --label 3')

  await does(challenger, 'datanet challenge --contribution 1 --ground poison')
  await people.isRefused(copier, 'datanet challenge --contribution 1 --ground poison', 'dispute 1 about it is open')
  await scored(3, [0, 1_000, 9_000])
  await people.isRefused(author, 'datanet appeal --dispute 1', 'did not lose it')
  await people.isRefused(author, 'datanet settle --dispute 1', 'possible from')
  await people.later(15n)
  const { DisputeSettled } = await does(author, 'datanet settle --dispute 1')
  expect(DisputeSettled).toMatchObject({ upheld: false })
  expect(await people.shows(author, 'datanet dispute --dispute 1')).toMatchObject({
    state: 'settled',
    verdict: 'dismissed',
  })
  await does(author, `datanet validator-claim --to 0x${'7a'.repeat(20)}`)
})

test('rows of a batch are demanded, shown, proven copies and false: by the command line, beside a damaged file', async () => {
  const made = await does(owner, `datanet create --media text --licence MIT --bond 2 --meta 0x${'13'.repeat(32)}`)
  const datanet = made['DatanetCreated']?.['id']
  await does(owner, `datanet status --datanet ${datanet} --to open`)
  await does(owner, `datanet set --datanet ${datanet} --parameter near-duplicate --value 5500`)
  const rows = [1, 2, 3].map((n) => Array.from({ length: 60 }, (_, i) => `row${n} ${(i * 11) % 43}`).join(' '))
  const store = `--content.dir ${people.file('content')}`
  const batch = async (who: number, name: string, texts: readonly string[]) => {
    const file = people.file(name, texts.join('\n\n'))
    const { ContributionBatch } = await does(
      who,
      `datanet batch --datanet ${datanet} --file ${file} --source us --use tests ${store}`,
    )
    return Number(ContributionBatch?.['firstId'])
  }
  const first = await batch(author, 'rows.txt', rows)
  const copied = `${rows[1]} and more`
  const second = await batch(copier, 'copies.txt', ['something else altogether', copied])
  const [original, copy] = [first + 1, second + 1]
  // As an editor leaves it: the content is its canonical form.
  const originalFile = people.file('row.txt', `${rows[1]}\r\n`)
  const copyFile = people.file('copied-row.txt', copied)
  await does(owner, `datanet decide --contribution ${original} --accept true`)

  await does(challenger, `datanet demand-signature --contribution ${original}`)
  const shows = `datanet show-signature --contribution ${original} ${store} --text`
  await people.isRefused(author, `${shows} ${copyFile}`, 'is not the content')
  await people.isRefused(
    author,
    `datanet show-signature --contribution ${original} --text ${originalFile}`,
    'name --content.dir',
  )
  expect(await does(author, `${shows} ${originalFile}`)).toMatchObject({
    SignatureShown: { contribId: String(original) },
  })
  await does(author, `datanet signature-show --contribution ${original} --text ${originalFile} ${store}`)

  const pair = `--contribution ${copy} --text ${copyFile} --original ${original} --original-text ${originalFile}`
  const { NearDuplicateProven } = await does(challenger, `datanet prove-near-duplicate ${pair} ${store}`)
  expect(NearDuplicateProven).toMatchObject({ contribId: String(copy), original: String(original) })

  const right = people.file('right.sig')
  const { encodeSignature, signatureOf } = await import('../../../attribution/near-duplicates/signature.ts')
  writeFileSync(right, encodeSignature(signatureOf(new TextEncoder().encode(rows[0]))))
  const whole = `datanet prove-false-signature-whole --contribution ${first} --text ${people.file('a.txt', rows[0])}`
  await people.isRefused(challenger, `${whole} --signature ${right} ${store}`, 'is right, as far as was shown')

  const damaged = contentHash(new TextEncoder().encode(rows[1]))
  const damagedFile = join(people.file('content'), damaged.slice(2, 4), damaged.slice(4))
  writeFileSync(damagedFile, 'other bytes')
  const mine = people.file('mine.txt', 'a text that nothing here is like')
  const ran = await people.run(
    author,
    `datanet submit --datanet ${datanet} --file ${mine} --source us --use tests ${store} --yes`,
  )
  expect([ran.code, ran.stderr]).toEqual([0, expect.stringContaining(damagedFile)])
})
