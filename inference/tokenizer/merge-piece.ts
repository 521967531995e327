/** Which two neighbours become one, how early, and what they become; undefined where they do not. */
export type FindMerge = (left: number, right: number) => { readonly rank: number; readonly joined: number } | undefined

type Candidate = { readonly rank: number; readonly at: number; readonly left: number; readonly right: number }

/** Of the merges that apply the earliest is made at its leftmost place, until none applies. In n·log n steps. */
export function mergePiece(tokens: readonly number[], find: FindMerge): number[] {
  const list = [...tokens]
  // Places are linked by their neighbours; a joined token stands at its left part's place.
  const next = list.map((_, i) => i + 1)
  const previous = list.map((_, i) => i - 1)
  const queue = new CandidateQueue()
  const consider = (at: number) => {
    const [left, right] = [list[at], list[next[at] ?? list.length]]
    if (left === undefined || right === undefined) return
    const merge = find(left, right)
    if (merge !== undefined) queue.push({ rank: merge.rank, at, left, right })
  }
  for (let at = 0; at + 1 < list.length; at++) consider(at)
  for (let best = queue.pop(); best !== undefined; best = queue.pop()) {
    const { at, left, right } = best
    const after = next[at] ?? list.length
    // A candidate whose tokens have been joined with others since is void.
    if (list[at] !== left || list[after] !== right) continue
    list[at] = find(left, right)?.joined ?? left
    list[after] = gone
    const behind = next[after] ?? list.length
    next[at] = behind
    previous[behind] = at
    consider(at)
    const before = previous[at] ?? -1
    if (before >= 0) consider(before)
  }
  return list.filter((token) => token !== gone)
}

const gone = -1

/** A binary heap, the lowest rank first, of equals the leftmost. */
class CandidateQueue {
  readonly #heap: Candidate[] = []

  push(candidate: Candidate): void {
    const heap = this.#heap
    let i = heap.push(candidate) - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (!isBefore(candidate, heap[parent] as Candidate)) break
      heap[i] = heap[parent] as Candidate
      i = parent
    }
    heap[i] = candidate
  }

  pop(): Candidate | undefined {
    const heap = this.#heap
    const [first, last] = [heap[0], heap.pop()]
    if (first === undefined || last === undefined || heap.length === 0) return first
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Candidate, heap[child] as Candidate)) child++
      if (!isBefore(heap[child] as Candidate, last)) break
      heap[i] = heap[child] as Candidate
      i = child
    }
    heap[i] = last
    return first
  }
}

function isBefore(a: Candidate, b: Candidate): boolean {
  return a.rank < b.rank || (a.rank === b.rank && a.at < b.at)
}
