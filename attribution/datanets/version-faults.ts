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
  ...(['falselyListed', 'unlisted', 'standingRemoved'] as const),
] as const
export type VersionChallenge = (typeof versionChallenges)[number]

/** A call of the DatanetJudge. `record`: of this contribution its record goes last among the arguments. */
export type VersionFault = {
  readonly functionName: VersionChallenge
  readonly args: readonly unknown[]
  readonly record?: bigint
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
  if (isRight) yield* differenceFaults(version, of)
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
