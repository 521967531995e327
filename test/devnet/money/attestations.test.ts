import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Hex, zeroHash } from '../../../protocol/bytes.ts'
import { addressOf, CommandLine } from '../../fakes/command-line.ts'
import { openledgerHere } from '../../fakes/money-cli.ts'

/** Grants and credentials from the schema to what they are good for, by the command line alone. */
const [funder, attester, grantee, stranger] = [1, 2, 3, 4] as const
let people: CommandLine
let { does, events, isRefused, later, shows } = {} as CommandLine
beforeAll(async () => {
  people = await CommandLine.open()
  ;({ does, events, isRefused, later, shows } = people)
})
afterAll(() => people.close())

const uidOf = async (who: number, line: string, event = 'Attested'): Promise<Hex> =>
  (await does(who, line))[event]?.['uid'] as Hex

/** Sends with values that have quotes in them. */
const says = (line: string, values: string | undefined) =>
  openledgerHere([...line.split(' '), ...(values === undefined ? [] : ['--values', values]), '--yes', '--json'], {
    env: { OPENLEDGER_RPC: people.served.url, OPENLEDGER_DEV_ACCOUNT: String(attester) },
  })

test('a grant’s milestone is attested to and paid, and what was revoked before pays nothing', async () => {
  const schema = await uidOf(funder, 'grant schema', 'Registered')
  await isRefused(funder, 'grant schema', `its uid is ${schema}`)
  const terms = `2:30d:${schema}:${addressOf(attester)}`
  await does(funder, `grant create --to ${addressOf(grantee)} --milestones ${terms},${terms} --amount 4`)
  await isRefused(stranger, 'grant attest --grant 1 --milestone 0', 'is paid on the word of')
  await isRefused(attester, 'grant attest --grant 1 --milestone 2', 'has no milestone 2')
  await isRefused(attester, 'grant attest --grant 9 --milestone 0', 'there is no grant 9')

  const taken = await uidOf(attester, 'grant attest --grant 1 --milestone 0')
  await isRefused(stranger, `grant revoke-attestation --attestation ${taken}`, 'only its attester revokes it')
  await does(attester, `grant revoke-attestation --attestation ${taken}`)
  await isRefused(attester, `grant revoke-attestation --attestation ${taken}`, 'revoked already')
  const release = (uid: Hex, milestone = 0) => `grant release --grant 1 --milestone ${milestone} --attestation ${uid}`
  await isRefused(grantee, release(taken), 'was revoked at')

  const uid = await uidOf(attester, 'grant attest --grant 1 --milestone 1 --expires 30d')
  expect(await shows(stranger, `grant attestation --attestation ${uid}`)).toMatchObject({
    attester: addressOf(attester),
    recipient: addressOf(grantee),
    schemaText: 'uint256 grant,uint256 milestone',
    data: `0x${(1).toString(16).padStart(64, '0')}${(1).toString(16).padStart(64, '0')}`,
  })
  await isRefused(grantee, release(uid), 'does not name this grant and milestone')
  expect((await events(grantee, release(uid, 1))).map(({ name }) => name)).toEqual(['MilestonePaid'])
})

test('a credential that a Datanet asks for lets its owner contribute for as long as it stands', async () => {
  const made = await does(funder, `datanet create --media text --licence MIT --meta 0x${'12'.repeat(32)}`)
  const datanet = `--datanet ${made['DatanetCreated']?.['id']}`
  await does(funder, `datanet status ${datanet} --to open`)
  const attest = `datanet attest ${datanet} --who ${addressOf(grantee)}`
  await isRefused(attester, attest, 'asks for no credential')
  const schema = await uidOf(
    attester,
    'datanet credential-schema --text "string profession,uint16 years"',
    'Registered',
  )
  await does(funder, `datanet gate ${datanet} --asks credential --value ${schema}`)
  await does(funder, `datanet gate ${datanet} --asks attester --value ${addressOf(attester)}`)

  await isRefused(stranger, attest, 'not yours')
  for (const values of [undefined, '[]', 'physician', '[1,2,3]', '["x",70000]', '["x",null]']) {
    const wrong = await says(attest, values)
    expect([values, wrong.code, wrong.stderr]).toEqual([
      values,
      2,
      expect.stringContaining('string profession,uint16 years'),
    ])
  }
  const attested = async (line: string): Promise<Hex> => {
    const { code, stdout, stderr } = await says(line, '["physician",12]')
    expect(code, stderr).toBe(0)
    const { events } = (JSON.parse(stdout) as { receipt: { events: { name: string; args: { uid: Hex } }[] } }).receipt
    return events.find(({ name }) => name === 'Attested')?.args.uid ?? zeroHash
  }
  const uid = await attested(`${attest} --expires 10m`)
  const submit = (n: number) =>
    `datanet submit ${datanet} --file ${people.file(`${n}.txt`, `text ${n}`)} --source own --use tests`
  await isRefused(grantee, submit(1), 'use datanet show-credential')
  await does(grantee, `datanet show-credential ${datanet} --attestation ${uid}`)
  await does(grantee, submit(1))
  expect(await shows(grantee, `datanet credential --attestation ${uid}`)).toMatchObject({ schema })
  await isRefused(grantee, `datanet credential --attestation ${zeroHash}`, 'there is no attestation')

  await later(600n)
  await isRefused(grantee, submit(2), 'ended at')
  const next = await attested(attest)
  await does(grantee, `datanet show-credential ${datanet} --attestation ${next}`)
  await does(grantee, submit(2))
  await does(attester, `datanet revoke-credential --attestation ${next}`)
  await isRefused(grantee, submit(3), 'revoked')
})
