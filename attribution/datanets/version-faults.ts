import type { Hex } from '../../protocol/bytes.ts'
import { allowsTraining } from '../../protocol/datanets/consent.ts'
import { diffItems, type ListedItem, listRoot } from '../../protocol/datanets/version-diff.ts'
import { itemTree, type LeafTree } from '../suffix/item-tree.ts'

/** What is known of a contribution that a version lists. */
export type ItemStanding = {
  readonly datanet: bigint
  readonly contentHash: Hex
  readonly consent: number
  /** Neither accepted nor gone since. */
  readonly isRefused: boolean
  /** Withdrawn or slashed before the version was published. */
  readonly leftBefore: boolean
  /** Where its bytes begin and end: of one made alone from 0 on, of a batch's item among all of its batch. */
  readonly begin: number
  readonly end: number
  /** First contribution of its batch; undefined: it was made alone. */
  readonly batch: bigint | undefined
}

/** A list that a version commits to. `items`: undefined where nobody here has it. */
export type PublishedList = {
  readonly root: Hex
  readonly count: number
  readonly items: readonly ListedItem[] | undefined
}

export type PublishedVersion = {
  readonly datanet: bigint
  readonly version: number
  readonly isLive: boolean
  /** Bytes that it says it adds. */
  readonly addedBytes: bigint
  readonly items: PublishedList
  /** Of the version before; of the first one an empty list. */
  readonly previous: PublishedList
  readonly added: PublishedList
  readonly removed: PublishedList
  /** `none`: there is no such contribution; undefined: it is not known here. */
  readonly standing: (contribId: bigint) => ItemStanding | 'none' | undefined
}

export const versionChallenges = [
  ...(['foreignItem', 'refusedItem', 'unsorted', 'falseCount', 'missingItem'] as const),
  ...(['falselyListed', 'unlisted', 'standingRemoved', 'falseBytes'] as const),
] as const
export type VersionChallenge = (typeof versionChallenges)[number]

/**
 * A call of the DatanetJudge. `record`: of this contribution its record goes last among the arguments; `runs`: they go last, each with
 * the record of its last item and of the one before its first. {@link challengeArgs}
 */
export type VersionFault = {
  readonly functionName: VersionChallenge
  readonly args: readonly unknown[]
  readonly record?: bigint
  readonly runs?: readonly Run[]
}

/** Items of what a version adds with ids that follow each other, alone or of one batch. `before`: none where nothing is before it. */
type Run = { readonly first: ShownItem; readonly last: ShownItem; readonly before: bigint | undefined }

/** Runs of one transaction: some 100,000 gas each in lists of ten thousand. */
const runsMax = 100

/** The arguments with the records that they lack. `shown`: the record of a contribution. */
export async function challengeArgs(
  { args, record, runs }: VersionFault,
  shown: (contribId: bigint) => Promise<unknown>,
): Promise<readonly unknown[]> {
  if (record !== undefined) return [...args, await shown(record)]
  if (runs === undefined) return args
  const shownRuns: unknown[] = []
  for (const { first, last, before } of runs) {
    const end = await shown(last.contribId)
    shownRuns.push({ first, last, end, before: before === undefined ? end : await shown(before) })
  }
  return [...args, shownRuns]
}

/** An item of a list with its way to the root, as the DatanetJudge takes it. */
type ShownItem = ListedItem & { readonly place: number; readonly siblings: readonly Hex[] }

/** As the DatanetJudge numbers them. */
const lists = ['items', 'previous', 'added', 'removed'] as const
type ListName = (typeof lists)[number]

/** Every fault of a version that can be shown, the lists' own first. docs/DATANETS.md §9 */
export function* versionFaults(version: PublishedVersion): Generator<VersionFault> {
  const of = new Lists(version)
  let isRight = true
  for (const name of lists) {
    for (const fault of of.faultsOf(name)) {
      isRight = false
      // The list before is the fault of the version before.
      if (name !== 'previous') yield fault
    }
  }
  yield* itemFaults(version, of)
  if (!isRight) return
  yield* differenceFaults(version, of)
  yield* bytesFaults(version, of)
}

