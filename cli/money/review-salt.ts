import { moneyContracts } from '../../chain/ledger/money-contracts.ts'
import { bytesToHex, concatBytes, type Hex, hexToBytes, uintBytes } from '../../protocol/bytes.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import type { ChainAccess } from './action.ts'

/**
 * What hides a validator's score until it is revealed: the hash of its signature over the round. Signatures are deterministic, so
 * the key alone brings it back, and nothing has to be kept in between.
 */
export function saltOf(chain: ChainAccess, round: bigint): Hex {
  const label = new TextEncoder().encode('OpenLedger review')
  const place = concatBytes(uintBytes(chain.chainId, 8), hexToBytes(moneyContracts.DatanetReview), uintBytes(round, 8))
  return bytesToHex(keccak256(chain.sign(keccak256(concatBytes(label, place)))))
}
