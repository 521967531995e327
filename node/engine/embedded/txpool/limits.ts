/** Bytes of one transaction; op-geth's limit, four 32 KiB slots. */
export const transactionBytesMax = 131_072
/** Bytes of all pooled transactions together: 512 of the largest, or a quarter million plain transfers. */
export const poolBytesMax = 64 * 1024 * 1024
/** Pooled transactions; at some 2 KiB of bookkeeping each, 32 MiB. */
export const poolTransactionsMax = 16_384
/** Transactions of one sender; a script that deploys or seeds sends a few hundred at once. */
export const senderTransactionsMax = 512
/** Of these, transactions behind a nonce gap; op-geth's limit. */
export const senderQueuedMax = 64
/** Transactions behind a nonce gap, of all senders; op-geth's limit. */
export const poolQueuedMax = 1024
/** How long a transaction may wait behind a nonce gap; op-geth's three hours. */
export const queuedLifetimeMs = 3 * 60 * 60 * 1000
/** Percent by which a replacement must raise both the fee cap and the tip; op-geth's. */
export const replacementBumpPercent = 10n
/** Transactions of an account that delegates to code (EIP-7702): others can empty it, so only one may wait. */
export const delegatedSenderTransactionsMax = 1
