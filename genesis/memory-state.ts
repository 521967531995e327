import type { StateManagerInterface } from '@ethereumjs/common'
import { Account, type Address, KECCAK256_RLP } from '@ethereumjs/util'
import { bytesToHex, emptyBytes, type Hex, trimLeft } from '../protocol/bytes.ts'
import { keccak256 } from '../protocol/keccak.ts'

/** An account as a genesis file holds it; storage values are trimmed of leading zeros and never zero. */
export type StateAccount = {
  nonce: bigint
  balance: bigint
  code: Uint8Array
  readonly storage: Map<Hex, Uint8Array>
}

/** World state in memory for `@ethereumjs/evm`: what constructors and initialisers of a genesis run on. */
export class MemoryState implements StateManagerInterface {
  readonly accounts = new Map<Hex, StateAccount>()
  /** Undo steps since the start, newest last; a checkpoint is a length. */
  readonly #undo: (() => void)[] = []
  readonly #checkpoints: number[] = []
  readonly #original = new Map<string, Uint8Array>()

  /** The account at `address`, made where there is none. */
  account(address: Hex): StateAccount {
    const known = this.accounts.get(address)
    if (known !== undefined) return known
    const account = { nonce: 0n, balance: 0n, code: emptyBytes, storage: new Map<Hex, Uint8Array>() }
    this.accounts.set(address, account)
    this.#undo.push(() => this.accounts.delete(address))
    return account
  }

  async getAccount(address: Address): Promise<Account | undefined> {
    const account = this.accounts.get(key(address))
    if (account === undefined) return undefined
    return new Account(account.nonce, account.balance, KECCAK256_RLP, codeHash(account.code))
  }

  async putAccount(address: Address, account?: Account): Promise<void> {
    if (account === undefined) return await this.deleteAccount(address)
    this.#setFields(key(address), account.nonce, account.balance)
  }

  async deleteAccount(address: Address): Promise<void> {
    const name = key(address)
    const before = this.accounts.get(name)
    if (before === undefined) return
    this.accounts.delete(name)
    this.#undo.push(() => this.accounts.set(name, before))
  }

  async modifyAccountFields(address: Address, fields: { nonce?: bigint; balance?: bigint }): Promise<void> {
    const { nonce, balance } = this.account(key(address))
    this.#setFields(key(address), fields.nonce ?? nonce, fields.balance ?? balance)
  }

  async putCode(address: Address, code: Uint8Array): Promise<void> {
    const account = this.account(key(address))
    const before = account.code
    account.code = code
    this.#undo.push(() => {
      account.code = before
    })
  }

  async getCode(address: Address): Promise<Uint8Array> {
    return this.accounts.get(key(address))?.code ?? emptyBytes
  }

  async getCodeSize(address: Address): Promise<number> {
    return (await this.getCode(address)).length
  }

  async getStorage(address: Address, slot: Uint8Array): Promise<Uint8Array> {
    return this.accounts.get(key(address))?.storage.get(bytesToHex(slot)) ?? emptyBytes
  }

  async putStorage(address: Address, slot: Uint8Array, value: Uint8Array): Promise<void> {
    const { storage } = this.account(key(address))
    const name = bytesToHex(slot)
    const before = storage.get(name)
    const original = `${key(address)}${name}`
    if (!this.#original.has(original)) this.#original.set(original, before ?? emptyBytes)
    const trimmed = trimLeft(value)
    if (trimmed.length === 0) storage.delete(name)
    else storage.set(name, trimmed)
    this.#undo.push(() => {
      if (before === undefined) storage.delete(name)
      else storage.set(name, before)
    })
  }

  async clearStorage(address: Address): Promise<void> {
    const { storage } = this.account(key(address))
    const before = [...storage]
    storage.clear()
    this.#undo.push(() => {
      for (const [slot, value] of before) storage.set(slot, value)
    })
  }

  readonly originalStorageCache = {
    get: async (address: Address, slot: Uint8Array): Promise<Uint8Array> =>
      this.#original.get(`${key(address)}${bytesToHex(slot)}`) ?? (await this.getStorage(address, slot)),
    clear: (): void => this.#original.clear(),
  }

  async checkpoint(): Promise<void> {
    this.#checkpoints.push(this.#undo.length)
  }

  async commit(): Promise<void> {
    this.#checkpoints.pop()
    if (this.#checkpoints.length === 0) this.#undo.length = 0
  }

  async revert(): Promise<void> {
    const length = this.#checkpoints.pop() ?? 0
    while (this.#undo.length > length) this.#undo.pop()?.()
  }

  clearCaches(): void {}

  async getStateRoot(): Promise<Uint8Array> {
    throw new Error('a genesis state has no root of its own; see genesisHeader')
  }

  async setStateRoot(): Promise<void> {
    throw new Error('a genesis state has one version')
  }

  async hasStateRoot(): Promise<boolean> {
    return false
  }

  shallowCopy(): StateManagerInterface {
    throw new Error('a genesis state is not copied')
  }

  #setFields(name: Hex, nonce: bigint, balance: bigint): void {
    const account = this.account(name)
    const before = { nonce: account.nonce, balance: account.balance }
    account.nonce = nonce
    account.balance = balance
    this.#undo.push(() => {
      account.nonce = before.nonce
      account.balance = before.balance
    })
  }
}

function key(address: Address): Hex {
  return bytesToHex(address.bytes)
}

const codeHashes = new WeakMap<Uint8Array, Uint8Array>()

/** Codes are replaced, never changed, and an EVM asks for their hash at every call. */
function codeHash(code: Uint8Array): Uint8Array {
  let hash = codeHashes.get(code)
  if (hash === undefined) {
    hash = keccak256(code)
    codeHashes.set(code, hash)
  }
  return hash
}
