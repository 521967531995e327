import { loadArtifact } from '../../contracts/artifact.ts'
import { bytesToHex, concatBytes, trimLeft, uintBytes } from '../../protocol/bytes.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { addressOf, type MoneyChain, type MoneyContract } from './money-chain.ts'

/** Writes a mapping's value that only a long way of transactions would write. */
export function setMapped(chain: MoneyChain, contract: MoneyContract, label: string, key: bigint, value: bigint): void {
  const slot = loadArtifact(contract).storageLayout.find((each) => each.label === label)
  if (slot === undefined) throw new Error(`${contract} has no ${label}`)
  const place = bytesToHex(keccak256(concatBytes(uintBytes(key, 32), uintBytes(BigInt(slot.slot), 32))))
  const { storage } = chain.evm.state.account(addressOf(contract))
  if (value === 0n) storage.delete(place)
  else storage.set(place, trimLeft(uintBytes(value, 32)))
}
