import type { VersionItem } from '../../attribution/suffix/item-tree.ts'
import { itemTree } from '../../attribution/suffix/item-tree.ts'
import type { ContentStore } from '../../common/content-store.ts'
import { encodeTokenizer } from '../../inference/tokenizer/tokenizer-file.ts'
import { trainTokenizer } from '../../inference/tokenizer/train.ts'
import { concatBytes, type Hex, hexToBytes, uintBytes, zeroHash } from '../../protocol/bytes.ts'
import type { LedgerChain } from './ledger-chain.ts'
import { permissive } from './licences.ts'
import { addingDiff, noRoots } from './version-diff.ts'

const encode = (text: string) => new TextEncoder().encode(text)
const word = (n: number): Hex => `0x${n.toString(16).padStart(64, '0')}`

/** Texts that quote each other. */
export const sayings: readonly string[] = [
  'a tile that nobody laid is a tile that nobody can lift, said the mason of the lower bridge',
  'the ferry leaves when the lamp is lit and the rope is dry, and not before the bell has rung',
  'said the mason of the lower bridge: whoever counts the stones forgets the river under them',
  '',
  'when the lamp is lit and the rope is dry the old women of the quay begin to sing of herrings',
]

export const sayingsTokenizer = trainTokenizer(encode(sayings.join(' ').repeat(8)), 300, 2)
export const sayingsTokenizerBytes = encodeTokenizer(sayingsTokenizer)

const filesADay = 20

export type PublishedTexts = {
  readonly datanet: bigint
  readonly version: number
  readonly items: readonly VersionItem[]
}

/** A Datanet with a version of these texts, contributed by bob, whose contents the store has. */
export async function publishTexts(
  chain: LedgerChain,
  content: ContentStore,
  texts: readonly (string | Uint8Array)[],
  visibility = 0,
): Promise<PublishedTexts> {
  const [owner, author] = [chain.actor('datanet owner'), chain.actor('bob')]
  const create = [0, visibility, permissive, word(2), 0n, word(3)]
  const datanet = (await chain.send(owner, 'DatanetRegistry', 'create', create)).result as bigint
  await chain.send(owner, 'DatanetRegistry', 'setStatus', [datanet, 2])
  const items: VersionItem[] = []
  for (const text of texts) {
    // An author may file so many a day.
    const { files } = (await chain.read('DatanetRegistry', 'usageOf', [author.address])) as { files: number }
    if (files >= filesADay) {
      chain.advance(86_400)
      await chain.mine()
    }
    const contentHash = content.put(typeof text === 'string' ? encode(text) : text)
    const sent = await chain.send(author, 'DatanetRegistry', 'submit', [datanet, contentHash, zeroHash, 0, 0, zeroHash])
    const contribId = sent.result as bigint
    await chain.send(owner, 'DatanetRegistry', 'decide', [contribId, true, zeroHash])
    items.push({ contribId, contentHash })
  }
  const list = concatBytes(
    ...items.map((item) => concatBytes(uintBytes(item.contribId, 8), hexToBytes(item.contentHash))),
  )
  const itemsRoot = items.length === 0 ? itemTree(items).root : content.putRecords(list, 40)
  const published = [datanet, { ...noRoots, itemsRoot }, addingDiff(items.length)]
  const version = (await chain.send(owner, 'DatanetRegistry', 'publish', published)).result
  return { datanet, version: Number(version), items }
}
