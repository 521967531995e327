import { decodeConsent } from '../../protocol/datanets/consent.ts'
import { mediaTypes } from '../../protocol/datanets/media-types.ts'
import { query } from './action.ts'
import { idArg } from './arg-kinds.ts'
import { Amount, Time } from './values.ts'

const statuses = ['none', 'draft', 'open', 'closed', 'archived', 'published'] as const
const decisions = ['none', 'pending', 'accepted', 'rejected', 'withdrawn', 'slashed'] as const
const admissions = ['owner', 'automatic', 'validators'] as const
const kinds = ['item', 'label', 'curation'] as const

type Datanet = {
  readonly owner: string
  readonly mediaType: number
  readonly visibility: number
  readonly status: number
  readonly version: number
  readonly bondPerItem: bigint
  readonly metaHash: string
  readonly admission: number
  readonly governed: boolean
  readonly live: boolean
}

type Contribution = {
  readonly author: string
  readonly datanet: bigint
  readonly kind: number
  readonly decision: number
  readonly parent: bigint
  readonly submittedAt: bigint
  readonly consent: number
}

export const showDatanet = query(
  'Shows a Datanet: its state, its parameters and what was contributed today.',
  { datanet: idArg('the Datanet') },
  async ({ datanet }, chain) => {
    const found = (await chain.read('DatanetRegistry', 'datanets', [datanet])) as Datanet
    const { owner, metaHash, version, governed, live } = found
    return {
      ...{ datanet, owner, status: statuses[found.status], version, governed, live, metaHash },
      media: mediaTypes[found.mediaType],
      visibility: found.visibility === 0 ? 'public' : 'permissioned',
      admission: admissions[found.admission],
      bond: new Amount(found.bondPerItem),
      limits: await chain.read('DatanetRegistry', 'limits'),
      bytesToday: await chain.read('DatanetRegistry', 'datanetBytesToday', [datanet]),
    }
  },
)

export const showContribution = query(
  'Shows a contribution: whose it is, what was decided, what answers for it, whom it pays.',
  { contribution: idArg('the contribution') },
  async ({ contribution }, chain) => {
    const found = (await chain.read('DatanetRegistry', 'contribution', [contribution])) as Contribution
    const { author, datanet, parent } = found
    return {
      ...{ contribution, datanet, author, parent, kind: kinds[found.kind], decision: decisions[found.decision] },
      submittedAt: new Time(found.submittedAt),
      bond: new Amount((await chain.read('DatanetRegistry', 'bondOf', [contribution])) as bigint),
      pays: await chain.read('DatanetRegistry', 'payoutOfAt', [contribution, await chain.now()]),
      consent: decodeConsent(found.consent),
    }
  },
)
