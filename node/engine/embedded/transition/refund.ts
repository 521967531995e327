/** What of the collected refunds is given. Source: EIP-3529. */
export function cappedRefund(gasUsed: bigint, refund: bigint): bigint {
  const cap = gasUsed / 5n
  return refund < cap ? refund : cap
}
