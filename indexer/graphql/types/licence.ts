import { licenceUri } from '../../../attribution/datanets/croissant.ts'
import type { Hex } from '../../../protocol/bytes.ts'
import { type Clash, clashOf, clashTexts, joinTerms, use } from '../../../protocol/licences/lattice.ts'
import { licenceIdOf } from '../../../protocol/licences/spdx.ts'
import { type Terms, term } from '../../../protocol/licences/terms.ts'
import { type AtBlock, atBlock } from '../at-block.ts'
import type { QueryContext } from '../context.ts'
import { queryError } from '../query-error.ts'
import { column, type Entity, stateColumn, stateOf } from '../rows.ts'

export const Licence = {
  id: column('key'),
  licenceId: ({ row }: Entity) => chainId(String(row['key'])),
  terms: ({ row }: Entity) => termsList(Number(row['terms'])),
  uri: ({ row }: Entity) => licenceUri(chainId(String(row['key']))),
  textHash: column('text_hash'),
  definedBy: column('defined_by'),
}

export const ModelLicence = {
  licence: stateColumn('licence', 'licence'),
  terms: ({ row }: Entity) => termsList(Number(row['terms'])),
  inherited: ({ row }: Entity) => termsList(Number(row['inherited'])),
  isPriceable: ({ row }: Entity) => clashOf(Number(row['inherited']), Number(row['terms']), use.price) === undefined,
}

/** What would be made of these works. */
export type LicenceCheckInput = AtBlock & {
  readonly licence: string
  readonly datanets?: readonly string[] | null
  readonly models?: readonly string[] | null
  readonly licences?: readonly string[] | null
  readonly uses: readonly (keyof typeof useNames)[]
}

const useNames = {
  TRAIN: use.train,
  FINE_TUNE: use.fineTune,
  PRICE: use.price,
  REDISTRIBUTE: use.redistribute,
} as const
/** Works of one question, so that an answer stays small. */
const worksMax = 100

type Work = { readonly kind: 'DATANET' | 'MODEL' | 'LICENCE'; readonly id: string; readonly terms: Terms }

/** What the LicencePolicy would say: every clash of a child's licence with the works, named. */
export async function licenceCheck(input: LicenceCheckInput, context: QueryContext) {
  const at = atBlock(input, context)
  const { datanets, models, licences } = input
  const asked = (datanets?.length ?? 0) + (models?.length ?? 0) + (licences?.length ?? 0)
  if (asked > worksMax) throw queryError('BAD_INPUT', `${asked} works, more than ${worksMax}`)
  if (input.uses.length === 0) throw queryError('BAD_INPUT', 'uses is empty')
  const child = await licenceTerms(input.licence, at, context)
  const works: Work[] = []
  for (const id of models ?? []) works.push({ kind: 'MODEL', id, terms: await modelTerms(id, at, context) })
  for (const id of datanets ?? []) works.push({ kind: 'DATANET', id, terms: await datanetTerms(id, at, context) })
  for (const id of licences ?? []) works.push({ kind: 'LICENCE', id, terms: await licenceTerms(id, at, context) })
  const uses = input.uses.reduce((all, each) => all | useNames[each], 0)
  const clashes = works.flatMap(({ kind, id, terms }) => {
    const clash = clashOf(terms, child, uses)
    return clash === undefined ? [] : [{ work: kind, id, clash: clashName(clash), text: clashTexts[clash] }]
  })
  const inherited = joinTerms(works.map(({ terms }) => terms))
  return { ok: clashes.length === 0, clashes, inherited: termsList(inherited), terms: termsList(child) }
}

/** BY, NC, SA and ND of those that are asked. */
function termsList(terms: Terms): string[] {
  const names = { BY: term.attribution, NC: term.nonCommercial, SA: term.shareAlike, ND: term.noDerivatives }
  return Object.entries(names).flatMap(([name, bit]) => ((terms & bit) === 0 ? [] : [name]))
}

function clashName(clash: Clash): string {
  return clash.toUpperCase().replaceAll('-', '_')
}

async function licenceTerms(id: string, at: number | undefined, context: QueryContext): Promise<Terms> {
  const row = await stateOf(context, 'licence', id, at)
  if (row === undefined) throw queryError('BAD_INPUT', `licence ${id} is not known`)
  return Number(row['terms'])
}

async function datanetTerms(id: string, at: number | undefined, context: QueryContext): Promise<Terms> {
  const row = await stateOf(context, 'datanet', Number(id), at)
  if (row === undefined) throw queryError('BAD_INPUT', `there is no Datanet ${id}`)
  return await licenceTerms(String(row['licence_id']), at, context)
}

async function modelTerms(id: string, at: number | undefined, context: QueryContext): Promise<Terms> {
  const row = await stateOf(context, 'model_licence', Number(id), at)
  if (row === undefined) throw queryError('BAD_INPUT', `there is no model ${id}`)
  return Number(row['terms']) | Number(row['inherited'])
}

/** The id on chain of what users write. */
function chainId(name: string): Hex {
  return name.startsWith('0x') ? (name as Hex) : (licenceIdOf(name) ?? '0x')
}
