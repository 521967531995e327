import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { bytesToHex, fixedHex, type Hex } from '../../protocol/bytes.ts'
import { contributionDigest } from '../../protocol/datanets/item-record.ts'
import { paper } from './action.ts'
import { idArg, whenArg } from './arg-kinds.ts'
import { itemArgs } from './contribution-args.ts'
import { integer, readPaper } from './papers.ts'
import { atTime } from './when.ts'

/** A contribution with its author's signature, `r ‖ vs`. */
export type SignedContribution = {
  readonly author: Hex
  readonly datanet: bigint
  readonly record: {
    readonly contentHash: Hex
    readonly simHash: Hex
    readonly consent: number
    readonly size: number
    readonly metaHash: Hex
  }
  readonly deadline: bigint
  readonly signature: Hex
}

export const signContribution = paper(
  'Signs a contribution that anybody may send for you, who also sends its bond; you pay nothing. Nothing is sent.',
  {
    datanet: idArg('the Datanet'),
    ...itemArgs,
    until: { ...whenArg('when the signature ends'), default: '1d' },
  },
  async ({ until, ...values }, chain): Promise<SignedContribution> => {
    const { readItem } = await import('./contribution-file.ts')
    const { bond: _bond, ...record } = await readItem(values, chain)
    const [author, { datanet }] = [chain.sender(), values]
    const nonce = (await chain.read('DatanetRelay', 'nonceOf', [author])) as bigint
    const deadline = await atTime(until, chain)
    const contribution = { ...record, author, datanet, nonce, deadline }
    const digest = contributionDigest(chain.chainId, openLedgerPredeploys.datanetRelay, contribution)
    return { author, datanet, record, deadline, signature: bytesToHex(chain.sign(digest)) }
  },
)

/** Throws {@link UsageError} naming the file and the field. */
export function readSigned(path: string): SignedContribution {
  return readPaper(path, (json) => {
    const record = json['record'] as Readonly<Record<string, unknown>>
    return {
      author: fixedHex(json['author'], 20, 'author'),
      datanet: integer(json['datanet'], 64, 'datanet'),
      record: {
        contentHash: fixedHex(record?.['contentHash'], 32, 'contentHash'),
        simHash: fixedHex(record?.['simHash'], 32, 'simHash'),
        consent: Number(integer(record?.['consent'], 16, 'consent')),
        size: Number(integer(record?.['size'], 32, 'size')),
        metaHash: fixedHex(record?.['metaHash'], 32, 'metaHash'),
      },
      deadline: integer(json['deadline'], 64, 'deadline'),
      signature: fixedHex(json['signature'], 64, 'signature'),
    }
  })
}
