import type { Genesis } from '../../../../protocol/genesis-file.ts'
import { keccak256 } from '../../../../protocol/keccak.ts'
import { emptyCodeHash, emptyTrieRoot } from '../../../../protocol/trie-root.ts'
import type { StateDiff, StateStore } from './state-store.ts'
import { World } from './world.ts'

/** The state of block 0 and what to store for it. */
export function genesisState(store: StateStore, genesis: Genesis): { world: World; diff: StateDiff } {
  const codes = genesis.alloc.filter(({ code }) => code.length > 0).map(({ code }) => ({ hash: keccak256(code), code }))
  const changes = genesis.alloc.map(({ address, nonce, balance, code, storage }) => ({
    address,
    after: {
      nonce,
      balance,
      storageRoot: emptyTrieRoot,
      codeHash: code.length === 0 ? emptyCodeHash : keccak256(code),
    },
    storageRoot: emptyTrieRoot,
    slots: storage,
  }))
  const { world, diff } = new World(store, emptyTrieRoot).apply(changes, uniqueCodes(codes))
  return { world, diff }
}

/** A genesis has two thousand proxies of one code. */
function uniqueCodes(codes: StateDiff['codes']): StateDiff['codes'] {
  return [...new Map(codes.map((entry) => [Buffer.from(entry.hash).toString('hex'), entry])).values()]
}
