import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Hex } from '../../../protocol/bytes.ts'
import { addressOf, CommandLine } from '../../fakes/command-line.ts'
import { Eas } from '../../fakes/eas.ts'

/** A permissioned Datanet by the command line alone: shares, a licence that is sold, sealed content, a vote; then a gated one. */
const [owner, contributor, buyer, reader] = [1, 2, 3, 4] as const
let people: CommandLine
beforeAll(async () => {
  people = await CommandLine.open()
})
afterAll(() => people.close())

test('a Datanet’s shares are allotted, sold and paid, its content read by who bought access, its price voted on', async () => {
  const { does, file, isRefused, later, run, shows } = people
  const meta = `0x${'12'.repeat(32)}`
  await does(owner, `datanet create --media text --visibility permissioned --licence MIT --meta ${meta}`)

  // Sealed content is what is contributed; its key stays with the owner.
  const plain = file('plain.txt', 'a text that few may read')
  const [sealed, key] = [file('sealed.txt'), file('key.hex')]
  const { code, stdout } = await run(
    owner,
    `datanet seal --datanet 1 --in ${plain} --out ${sealed} --content-key ${key}`,
  )
  expect([code, stdout]).toEqual([0, expect.stringContaining('content hash 0x')])
  expect(readFileSync(sealed, 'utf8')).not.toContain('few may read')
  const store = `--content.dir ${file('content')}`
  const { ContributionSubmitted } = await does(
    owner,
    `datanet submit --datanet 1 --file ${sealed} --source clinic --use research ${store}`,
  )
  expect(stdout).toContain(ContributionSubmitted?.['contentHash'])
  await does(owner, 'datanet decide --contribution 1 --accept true')

  // 60 units of the owner, 40 of a contributor, by a list whose root the version names.
  const list = file('units.csv', `${addressOf(owner)},60\n${addressOf(contributor)},40\n`)
  const root = file('allotment.json')
  expect((await run(owner, `datanet allotment --allotment ${list} --out ${root}`)).code).toBe(0)
  const allotment = JSON.parse(readFileSync(root, 'utf8')) as { root: Hex; units: string }
  expect(allotment.units).toBe('100')
  await does(owner, `datanet publish --datanet 1 --units ${allotment.units} --units-root ${allotment.root} ${store}`)
  await does(contributor, `datanet units-claim --version 1.1 --allotment ${list}`)
  await does(contributor, `datanet units-claim --version 1.1 --allotment ${list} --contributor ${addressOf(owner)}`)

  await isRefused(reader, 'datanet allowed --version 1.1 --purpose read', 'has no grant')
  await does(owner, 'datanet offer --datanet 1 --purpose read --price 10 --lasts 30d')
  await does(reader, 'datanet buy --datanet 1 --purpose read')
  expect(await shows(reader, 'datanet allowed --version 1.1 --purpose read')).toMatchObject({ allowed: true })
  const opened = file('opened.txt')
  const open = `datanet open --version 1.1 --in ${sealed} --out ${opened}`
  expect((await run(reader, open)).stderr).toContain('no key of version 1.1')
  await does(owner, `datanet deliver-key --grant 1 --version 1 --content-key ${key}`)
  expect((await run(reader, open)).code).toBe(0)
  expect(readFileSync(opened, 'utf8')).toBe('a text that few may read')
  expect((await run(buyer, open)).code).not.toBe(0)

  // Sold after the licence: the income of before stays the contributor's.
  await does(contributor, `datanet units-send --version 1.1 --to ${addressOf(buyer)} --amount 40`)
  expect(await shows(contributor, 'datanet units --datanet 1')).toMatchObject({ movable: '0' })
  const { PoolClaimed } = await does(contributor, 'claim pool --pool datanet:1')
  expect(PoolClaimed?.['amount']).toBe('4000000000000000000')

  // Asked for, denied, refunded.
  await does(buyer, 'datanet request-access --datanet 1 --purpose train --lasts 1d --price 2')
  await isRefused(buyer, 'datanet grant --request 1', 'not yours')
  await does(owner, 'datanet deny --request 1')
  await does(buyer, 'datanet access-refund')

  await does(owner, 'datanet vote-rule --datanet 1 --parameter vote-period --value 60')
  await does(owner, 'datanet govern --datanet 1')
  await isRefused(owner, 'datanet offer --datanet 1 --purpose read --price 1 --lasts 1d', 'then a vote')
  await does(buyer, 'datanet propose --datanet 1 --parameter bond --value 5000')
  await does(buyer, 'datanet vote --proposal 1 --support for')
  await isRefused(contributor, 'datanet vote --proposal 1 --support against', 'held no units')
  await later(61n)
  expect(await shows(owner, 'datanet proposal --proposal 1')).toMatchObject({ state: 'succeeded' })
  await does(reader, 'datanet execute --proposal 1')
  expect(await shows(owner, 'datanet proposal --proposal 1')).toMatchObject({ state: 'executed' })
}, 120_000)

test('a Datanet takes contributions of who has the credential and the reputation that it asks for, and of nobody else', async () => {
  const { does, file, isRefused, shows } = people
  const { chain } = people.served
  const eas = Eas.served(chain)
  const attester = chain.actor('watcher')
  const schema = await eas.registerSchema('string profession', attester)
  const { DatanetCreated } = await does(owner, `datanet create --media text --licence MIT --meta 0x${'13'.repeat(32)}`)
  const datanet = `--datanet ${DatanetCreated?.['id']}`
  await does(owner, `datanet status ${datanet} --to open`)
  await does(owner, `datanet gate ${datanet} --asks credential --value ${schema}`)
  await does(owner, `datanet gate ${datanet} --asks attester --value ${attester.address}`)
  await does(owner, `datanet gate ${datanet} --asks reputation --value 30000`)
  const text = (n: number) => file(`gated-${n}.txt`, `what only a nurse would write, number ${n}`)
  const submit = (n: number) =>
    `datanet submit ${datanet} --file ${text(n)} --source ward --use research --content.dir ${file('content')}`
  await isRefused(contributor, submit(1), 'use datanet show-credential')
  await isRefused(contributor, `datanet may-contribute ${datanet}`, 'use datanet show-credential')

  const said = { schema, recipient: addressOf(contributor), by: attester }
  const show = (uid: string) => `datanet show-credential ${datanet} --attestation ${uid}`
  await isRefused(contributor, show(await eas.attest({ ...said, by: chain.actor('bob') })), 'asks for one by')
  const uid = await eas.attest(said)
  await does(contributor, show(uid))
  expect(await shows(contributor, `datanet may-contribute ${datanet}`)).toMatchObject({ schema, attestation: uid })
  const { ContributionSubmitted } = await does(contributor, submit(1))
  const { ReputationMoved } = await does(
    owner,
    `datanet decide --contribution ${ContributionSubmitted?.['contribId']} --accept false`,
  )
  expect(Number(ReputationMoved?.['reputation'])).toBe(28_672)
  await isRefused(contributor, submit(2), 'from a reputation of 30000 on')
  await does(owner, `datanet gate ${datanet} --asks reputation --value 20000`)
  await does(contributor, submit(2))
  await eas.revoke(schema, uid, attester)
  await isRefused(contributor, submit(3), 'was revoked')
  await does(owner, `datanet gate ${datanet} --asks credential --value 0`)
  await does(contributor, submit(3))
}, 120_000)
