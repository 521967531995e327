import { afterEach, beforeEach, expect, test } from 'vitest'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { loadArtifact } from '../../contracts/artifact.ts'
import { zeroHash } from '../../protocol/bytes.ts'
import { contractEvent, datanetEvent, word } from '../fakes/datanet-events.ts'
import { address, type FakeTx } from '../fakes/indexed-chain.ts'
import { licence } from '../fakes/licences.ts'
import { IndexWorld, type TestIndex } from '../fakes/test-index.ts'

let world: IndexWorld
let index: TestIndex
beforeEach(async () => {
  world = await IndexWorld.start()
  index = world.open()
})
afterEach(() => world.stop())

const emitted = (contract: 'LicencePolicy' | 'ModelRegistry', name: string, values: Record<string, unknown>) =>
  contractEvent(
    loadArtifact(contract).abi,
    contract === 'LicencePolicy' ? openLedgerPredeploys.licencePolicy : openLedgerPredeploys.modelRegistry,
    name,
    values,
  )
const defined = word('terms of a hospital')

const datanet = (id: bigint, licenceId: string): FakeTx => ({
  logs: [datanetEvent('DatanetCreated', { id, owner: address(1), mediaType: 0, licenceId, metaHash: word('meta') })],
})
const model = (id: bigint, spdx: string, terms: number, inherited: number): FakeTx => ({
  logs: [
    emitted('ModelRegistry', 'ModelRegistered', {
      id,
      owner: address(1),
      kind: 0,
      verifyClasses: 1,
      licenceId: licence(spdx),
      royaltyHash: zeroHash,
    }),
    emitted('LicencePolicy', 'ModelLicensed', { model: id, licenceId: licence(spdx), terms, inherited }),
  ],
})

test('terms of Datanets and models are shown, and what would clash with them is named as the chain names it', async () => {
  world.chain.mine([
    {
      logs: [
        emitted('LicencePolicy', 'LicenceDefined', {
          licenceId: defined,
          terms: 9,
          textHash: word('text'),
          by: address(2),
        }),
      ],
    },
    datanet(1n, licence('CC-BY-NC-4.0')),
    datanet(2n, defined),
    model(1n, 'CC-BY-NC-4.0', 3, 3),
    model(2n, 'CC-BY-NC-4.0', 3, 2),
  ])
  await index.follow()
  const { data, errors } = await index.ask(`{
    datanet(id: "2") { licence licenceTerms { terms licenceId uri textHash definedBy } }
    listed: licence(id: "ODbL-1.0") { terms uri definedBy }
    models { nodes { licenceTerms { licence { id } terms inherited isPriceable } } }
    check: licenceCheck(licence: "MIT", uses: [FINE_TUNE, PRICE], datanets: ["1", "2"], models: ["2"], licences: ["CC-BY-SA-4.0"]) {
      ok inherited clashes { work id clash }
    }
    fine: licenceCheck(licence: "CC-BY-NC-4.0", uses: [TRAIN], datanets: ["1"]) { ok clashes { clash } }
    licences(where: { definedBy: "${address(2)}" }) { totalCount nodes { id } }
  }`)
  expect(errors).toBeUndefined()
  expect(data).toEqual({
    datanet: {
      licence: defined,
      licenceTerms: {
        terms: ['NC', 'ND'],
        licenceId: defined,
        uri: `urn:openledger:licence:${defined}`,
        textHash: word('text'),
        definedBy: address(2),
      },
    },
    listed: { terms: ['BY', 'SA'], uri: 'https://spdx.org/licenses/ODbL-1.0.html', definedBy: null },
    models: {
      nodes: [
        {
          licenceTerms: {
            licence: { id: 'CC-BY-NC-4.0' },
            terms: ['BY', 'NC'],
            inherited: ['BY', 'NC'],
            isPriceable: false,
          },
        },
        {
          licenceTerms: { licence: { id: 'CC-BY-NC-4.0' }, terms: ['BY', 'NC'], inherited: ['BY'], isPriceable: true },
        },
      ],
    },
    check: {
      ok: false,
      inherited: ['BY', 'NC', 'SA', 'ND'],
      clashes: [
        { work: 'MODEL', id: '2', clash: 'NON_COMMERCIAL_PRICE' },
        { work: 'DATANET', id: '1', clash: 'NON_COMMERCIAL_PRICE' },
        { work: 'DATANET', id: '2', clash: 'NON_COMMERCIAL_PRICE' },
        { work: 'LICENCE', id: 'CC-BY-SA-4.0', clash: 'SHARE_ALIKE_DROPPED' },
      ],
    },
    fine: { ok: true, clashes: [] },
    licences: { totalCount: 1, nodes: [{ id: defined }] },
  })
})

test('what is not known is refused by name, and so are questions without uses or with too many works', async () => {
  world.chain.mine([datanet(1n, licence('MIT'))])
  await index.follow()
  const message = async (check: string) => (await index.ask(`{ licenceCheck(${check}) { ok } }`)).errors?.[0]?.message
  expect(await message('licence: "MIT-ish", uses: [TRAIN]')).toContain('MIT-ish')
  expect(await message('licence: "MIT", uses: [TRAIN], datanets: ["7"]')).toContain('Datanet 7')
  expect(await message('licence: "MIT", uses: []')).toContain('uses')
  const many = JSON.stringify(Array.from({ length: 101 }, () => 'MIT'))
  expect(await message(`licence: "MIT", uses: [TRAIN], licences: ${many}`)).toContain('101')
})
