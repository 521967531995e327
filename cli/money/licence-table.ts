import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { UsageError } from '../../common/errors.ts'
import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import { clashOf, clashTexts, joinTerms, type Uses, use } from '../../protocol/licences/lattice.ts'
import { spdxOf, spdxTerms } from '../../protocol/licences/spdx.ts'
import { nameOfTerms, parseTerms, type Terms } from '../../protocol/licences/terms.ts'
import { type Action, action, type ChainAccess, optional, type Query, query } from './action.ts'
import { fileArg, nameArg } from './arg-kinds.ts'
import { licenceUnits } from './licence-words.ts'
import { asHashOrName, asUint64 } from './parsers.ts'
import { RefusedError } from './refused.ts'

const useNames = {
  train: use.train,
  'fine-tune': use.fineTune,
  price: use.price,
  redistribute: use.redistribute,
} as const

const licenceArg = (help: string) => nameArg(`${help}; an SPDX identifier, or the id that licence define gave`)
const termsArg = { help: 'what it asks for', value: 'none|BY[-NC][-SA|-ND]', parse: asTerms }
const idsArg = (help: string) => optional({ help, value: 'ID', parse: listOf(asUint64), many: true })

/** `openledger licence`: LicencePolicy. */
export const licenceTable: Readonly<Record<string, Action | Query>> = {
  define: action(
    'LicencePolicy',
    'defineLicence',
    'Makes a licence known that no list has, by its terms and its text. Its id is the hash of both, so that it is of nobody else.',
    { terms: termsArg, text: fileArg('file with its text') },
    ({ terms, text }) => ({ args: [terms, sha256OfFile(text)] }),
  ),
  terms: query(
    'Shows what a licence asks for: BY authors named, NC not at a price, SA same terms for what is made from it, ND nothing made from it.',
    { licence: licenceArg('the licence') },
    async ({ licence }, chain) => ({
      licence: spdxOf(licence) ?? licence,
      licenceId: licence,
      terms: nameOfTerms(await termsOf(chain, licence)),
    }),
  ),
  list: query(
    'Lists the SPDX identifiers that genesis made known, with their terms.',
    { terms: optional({ ...termsArg, help: 'only those that ask for just this' }) },
    async ({ terms }) =>
      [...spdxTerms]
        .filter(([, each]) => terms === undefined || each === terms)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([licence, each]) => ({ licence, terms: nameOfTerms(each) })),
  ),
  of: query(
    'Shows the licence of a model, and what it inherited of what it was made from.',
    { model: { help: 'the model', value: 'ID', parse: asUint64 } },
    async ({ model }, chain) => {
      const found = await modelLicence(chain, model)
      const isPriceable = clashOf(found.inherited, found.terms, use.price) === undefined
      return {
        model,
        licence: licenceUnits['licence']?.(found.licenceId),
        terms: nameOfTerms(found.terms),
        inherited: nameOfTerms(found.inherited),
        priceable: isPriceable,
      }
    },
  ),
  check: query(
    'Checks whether what is made from works may be under a licence, as the chain will: every clash is named, and the exit status is 1 where there is one.',
    {
      licence: licenceArg('licence of what is made'),
      use: {
        help: 'what is done with the works',
        value: Object.keys(useNames).join('|'),
        parse: listOf(asUse),
        many: true,
        default: 'train',
      },
      datanet: idsArg('Datanets it is made from'),
      model: idsArg('models it is made from'),
      work: optional({
        ...licenceArg('licences of other works it is made from'),
        parse: listOf(asHashOrName),
        many: true,
      }),
    },
    async ({ licence, use: asked, datanet = [], model = [], work = [] }, chain) => {
      const child = await termsOf(chain, licence)
      const works: { readonly name: string; readonly terms: Terms }[] = []
      for (const id of model) {
        const { terms, inherited } = await modelLicence(chain, id)
        works.push({ name: `model ${id}`, terms: terms | inherited })
      }
      for (const id of datanet) {
        const licenceId = (await chain.read('DatanetRegistry', 'licenceOf', [id])) as Hex
        works.push({ name: `Datanet ${id}`, terms: await termsOf(chain, licenceId) })
      }
      for (const id of work) works.push({ name: `licence ${spdxOf(id) ?? id}`, terms: await termsOf(chain, id) })
      const uses = asked.reduce((all, each) => all | each, 0)
      const clashes = works.flatMap(({ name, terms }) => {
        const clash = clashOf(terms, child, uses)
        return clash === undefined ? [] : [`${name} (${nameOfTerms(terms)}): ${clash}, ${clashTexts[clash]}`]
      })
      if (clashes.length > 0) throw new RefusedError(clashes.join('; '))
      return { ok: true, terms: nameOfTerms(child), inherits: nameOfTerms(joinTerms(works.map(({ terms }) => terms))) }
    },
  ),
}

type ModelLicence = { readonly licenceId: Hex; readonly terms: Terms; readonly inherited: Terms }

async function modelLicence(chain: ChainAccess, model: bigint): Promise<ModelLicence> {
  // Refused where there is no such model.
  await chain.read('ModelRegistry', 'models', [model])
  return (await chain.read('LicencePolicy', 'modelLicence', [model])) as ModelLicence
}

async function termsOf(chain: ChainAccess, licence: Hex): Promise<Terms> {
  return Number(await chain.read('LicencePolicy', 'termsOf', [licence]))
}

function asTerms(text: string): Terms {
  const terms = parseTerms(text)
  if (terms === undefined) throw new Error('must be none, or some of BY, NC, SA, ND such as BY-NC')
  return terms
}

/** A list with commas. */
function listOf<T>(parse: (text: string) => T): (text: string) => T[] {
  return (text) => text.split(',').map((part) => parse(part.trim()))
}

function asUse(text: string): Uses {
  if (!Object.hasOwn(useNames, text)) throw new Error(`must be one of ${Object.keys(useNames).join(', ')}`)
  return useNames[text as keyof typeof useNames]
}

function sha256OfFile(path: string): Hex {
  try {
    return bytesToHex(createHash('sha256').update(readFileSync(path)).digest())
  } catch (cause) {
    throw new UsageError(`cannot read ${path}`, { cause })
  }
}
