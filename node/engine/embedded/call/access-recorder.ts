import { bytesToHex, type Hex, padLeft } from '../../../../protocol/bytes.ts'
import type { TouchedAccount, TouchedState } from '../chain-view.ts'
import type { FlatState } from '../state/flat-state.ts'

/** Remembers each account and slot an execution looks at as it was before. */
export class AccessRecorder {
  readonly #state: FlatState
  readonly #accounts = new Map<
    Hex,
    { address: Uint8Array; before: TouchedState | undefined; slots: Map<Hex, Uint8Array> }
  >()
  #isReading = false

  constructor(state: FlatState) {
    this.#state = state
    state.onAccess = (address, slot) => this.#record(address, slot)
  }

  /** What was looked at, with the values of now; ends the recording. */
  touched(): TouchedAccount[] {
    this.#state.onAccess = undefined
    return [...this.#accounts.values()].map(({ address, before, slots }) => ({
      address,
      before,
      after: this.#read(address),
      storage: new Map([...slots].map(([key, value]) => [key, { before: value, after: this.#slot(address, key) }])),
    }))
  }

  #record(address: Uint8Array, slot: Uint8Array | undefined): void {
    // Reading the value before is an access too.
    if (this.#isReading) return
    this.#isReading = true
    const key = bytesToHex(address)
    let account = this.#accounts.get(key)
    if (account === undefined) {
      account = { address: address.slice(), before: this.#read(address), slots: new Map() }
      this.#accounts.set(key, account)
    }
    if (slot !== undefined) {
      const slotKey = bytesToHex(slot)
      if (!account.slots.has(slotKey)) account.slots.set(slotKey, padLeft(this.#state.storage(address, slot), 32))
    }
    this.#isReading = false
  }

  #read(address: Uint8Array): TouchedState | undefined {
    const account = this.#state.account(address)
    if (account === undefined) return undefined
    return { nonce: account.nonce, balance: account.balance, code: this.#state.code(address) }
  }

  #slot(address: Uint8Array, key: Hex): Uint8Array {
    return padLeft(this.#state.storage(address, Buffer.from(key.slice(2), 'hex')), 32)
  }
}
