/**
 * What a refusal of eth_sendRawTransaction means for its sender. JSON-RPC has no codes for these: the words are geth's,
 * reth's, anvil's, nethermind's and erigon's.
 */
export type SendRefusal =
  /** It is in the pool already. */
  | 'known'
  /** The nonce was used. */
  | 'nonce-used'
  /** Another transaction has the nonce and must be outbid. */
  | 'underpriced'
  /** The pool holds transactions of the other kind (blob or not) from this account. */
  | 'reserved'
  | 'insufficient-funds'
  /** Wrong sidecar version: blob proofs where cell proofs are wanted, or the reverse. */
  | 'sidecar-version'
  /** Nothing that can be mended here. */
  | 'other'

const table: readonly (readonly [RegExp, SendRefusal])[] = [
  [/already known|already imported|known transaction|alreadyknown|already in the (tx )?pool/i, 'known'],
  [/nonce too low|nonce is too low|oldnonce|nonce.*already been used/i, 'nonce-used'],
  [/already reserved|address reserved|exclusivity|conflicting type/i, 'reserved'],
  [
    /replacement.*underpriced|underpriced|fee too low|feetoolow|less than block base fee|below.*base fee/i,
    'underpriced',
  ],
  [/max fee per (blob )?gas less|blob (gas )?fee.*(low|less)|feecap.*too low/i, 'underpriced'],
  [/insufficient (funds|balance)|insufficientfunds|not enough funds|overshot/i, 'insufficient-funds'],
  [
    /cell proof|sidecar version|wrapper version|blob proofs?.*(expected|version)|unexpected.*sidecar|legacy.*sidecar/i,
    'sidecar-version',
  ],
]

export function classifyRefusal(message: string): SendRefusal {
  return table.find(([pattern]) => pattern.test(message))?.[1] ?? 'other'
}
