import { bytesToHex, concatBytes, type Hex, hexToBytes, uintBytes } from '../../protocol/bytes.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { parentRow, SumTree, sumTreeRoot } from '../../protocol/sum-tree.ts'
import type { Random } from './random.ts'

export type Payout = { readonly payee: Hex; readonly cumulative: bigint }

/** What `RoyaltyVault.Claim` holds. */
export type Claim = {
  readonly epoch: bigint
  readonly index: number
  readonly count: number
  readonly cumulative: bigint
  readonly siblings: Hex
}

/** The payouts of an epoch and their claims. MONEY §4. */
export class PayoutTree {
  readonly #payouts: readonly Payout[]
  readonly #tree: SumTree

  constructor(payouts: readonly Payout[]) {
    this.#payouts = [...payouts].sort((a, b) => (a.payee < b.payee ? -1 : 1))
    this.#tree = new SumTree(this.#payouts.map(payoutRow))
  }

  get root(): Hex {
    return bytesToHex(this.#tree.root)
  }

  claim(epoch: bigint, payee: Hex): Claim {
    const index = this.#payouts.findIndex((payout) => payout.payee === payee)
    return {
      epoch,
      index,
      count: this.#payouts.length,
      cumulative: this.#payouts[index]?.cumulative ?? 0n,
      siblings: bytesToHex(concatBytes(...this.#tree.siblings(index))),
    }
  }
}

/** A root of `count` leaves that holds `payout`, with its claim; the other leaves are only hashes. */
export function lonePayout(epoch: bigint, count: number, payout: Payout, random: Random): { root: Hex; claim: Claim } {
  const index = random.int(count)
  const siblings: Uint8Array[] = []
  let row = payoutRow(payout, index)
  for (let width = count, at = index; width > 1; width = Math.ceil(width / 2), at >>= 1) {
    const sibling = concatBytes(random.bytes(32), uintBytes(random.big(68), 16))
    siblings.push(sibling)
    row = (at % 2 === 0 ? parentRow(row, sibling) : parentRow(sibling, row)) ?? row
  }
  const claim = { epoch, index, count, cumulative: payout.cumulative, siblings: bytesToHex(concatBytes(...siblings)) }
  return { root: bytesToHex(sumTreeRoot(count, row)), claim }
}

function payoutRow({ payee, cumulative }: Payout, index: number): Uint8Array {
  const sum = uintBytes(cumulative, 16)
  return concatBytes(keccak256(concatBytes(Uint8Array.of(6), uintBytes(index, 4), hexToBytes(payee), sum)), sum)
}
