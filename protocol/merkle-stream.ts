import { absentNode, leafHash, nodeHash } from './content-hash.ts'

/** The root of `merkleRootOf` of items that come one after another; keeps a node per level. */
export class MerkleStream {
  /** A complete left half at each height that waits for its right one. */
  readonly #waiting: (Uint8Array | undefined)[] = []
  #count = 0

  push(item: Uint8Array): void {
    let node = leafHash(this.#count++, item)
    let height = 0
    for (let left = this.#waiting[0]; left !== undefined; left = this.#waiting[height]) {
      node = nodeHash(left, node)
      this.#waiting[height++] = undefined
    }
    this.#waiting[height] = node
  }

  root(): Uint8Array {
    if (this.#count === 0) throw new Error('a tree of no leaves')
    const depth = Math.ceil(Math.log2(this.#count))
    let node: Uint8Array | undefined
    for (let height = 0; height < depth; height++) {
      const left = this.#waiting[height]
      if (left !== undefined) node = nodeHash(left, node ?? absentNode(height))
      else if (node !== undefined) node = nodeHash(node, absentNode(height))
    }
    return node ?? this.#waiting[depth] ?? absentNode(0)
  }
}
