import type { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import type { LedgerEvent } from '../../chain/ledger/ledger-event.ts'
import type { MoneyContract } from '../../chain/ledger/money-contracts.ts'
import { bytesToHex, concatBytes, type Hex, hexToBytes } from '../../protocol/bytes.ts'
import { keccak256, keccakHex } from '../../protocol/keccak.ts'
import { type Action, action } from './action.ts'

/** EvidenceRewards' COMMIT_BLOCKS: how long a commitment counts, and how long a reward waits. */
const commitBlocks = 50n

/** Commitments of one watcher to the evidence that it will show, and the rewards that it won. MONEY §7. */
export class Evidence {
  readonly #book: LedgerBook
  readonly #sender: Hex
  readonly #seed: Uint8Array
  #last: { readonly pos: number; readonly open: readonly OpenReward[] } | undefined

  constructor(book: LedgerBook, sender: Hex, seed: Uint8Array) {
    this.#book = book
    this.#sender = sender
    this.#seed = seed
  }

  commitmentTo(subject: Hex): Hex {
    return keccakHex(concatBytes(hexToBytes(this.#sender), hexToBytes(subject), this.#saltOf(subject)))
  }

  /** True where a commitment to the subject counts for a challenge in the block after `block`. */
  isCommitted(subject: Hex, block: bigint): boolean {
    const at = this.#book.lastEvent('EvidenceCommitted', this.commitmentTo(subject))?.block
    return at !== undefined && at + commitBlocks > block
  }

  /** Rewards to take over from who copied a challenge, and those that waited long enough to be paid. */
  due(block: bigint): Action[] {
    return this.#open().flatMap(({ contract, subject, holder, wonAt }): Action[] => {
      const about = { subject }
      if (holder === this.#sender) {
        const args = [subject, this.#sender]
        const call = { contract, functionName: 'payReward', args } as const
        return block > wonAt + commitBlocks ? [action('reward', call, about)] : []
      }
      const args = [subject, bytesToHex(this.#saltOf(subject))]
      const call = { contract, functionName: 'takeOverReward', args } as const
      return block <= wonAt + commitBlocks && this.isCommitted(subject, wonAt) ? [action('reward', call, about)] : []
    })
  }

  /** A reorg may have taken events back. */
  forget(): void {
    this.#last = undefined
  }

  /** Rewards that were won and not paid. */
  #open(): readonly OpenReward[] {
    const pos = Math.max(...names.map((name) => this.#book.lastEvent(name)?.pos ?? -1))
    if (this.#last?.pos !== pos) this.#last = { pos, open: openRewards(this.#book) }
    return this.#last.open
  }

  #saltOf(subject: Hex): Uint8Array {
    return keccak256(concatBytes(this.#seed, hexToBytes(subject)))
  }
}

type OpenReward = {
  /** Who pays it. */
  readonly contract: MoneyContract
  readonly subject: Hex
  readonly holder: Hex
  readonly wonAt: bigint
}

const names = ['RewardWon', 'RewardTakenOver', 'RewardPaid'] as const

function openRewards(book: LedgerBook): OpenReward[] {
  const events: LedgerEvent[] = names.flatMap((name) => book.events(name)).sort((a, b) => a.pos - b.pos)
  const open = new Map<Hex, OpenReward>()
  for (const { contract, name, args, block } of events) {
    const { subject, holder } = args as { readonly subject: Hex; readonly holder: Hex }
    if (name === 'RewardPaid') open.delete(subject)
    else open.set(subject, { contract, subject, holder, wonAt: open.get(subject)?.wonAt ?? block })
  }
  return [...open.values()]
}
