import { oneOf } from '../../common/flag-parsers.ts'
import { zeroHash } from '../../protocol/bytes.ts'
import { mediaTypes } from '../../protocol/datanets/media-types.ts'
import { type Action, action, optional, type Query } from './action.ts'
import { addressArg, fileArg, hashArg, idArg, nameArg, openArg } from './arg-kinds.ts'
import { contentArgs } from './content-places.ts'
import { contributeTable } from './contribute-table.ts'
import { showContribution, showDatanet } from './datanet-queries.ts'
import { decideTable } from './decide-table.ts'
import { faultTable } from './fault-table.ts'
import { rewardTable } from './reward-table.ts'
import { parameterArg, parameterValueArg } from './units-args.ts'
import { versionFaultTable } from './version-fault-table.ts'
import { versionTable } from './version-table.ts'

const visibilities = ['public', 'permissioned'] as const
const statuses = { published: 5, open: 2, closed: 3, archived: 4 } as const
const datanetArg = idArg('the Datanet')

/** `openledger datanet`: DatanetRegistry and DatanetRelay. */
export const datanetTable: Readonly<Record<string, Action | Query>> = {
  create: action(
    'DatanetRegistry',
    'create',
    'Creates a Datanet, a draft at first; it belongs to who signs. Its media type, visibility and licence are fixed with it.',
    {
      media: { help: 'what its items are', value: mediaTypes.join('|'), parse: oneOf(...mediaTypes) },
      visibility: {
        help: 'who may read it',
        value: visibilities.join('|'),
        parse: oneOf(...visibilities),
        default: 'public',
      },
      licence: nameArg('its licence, an SPDX identifier'),
      policy: { ...hashArg('hash of the document that says how access is granted'), default: zeroHash },
      bond: { ...openArg('bond that each contribution locks'), default: '0' },
      meta: optional(hashArg('content hash of the metadata document: name, summary, description, tags')),
      'meta-file': optional(fileArg('the document itself, JSON; it is kept in the content store')),
      'content.dir': contentArgs['content.dir'],
    },
    async ({ media, visibility, licence, policy, bond, meta, ...document }) => {
      const metaHash = meta ?? (await import('./keep-document.ts')).keepDocument(document)
      return { args: [mediaTypes.indexOf(media), visibilities.indexOf(visibility), licence, policy, bond, metaHash] }
    },
  ),
  meta: action(
    'DatanetRegistry',
    'setMeta',
    'Points a Datanet to a new metadata document. Its versions stay as they are.',
    { datanet: datanetArg, meta: hashArg('content hash of the metadata document') },
    ({ datanet, meta }) => ({ args: [datanet, meta] }),
  ),
  status: action(
    'DatanetRegistry',
    'setStatus',
    'Publishes a draft, opens a Datanet to contributions, closes it, or archives it for good.',
    {
      datanet: datanetArg,
      to: {
        help: 'its status from now on',
        value: Object.keys(statuses).join('|'),
        parse: oneOf('published', 'open', 'closed', 'archived'),
      },
    },
    ({ datanet, to }) => ({ args: [datanet, statuses[to]] }),
  ),
  set: action(
    'DatanetRegistry',
    'setParameter',
    'Sets a parameter of your Datanet: amounts in wei, times in seconds, shares in basis points, admission 0 owner, 1 automatic, 2 validators. Once governed, a vote sets it.',
    { datanet: datanetArg, parameter: parameterArg, value: parameterValueArg },
    ({ datanet, parameter, value }) => ({ args: [datanet, parameter, value] }),
  ),
  govern: action(
    'DatanetRegistry',
    'govern',
    'Leaves the parameters of your Datanet to votes of its unit holders. It cannot be undone.',
    { datanet: datanetArg },
    ({ datanet }) => ({ args: [datanet] }),
  ),
  ...contributeTable,
  ...decideTable,
  ...versionTable,
  ...faultTable,
  ...versionFaultTable,
  ...rewardTable,
  refund: action(
    'DatanetRegistry',
    'claimRefund',
    'Pays what is owed to you: bonds that came back, and rewards.',
    { to: optional(addressArg('who is paid; absent: you')) },
    ({ to }, chain) => ({ args: [to ?? chain.sender()] }),
  ),
  show: showDatanet,
  contribution: showContribution,
}
