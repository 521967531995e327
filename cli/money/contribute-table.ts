import { oneOf } from '../../common/flag-parsers.ts'
import { type Action, action, type Query } from './action.ts'
import { fileArg, idArg } from './arg-kinds.ts'
import { itemArgs } from './contribution-args.ts'
import { readSigned, signContribution } from './signed-contribution.ts'

const kinds = { label: 1, curation: 2 } as const

/** Rows of `openledger datanet` that contribute. */
export const contributeTable: Readonly<Record<string, Action | Query>> = {
  submit: action(
    'DatanetRegistry',
    'submit',
    'Contributes a file, of the type of the Datanet; a text in its canonical form. Sends its bond along.',
    { datanet: idArg('the Datanet'), ...itemArgs },
    async (values, chain) => {
      const { readItem } = await import('./contribution-file.ts')
      const { contentHash, simHash, consent, size, metaHash, bond } = await readItem(values, chain)
      return { args: [values.datanet, contentHash, simHash, consent, size, metaHash], value: bond }
    },
  ),
  batch: action(
    'DatanetRegistry',
    'submitBatch',
    'Contributes the rows of a text file as one batch: paragraphs of .md and .txt, lines of .csv and .jsonl. Sends their bonds along.',
    { datanet: idArg('the Datanet'), ...itemArgs },
    async (values, chain) => {
      const { readRows } = await import('./contribution-file.ts')
      const { root, count, size, metaHash, bond } = await readRows(values, chain)
      return { args: [values.datanet, root, count, size, metaHash], value: bond }
    },
  ),
  annotate: action(
    'DatanetRegistry',
    'submitFor',
    'Contributes a label of a contribution, or work of curating it.',
    {
      contribution: idArg('the contribution'),
      kind: { help: 'what it is', value: 'label|curation', parse: oneOf('label', 'curation'), default: 'label' },
      ...itemArgs,
    },
    async (values, chain) => {
      const { datanet } = (await chain.read('DatanetRegistry', 'contribution', [values.contribution])) as {
        readonly datanet: bigint
      }
      const { readContribution } = await import('./contribution-file.ts')
      const { bond, ...record } = await readContribution({ ...values, datanet }, chain)
      return { args: [values.contribution, kinds[values.kind], record], value: bond }
    },
  ),
  sign: signContribution,
  'send-signed': action(
    'DatanetRelay',
    'submitSigned',
    'Sends a contribution that somebody signed, with its bond; its author pays nothing.',
    { signed: fileArg('what datanet sign wrote') },
    async ({ signed }, chain) => {
      const { author, datanet, record, deadline, signature } = readSigned(signed)
      const { bondPerItem } = (await chain.read('DatanetRegistry', 'datanets', [datanet])) as { bondPerItem: bigint }
      return { args: [author, datanet, record, deadline, signature], value: bondPerItem }
    },
  ),
  'cancel-signed': action(
    'DatanetRelay',
    'cancel',
    'Makes the contribution that you signed last, and that nobody sent yet, void.',
    {},
    () => ({ args: [] }),
  ),
}