/** True where a list is missing that decides whether the difference is right. */
export function isUndecided(version: PublishedVersion): boolean {
  const of = new Lists(version)
  return lists.some((name) => of.itemsOf(name) === undefined)
}

/** What a version adds and removes where its lists ascend; undefined where one is missing or does not. */
function differenceOf({ items, previous }: PublishedVersion): Record<'added' | 'removed', ListedItem[]> | undefined {
  if (items.items === undefined || previous.items === undefined) return undefined
  if (!ascends(items.items) || !ascends(previous.items)) return undefined
  const { added, removed } = diffItems(previous.items, items.items)
  return { added: [...added], removed: [...removed] }
}

function* itemFaults(version: PublishedVersion, of: Lists): Generator<VersionFault> {
  for (const [place, { contribId, contentHash }] of (version.items.items ?? []).entries()) {
    const standing = version.standing(contribId)
    if (standing === undefined) continue
    if (standing === 'none' || standing.datanet !== version.datanet) {
      yield of.fault('foreignItem', [of.shown('items', place)])
      continue
    }
    const { isRefused, leftBefore, consent } = standing
    if (isRefused || leftBefore || !allowsTraining(consent) || standing.contentHash !== contentHash) {
      yield { ...of.fault('refusedItem', [of.shown('items', place)]), record: contribId }
    }
  }
}

function* differenceFaults(version: PublishedVersion, of: Lists): Generator<VersionFault> {
  for (const name of ['added', 'removed'] as const) {
    const [here, there] = name === 'added' ? (['items', 'previous'] as const) : (['previous', 'items'] as const)
    for (const [place, { contribId }] of (of.itemsOf(name) ?? []).entries()) {
      const args = [lists.indexOf(name), of.shown(name, place)]
      if (of.has(there, contribId) === true) {
        yield of.fault('falselyListed', [...args, lists.indexOf(there), of.near(there, contribId)])
      } else if (of.has(here, contribId) === false) {
        yield of.fault('falselyListed', [...args, lists.indexOf(here), of.near(here, contribId)])
      }
    }
    for (const [place, { contribId }] of (of.itemsOf(here) ?? []).entries()) {
      if (of.has(there, contribId) !== false || of.has(name, contribId) !== false) continue
      const near = [of.near(there, contribId), of.near(name, contribId)]
      yield of.fault('unlisted', [lists.indexOf(here), of.shown(here, place), ...near])
    }
  }
  if (!version.isLive) return
  for (const [place, { contribId }] of (of.itemsOf('removed') ?? []).entries()) {
    const standing = version.standing(contribId)
    if (standing === undefined || standing === 'none' || standing.leftBefore) continue
    yield of.fault('standingRemoved', [of.shown('removed', place)])
  }
}

/** The longest runs that together have more bytes than it says; none where more of them would have to be shown. */
function* bytesFaults(version: PublishedVersion, of: Lists): Generator<VersionFault> {
  const runs = [...runsOf(version, of.itemsOf('added') ?? [])].sort((a, b) => b.bytes - a.bytes)
  let sum = 0n
  const chosen = runs.slice(0, runsMax).filter(({ bytes }) => {
    if (sum > version.addedBytes) return false
    sum += BigInt(bytes)
    return true
  })
  if (sum <= version.addedBytes) return
  const shown = chosen
    .sort((a, b) => a.from - b.from)
    .map(({ from, to, before }) => ({ first: of.shown('added', from), last: of.shown('added', to), before }))
  yield { ...of.fault('falseBytes', []), runs: shown }
}

/** Stretches of a list that can be shown as one, by their places. */
function* runsOf({ standing }: PublishedVersion, items: readonly ListedItem[]) {
  type Open = {
    from: number
    to: number
    begin: number
    end: number
    batch: bigint | undefined
    before: bigint | undefined
  }
  let run: Open | undefined
  const closed = ({ from, to, begin, end, before }: Open) => ({ from, to, before, bytes: end - begin })
  for (const [place, { contribId }] of items.entries()) {
    const known = standing(contribId)
    const isNext = items[place - 1]?.contribId === contribId - 1n
    if (known === undefined || known === 'none' || known.end < known.begin) {
      if (run !== undefined) yield closed(run)
      run = undefined
    } else if (run !== undefined && isNext && known.batch !== undefined && known.batch === run.batch) {
      run = { ...run, to: place, end: known.end }
    } else {
      if (run !== undefined) yield closed(run)
      const { begin, end, batch } = known
      const before = batch === undefined || batch === contribId ? undefined : contribId - 1n
      run = { from: place, to: place, begin, end, batch, before }
    }
  }
  if (run !== undefined) yield closed(run)
}

