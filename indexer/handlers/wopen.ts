import { contractHandlers, noChange } from './event.ts'

/** Index of WOPEN's events, as far as its wei are concerned: each that is in it is somebody's. */
export const wopen = contractHandlers({
  'Deposit(address,uint256)': (event, { writer }) => writer.owe('wopen', event.uint(0)),
  'Withdrawal(address,uint256)': (event, { writer }) => writer.owe('wopen', -event.uint(0)),
  'Transfer(address,address,uint256)': noChange,
  'Approval(address,address,uint256)': noChange,
})
