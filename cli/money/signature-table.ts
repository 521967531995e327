import type { Action, Query } from './action.ts'
import { action } from './action.ts'
import { fileArg, idArg } from './arg-kinds.ts'
import { contentArgs } from './content-places.ts'
import { signatureItem } from './signature-item.ts'

/** `openledger datanet`: SignatureRegistry, by which algoHash v2 knows near-duplicates. */
export const signatureTable: Readonly<Record<string, Action | Query>> = {
  'signature-show': action(
    'SignatureRegistry',
    'show',
    'Shows the MinHash signature that a contribution committed to: from the next day on copies of a text whose signatures are shown earn nothing that it earns, under algoHash v2. Anyone may.',
    { contribution: idArg('the contribution'), text: fileArg('its content'), ...contentArgs },
    async ({ contribution, text, ...places }, chain) => {
      const filed = { id: contribution, path: text, places }
      const { id, signature, record, siblings } = await signatureItem(chain, filed)
      return { args: [id, signature, record, siblings] }
    },
  ),
}
