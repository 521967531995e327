import type { Hex } from './bytes.ts'
import { type Domain, domainSeparator, typedDigest } from './eip712.ts'

/** The contract under which everything is signed that moves money. docs/MONEY.md §2. */
export const inferenceMarketAddress: Hex = '0x4f4c000000000000000000000000000000000003'

export function moneyDomain(chainId: bigint): Domain {
  return { name: 'OpenLedger', version: '1', chainId, verifyingContract: inferenceMarketAddress }
}

/** What is signed on the chain for an object of this struct hash. */
export function moneyDigest(chainId: bigint, structHash: Uint8Array): Uint8Array {
  return typedDigest(separatorOf(chainId), structHash)
}

let latest: { readonly chainId: bigint; readonly separator: Uint8Array } | undefined

/** Every object of a chain has one separator, so the last one is kept. */
function separatorOf(chainId: bigint): Uint8Array {
  if (latest?.chainId !== chainId) latest = { chainId, separator: domainSeparator(moneyDomain(chainId)) }
  return latest.separator
}
