import { bytesToHex, concatBytes, type Hex, hexToBytes, uintBytes } from './bytes.ts'
import { keccak256 } from './keccak.ts'

/** What a case of the CheckerCommittee is about. */
export const caseKinds = { fingerprint: 0, sketch: 1 } as const

/** How a case stands, by the contract's number. */
export const caseOutcomes = ['none', 'open', 'void', 'upheld', 'undecided'] as const
export type CaseOutcome = (typeof caseOutcomes)[number]

/** wei that a case brings: `openPrice` of CheckerCommittee. */
export const casePrice = (10n ** 18n * 125n) / 100n

/** Seats of a case. */
export const committeeSeats = 5

/** Names the case of a kind about receipt `index` of a batch. docs/COMMITTEE.md */
export function caseIdOf(batchHash: Hex, index: number, kind: number, evidence: Hex): Hex {
  return bytesToHex(
    keccak256(
      concatBytes(
        hexToBytes(batchHash),
        uintBytes(BigInt(index), 32),
        uintBytes(BigInt(kind), 32),
        hexToBytes(evidence),
      ),
    ),
  )
}

/** What a member sends before the votes are shown; `salt` 32 random bytes that it keeps until then. */
export function voteCommitment(caseId: Hex, member: Hex, isWrong: boolean, salt: Hex): Hex {
  return bytesToHex(
    keccak256(
      concatBytes(
        hexToBytes(caseId),
        new Uint8Array(12),
        hexToBytes(member),
        uintBytes(isWrong ? 1n : 0n, 32),
        hexToBytes(salt),
      ),
    ),
  )
}
