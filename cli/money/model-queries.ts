import type { Hex } from '../../protocol/bytes.ts'
import { modelVersionHash } from '../../protocol/inference-request.ts'
import { type ChainAccess, query } from './action.ts'
import { idArg } from './arg-kinds.ts'
import { Amount, Time } from './values.ts'

type Model = {
  readonly owner: Hex
  readonly kind: number
  readonly deprecated: boolean
  readonly frozen: boolean
  readonly versions: number
  readonly verifyClasses: number
  readonly ancestorsBps: number
  readonly royaltyHash: Hex
  readonly licenceId: Hex
  readonly trainedOnHash: Hex
}

/** What ModelRegistry says of a price; `setAt` 0: there is none. */
export type ChainPrice = {
  readonly rin: bigint
  readonly rout: bigint
  readonly validUntil: bigint
  readonly sharesVersion: number
  readonly setAt: bigint
}

export const showModel = query(
  'Shows a model with its versions and the last price of each in every class.',
  { model: idArg('the model') },
  async ({ model: id }, chain) => {
    const model = (await chain.read('ModelRegistry', 'models', [id])) as Model
    const versions = []
    for (let version = 1; version <= model.versions; version++)
      versions.push(await showVersion(chain, id, version, model))
    const { owner, kind, deprecated, frozen, royaltyHash, licenceId, ancestorsBps, trainedOnHash } = model
    const earner = await chain.read('ModelRegistry', 'payeeAt', [id, await chain.now()])
    const classes = classesOf(model).join(',')
    return {
      model: id,
      owner,
      earner,
      kind,
      deprecated,
      frozen,
      classes,
      licenceId,
      royaltyHash,
      ancestorsBps,
      trainedOnHash,
      versions,
    }
  },
)

const listedMax = 100n

export const showModels = query(
  'Lists models, a hundred at once.',
  { after: { ...idArg('the last model of the list before'), default: '0' } },
  async ({ after }, chain) => {
    const count = (await chain.read('ModelRegistry', 'modelCount')) as bigint
    const rows = []
    for (let id = after + 1n; id <= count && id <= after + listedMax; id++) {
      const { owner, versions, deprecated } = (await chain.read('ModelRegistry', 'models', [id])) as Model
      rows.push({ model: id, owner, versions, deprecated })
    }
    return rows
  },
)

/** The last price of a version in a class, with its number; undefined where it never had one. */
export async function lastPrice(
  chain: Pick<ChainAccess, 'read'>,
  id: bigint,
  version: number,
  proofClass: number,
): Promise<{ readonly priceVersion: number; readonly price: ChainPrice } | undefined> {
  const priceVersion = Number(await chain.read('ModelRegistry', 'priceCount', [id, version, proofClass]))
  if (priceVersion === 0) return undefined
  return { priceVersion, price: await priceOf(chain, modelVersionHash(id, version), proofClass, priceVersion) }
}

export async function priceOf(
  chain: Pick<ChainAccess, 'read'>,
  modelVersion: Hex,
  proofClass: number,
  priceVersion: number,
): Promise<ChainPrice> {
  return (await chain.read('ModelRegistry', 'priceOf', [modelVersion, proofClass, priceVersion])) as ChainPrice
}

async function showVersion(chain: ChainAccess, id: bigint, version: number, model: Model) {
  const hashes = (await chain.read('ModelRegistry', 'versionOf', [id, version])) as object
  const prices = []
  for (const proofClass of classesOf(model)) {
    const last = await lastPrice(chain, id, version, proofClass)
    if (last === undefined) continue
    const { rin, rout, validUntil, sharesVersion } = last.price
    const per1000 = { rin: new Amount(rin), rout: new Amount(rout) }
    prices.push({
      class: proofClass,
      price: last.priceVersion,
      ...per1000,
      validUntil: new Time(validUntil),
      sharesVersion,
    })
  }
  return { version, ...hashes, prices }
}

function classesOf({ verifyClasses }: Model): number[] {
  return Array.from({ length: 8 }, (_, i) => i).filter((i) => (verifyClasses >> i) % 2 === 1)
}
