import { bytesToHex, concatBytes, FormatError, type Hex } from '../bytes.ts'
import { payoutRow } from '../payout-epoch.ts'
import { SumTree } from '../sum-tree.ts'

/** Units that a version gives a contributor. */
export type Share = { readonly contributor: Hex; readonly units: bigint }

/** What DatanetUnits takes to move allotted units to their contributor. */
export type AllotmentLeaf = Share & { readonly index: number; readonly count: number; readonly siblings: Hex }

/** Contributors of one version at the most. */
export const sharesMax = 1 << 20

/** Who gets how many of a version's units: a payout tree over (contributor, units), ascending by contributor. MONEY §4. */
export class Allotment {
  readonly #shares: readonly Share[]
  readonly #tree: SumTree

  /** Throws {@link FormatError} for none, too many, or one contributor twice. */
  constructor(shares: readonly Share[]) {
    if (shares.length === 0 || shares.length > sharesMax) throw new FormatError(`1 to ${sharesMax} contributors`)
    const lower = shares.map(({ contributor, units }) => ({ contributor: contributor.toLowerCase() as Hex, units }))
    this.#shares = lower.sort((a, b) => (a.contributor < b.contributor ? -1 : 1))
    const twice = this.#shares.find(({ contributor }, i) => this.#shares[i - 1]?.contributor === contributor)
    if (twice !== undefined) throw new FormatError(`${twice.contributor} stands there twice`)
    if (this.units >= 1n << 128n) throw new FormatError('more units than fit 128 bits')
    const rows = this.#shares.map(({ contributor, units }, i) =>
      payoutRow(i, { payee: contributor, cumulative: units }),
    )
    this.#tree = new SumTree(rows)
  }

  get root(): Hex {
    return bytesToHex(this.#tree.root)
  }

  get units(): bigint {
    return this.#shares.reduce((sum, { units }) => sum + units, 0n)
  }

  get count(): number {
    return this.#shares.length
  }

  /** Undefined for who is allotted nothing. */
  leafOf(contributor: Hex): AllotmentLeaf | undefined {
    const index = this.#shares.findIndex((share) => share.contributor === contributor.toLowerCase())
    const share = this.#shares[index]
    if (share === undefined) return undefined
    const siblings = bytesToHex(concatBytes(...this.#tree.siblings(index)))
    return { ...share, index, count: this.#shares.length, siblings }
  }
}

/** Lines `ADDRESS,UNITS`; empty ones and those that begin with # are passed over. Throws {@link FormatError}. */
export function parseShares(text: string): Share[] {
  const lines = text.split(/\r?\n/).map((line, i) => ({ line: line.trim(), number: i + 1 }))
  return lines
    .filter(({ line }) => line !== '' && !line.startsWith('#'))
    .map(({ line, number }) => {
      const [, contributor, units] = /^(0x[0-9a-fA-F]{40})\s*,\s*(\d{1,39})$/.exec(line) ?? []
      if (contributor === undefined || units === undefined) throw new FormatError(`line ${number} is not ADDRESS,UNITS`)
      return { contributor: contributor.toLowerCase() as Hex, units: BigInt(units) }
    })
}
