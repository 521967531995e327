import type { Claim } from '../../attribution/epochs/claim-proof.ts'
import { bytesToHex, concatBytes, type Hex, hexToBytes, padLeft, uintBytes } from '../../protocol/bytes.ts'
import { keccak256 } from '../../protocol/keccak.ts'

const wordBytes = 32
const proof = '(uint64,uint32,uint32,uint128,bytes)'

/** Calldata of `RoyaltyVault.claim(proof)`. */
export function claimCalldata(claim: Claim): Hex {
  return bytesToHex(concatBytes(selector(`claim(${proof})`), word(wordBytes), claimWords(claim)))
}

/** Calldata of `RoyaltyVault.claimFor(payee, proof)`. */
export function claimForCalldata(payee: Hex, claim: Claim): Hex {
  const address = padLeft(hexToBytes(payee), wordBytes)
  const head = concatBytes(selector(`claimFor(address,${proof})`), address, word(2 * wordBytes))
  return bytesToHex(concatBytes(head, claimWords(claim)))
}

function claimWords({ epoch, index, count, cumulative, siblings }: Claim): Uint8Array {
  const bytes = hexToBytes(siblings)
  const tail = new Uint8Array(Math.ceil(bytes.length / wordBytes) * wordBytes)
  tail.set(bytes)
  const head = [word(epoch), word(index), word(count), word(cumulative), word(5 * wordBytes)]
  return concatBytes(...head, word(bytes.length), tail)
}

function word(value: bigint | number): Uint8Array {
  return uintBytes(value, wordBytes)
}

function selector(signature: string): Uint8Array {
  return keccak256(new TextEncoder().encode(signature)).subarray(0, 4)
}
