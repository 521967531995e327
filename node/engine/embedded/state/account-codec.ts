import { asBytes, asList, asUint, rlpDecode, rlpEncode, rlpUint } from '../../../../protocol/rlp.ts'
import { emptyCodeHash, emptyTrieRoot } from '../../../../protocol/trie-root.ts'
import type { AccountState } from '../chain-view.ts'

/** An account that exists and holds nothing. */
export const emptyAccount: AccountState = {
  nonce: 0n,
  balance: 0n,
  storageRoot: emptyTrieRoot,
  codeHash: emptyCodeHash,
}

/** The account's leaf in the state trie. Source: yellow paper, section 4.1. */
export function encodeAccount(account: AccountState): Uint8Array {
  return rlpEncode([rlpUint(account.nonce), rlpUint(account.balance), account.storageRoot, account.codeHash])
}

/** Parses a leaf of the state trie. Throws FormatError. */
export function decodeAccount(raw: Uint8Array): AccountState {
  const [nonce, balance, storageRoot, codeHash] = asList(rlpDecode(raw), 'account', 4)
  return {
    nonce: asUint(nonce, 'nonce', 8),
    balance: asUint(balance, 'balance'),
    storageRoot: asBytes(storageRoot, 'storage root', 32),
    codeHash: asBytes(codeHash, 'code hash', 32),
  }
}
