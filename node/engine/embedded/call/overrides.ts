import { hexToBytes, padLeft } from '../../../../protocol/bytes.ts'
import type { StateOverrides } from '../chain-view.ts'
import type { FlatState } from '../state/flat-state.ts'

/** Puts a call's own idea of the state over the chain's. */
export function overrideState(state: FlatState, overrides: StateOverrides | undefined): void {
  for (const [hex, override] of overrides ?? []) {
    const address = hexToBytes(hex)
    const { balance, nonce, code } = override
    if (balance !== undefined || nonce !== undefined) {
      state.updateAccount(address, {
        ...(balance === undefined ? {} : { balance }),
        ...(nonce === undefined ? {} : { nonce }),
      })
    }
    if (code !== undefined) state.setCode(address, code)
    if (override.state !== undefined) state.clearStorage(address)
    for (const [slot, value] of override.state ?? override.stateDiff ?? []) {
      state.setStorage(address, padLeft(hexToBytes(slot), 32), hexToBytes(value))
    }
  }
  state.beginTransaction()
}
