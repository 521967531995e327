import type { PooledTransaction, StateView } from '../chain-view.ts'
import { delegatedSenderTransactionsMax } from './limits.ts'
import { PoolError } from './pool-error.ts'
import type { SenderQueue } from './sender-queue.ts'

/** The checks against the sender's account at the head. Throws {@link PoolError}. */
export function checkAccount(
  { tx, sender }: PooledTransaction,
  state: StateView,
  { cost, queue }: { readonly cost: bigint; readonly queue: SenderQueue },
): void {
  const { nonce, balance } = state.account(sender) ?? { nonce: 0n, balance: 0n }
  if (tx.nonce < nonce) {
    throw new PoolError('nonce-too-low', `nonce too low: next nonce ${nonce}, tx nonce ${tx.nonce}`)
  }
  if (balance < cost) {
    throw new PoolError(
      'insufficient-funds',
      `insufficient funds for gas * price + value: balance ${balance}, tx cost ${cost}, overshot ${cost - balance}`,
    )
  }
  const others = queue.costWithout(tx.nonce)
  if (balance < cost + others) {
    throw new PoolError(
      'insufficient-funds',
      `insufficient funds for gas * price + value: balance ${balance}, queued cost ${others}, tx cost ${cost}, overshot ${cost + others - balance}`,
    )
  }
  const code = state.code(sender)
  if (code.length === 0) return
  if (!isDelegation(code)) throw new PoolError('invalid-fields', 'sender not an eoa')
  const waiting = queue.size - (queue.get(tx.nonce) === undefined ? 0 : 1)
  if (waiting >= delegatedSenderTransactionsMax) {
    throw new PoolError('limit', 'in-flight transaction limit reached for delegated accounts')
  }
}

/** EIP-7702: code that says whose code runs instead. */
function isDelegation(code: Uint8Array): boolean {
  return code.length === 23 && code[0] === 0xef && code[1] === 0x01 && code[2] === 0x00
}
