import { emptyBytes, equalBytes, padLeft } from '../../../../protocol/bytes.ts'
import { emptyCodeHash } from '../../../../protocol/trie-root.ts'
import type { StateView } from '../chain-view.ts'
import { CallError, MissingNodeError } from '../errors.ts'
import type { World } from './world.ts'

/** A {@link World} for reading. Its methods throw {@link CallError} `unavailable` where the state was pruned meanwhile. */
export function stateView(world: World): StateView {
  return {
    stateRoot: world.root,
    account: (address) => available(() => world.account(address)),
    code: (address) =>
      available(() => {
        const hash = world.account(address)?.codeHash
        if (hash === undefined || equalBytes(hash, emptyCodeHash)) return emptyBytes
        return world.code(hash) ?? emptyBytes
      }),
    storage: (address, slot) =>
      available(() => {
        const account = world.account(address)
        return padLeft(account === undefined ? emptyBytes : world.storage(address, account.storageRoot, slot), 32)
      }),
    proof: (address, slots) => available(() => world.proof(address, slots)),
  }
}

/** Runs a read and says in the RPC's terms when the state is gone. */
export function available<T>(read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (cause instanceof MissingNodeError)
      throw new CallError('unavailable', 'missing trie node: state was pruned', { cause })
    throw cause
  }
}
