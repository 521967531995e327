import { readFileSync } from 'node:fs'
import { zeroHash } from '../../protocol/bytes.ts'
import { modelVersionHash } from '../../protocol/inference-request.ts'
import { type Action, action, optional, type Query, query } from './action.ts'
import { addressArg, fileArg, hashArg, modelArg } from './arg-kinds.ts'
import type { ModelRef } from './parsers.ts'
import { asDatanetVersions } from './parsers.ts'

const adapterArg = optional(hashArg('root of the adapter; absent: the model without one'))
/** What answers for a table being there, in wei. */
const bond = 100n * 10n ** 18n

/** `openledger model`: SketchRegistry, whose tables class G of algoHash v2 pays by. */
export const sketchTable: Readonly<Record<string, Action | Query>> = {
  'sketches-register': action(
    'SketchRegistry',
    'register',
    'Registers what a training committed to, by which contributions share 30 % of the contributors’ part under algoHash v2, with a bond of 100 OPEN, which is lost where its form is proven wrong. Once for a model version and adapter; from the next day on.',
    {
      model: modelArg,
      adapter: adapterArg,
      sketches: fileArg('the sketches, as model train wrote them'),
      datanets: {
        help: 'versions of Datanets that all its texts are of: Datanet, version; at most 8',
        value: 'DATANET:VERSION',
        parse: asDatanetVersions,
        many: true,
      },
    },
    async ({ model, adapter, sketches, datanets }) => {
      const { decodeSketches } = await import('../../attribution/gradients/sketch-file.ts')
      const { tableOf, tableRoot } = await import('../../attribution/combined/influence-table.ts')
      const table = tableOf(decodeSketches(readFileSync(sketches)))
      const shown = { root: tableRoot(table), size: table.size, rows: table.rows.length }
      return { args: [...placeOf(model, adapter), shown, datanets], value: bond }
    },
  ),
  'sketches-retire': action(
    'SketchRegistry',
    'retire',
    'Ends a table at the next day: answers after it have no class G.',
    { model: modelArg, adapter: adapterArg },
    ({ model, adapter }) => ({ args: placeOf(model, adapter) }),
  ),
  'sketches-return-bond': action(
    'SketchRegistry',
    'returnBond',
    'Takes the bond of a retired table back.',
    { model: modelArg, adapter: adapterArg, to: addressArg('who gets it') },
    ({ model, adapter, to }) => ({ args: [...placeOf(model, adapter), to] }),
  ),
  sketches: query(
    'Shows the table of influences of a model version: root, size, rows, since when and until when it is in force.',
    { model: modelArg, adapter: adapterArg },
    ({ model, adapter }, chain) => chain.read('SketchRegistry', 'registered', placeOf(model, adapter)),
  ),
}

function placeOf({ id, version }: ModelRef, adapter: string = zeroHash): readonly unknown[] {
  return [modelVersionHash(id, version), adapter]
}