/** The four lists of a version, and what is shown of them. */
class Lists {
  readonly #version: PublishedVersion
  readonly #items: Record<ListName, readonly ListedItem[] | undefined>
  readonly #trees = new Map<ListName, LeafTree>()
  readonly #ids = new Map<ListName, ReadonlySet<bigint>>()

  constructor(version: PublishedVersion) {
    this.#version = version
    const { items, previous } = version
    const right = differenceOf(version)
    const known = (name: 'added' | 'removed') => {
      const { root, count, items: found } = version[name]
      if (found !== undefined || count === 0) return found ?? []
      return right !== undefined && listRoot(right[name]) === root ? right[name] : undefined
    }
    this.#items = {
      items: items.items,
      previous: previous.items,
      added: known('added'),
      removed: known('removed'),
    }
  }

  /** Undefined where nobody here has it. */
  itemsOf(name: ListName): readonly ListedItem[] | undefined {
    return this.#items[name]
  }

  /** What is wrong with a list alone. */
  *faultsOf(name: ListName): Generator<VersionFault> {
    const items = this.#items[name]
    const { count } = this.#version[name]
    if (items === undefined || (items.length === 0 && count === 0)) return
    const list = lists.indexOf(name)
    const place = items.findIndex((item, i) => i > 0 && (items[i - 1] as ListedItem).contribId >= item.contribId)
    if (place > 0) {
      yield this.fault('unsorted', [list, this.shown(name, place - 1), this.shown(name, place)])
    }
    if (items.length > count) yield this.fault('falseCount', [list, this.shown(name, count)])
    else if (items.length < count) yield this.#missing(name, items.length)
  }

  shown(name: ListName, place: number): ShownItem {
    const item = this.#items[name]?.[place]
    if (item === undefined) throw new RangeError(`the list ${name} has no place ${place}`)
    return { place, ...item, siblings: this.#tree(name).siblings(place) }
  }

  /** Undefined where the list is not here. */
  has(name: ListName, contribId: bigint): boolean | undefined {
    const items = this.#items[name]
    if (items === undefined) return undefined
    const ids = this.#ids.get(name) ?? new Set(items.map((item) => item.contribId))
    this.#ids.set(name, ids)
    return ids.has(contribId)
  }

  /** What decides whether a contribution is in a list that ascends. */
  near(name: ListName, contribId: bigint): ShownItem[] {
    const items = this.#items[name] ?? []
    if (items.length === 0) return []
    const above = items.findIndex((item) => item.contribId >= contribId)
    if (above === -1) return [this.shown(name, items.length - 1)]
    if (above === 0 || items[above]?.contribId === contribId) return [this.shown(name, above)]
    return [this.shown(name, above - 1), this.shown(name, above)]
  }

  fault(functionName: VersionChallenge, args: readonly unknown[]): VersionFault {
    const { datanet, version } = this.#version
    return { functionName, args: [datanet, version, ...args] }
  }

  /** A tree without room for its count shows that by any leaf. */
  #missing(name: ListName, place: number): VersionFault {
    const tree = this.#tree(name)
    const list = lists.indexOf(name)
    if (place >= tree.width) return this.fault('falseCount', [list, this.shown(name, 0)])
    return this.fault('missingItem', [list, place, tree.siblings(place)])
  }

  #tree(name: ListName): LeafTree {
    const tree = this.#trees.get(name) ?? itemTree(this.#items[name] ?? [])
    this.#trees.set(name, tree)
    return tree
  }
}

function ascends(items: readonly ListedItem[]): boolean {
  return items.every((item, i) => i === 0 || (items[i - 1] as ListedItem).contribId < item.contribId)
}
