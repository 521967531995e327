import type { AccountFields, StateManagerInterface } from '@ethereumjs/common'
import { Account, type Address } from '@ethereumjs/util'
import type { FlatState } from './flat-state.ts'

/** A {@link FlatState} as @ethereumjs/evm wants it. One of these lives as long as its EVM; the state in it is swapped. */
export class EvmState implements StateManagerInterface {
  #state: FlatState

  readonly originalStorageCache = {
    get: (address: Address, key: Uint8Array) => Promise.resolve(this.#state.originalStorage(address.bytes, key)),
    clear: () => this.#state.beginTransaction(),
  }

  constructor(state: FlatState) {
    this.#state = state
  }

  get state(): FlatState {
    return this.#state
  }

  use(state: FlatState): void {
    this.#state = state
  }

  // Every answer is a fresh account: the EVM changes what it is given.
  getAccount(address: Address): Promise<Account | undefined> {
    const account = this.#state.account(address.bytes)
    if (account === undefined) return absent
    return Promise.resolve(new Account(account.nonce, account.balance, account.storageRoot, account.codeHash))
  }

  putAccount(address: Address, account?: Account): Promise<void> {
    this.#state.setAccount(
      address.bytes,
      account === undefined
        ? undefined
        : {
            nonce: account.nonce,
            balance: account.balance,
            storageRoot: account.storageRoot,
            codeHash: account.codeHash,
          },
    )
    return done
  }

  deleteAccount(address: Address): Promise<void> {
    this.#state.setAccount(address.bytes, undefined)
    return done
  }

  modifyAccountFields(address: Address, fields: AccountFields): Promise<void> {
    const { nonce, balance, codeHash } = fields
    this.#state.updateAccount(address.bytes, {
      ...(nonce === undefined ? {} : { nonce }),
      ...(balance === undefined ? {} : { balance }),
      ...(codeHash === undefined ? {} : { codeHash }),
    })
    return done
  }

  putCode(address: Address, code: Uint8Array): Promise<void> {
    this.#state.setCode(address.bytes, code)
    return done
  }

  getCode(address: Address): Promise<Uint8Array> {
    return Promise.resolve(this.#state.code(address.bytes))
  }

  getCodeSize(address: Address): Promise<number> {
    return Promise.resolve(this.#state.code(address.bytes).length)
  }

  getStorage(address: Address, key: Uint8Array): Promise<Uint8Array> {
    return Promise.resolve(this.#state.storage(address.bytes, key))
  }

  putStorage(address: Address, key: Uint8Array, value: Uint8Array): Promise<void> {
    this.#state.setStorage(address.bytes, key, value)
    return done
  }

  clearStorage(address: Address): Promise<void> {
    this.#state.clearStorage(address.bytes)
    return done
  }

  checkpoint(): Promise<void> {
    this.#state.checkpoint()
    return done
  }

  commit(): Promise<void> {
    this.#state.commit()
    return done
  }

  revert(): Promise<void> {
    this.#state.revert()
    return done
  }

  getStateRoot(): Promise<Uint8Array> {
    return Promise.resolve(this.#state.world.root)
  }

  setStateRoot(): Promise<void> {
    return Promise.reject(new Error('the state is set by use(), never by its root'))
  }

  hasStateRoot(): Promise<boolean> {
    return Promise.resolve(false)
  }

  clearCaches(): void {}

  shallowCopy(): StateManagerInterface {
    return new EvmState(this.#state)
  }
}

const done = Promise.resolve()
const absent = Promise.resolve(undefined)
