/** Blocks one eth_getLogs or filter may span; public providers use 1,000 to 10,000. */
export const logBlocksMax = 10_000n
/** Logs one answer may hold: some 10 MB of JSON. */
export const logResultsMax = 10_000
/** Addresses of a log filter; geth's limit. */
export const logAddressesMax = 1_000
/** Alternatives at one topic position; geth's limit. */
export const logTopicsMax = 1_000
/** Filters of eth_newFilter and its kin, all clients together. */
export const filtersMax = 1_000
/** A filter nobody asks for that long is dropped; geth's five minutes. */
export const filterIdleMs = 5 * 60_000
/** Changes a filter keeps for its next poll; past it the filter is dropped, as its client would miss some. */
export const filterChangesMax = 20_000
/** Subscriptions of one WebSocket connection. */
export const subscriptionsMax = 100
/** Blocks of an eth_feeHistory answer; geth's limit. */
export const feeHistoryBlocksMax = 1_024n
/** Percentiles of an eth_feeHistory call; geth's limit. */
export const feeHistoryPercentilesMax = 100
/** Storage slots one eth_getProof may prove; geth's limit. */
export const proofSlotsMax = 1_024
/** Gas of an eth_call, an estimate or a trace; geth's default. */
export const callGasMax = 50_000_000n
/** Time of an eth_call or an estimate step; geth's default. */
export const callTimeoutMs = 5_000
/** Time of a debug trace, whatever its `timeout` asks for. */
export const traceTimeoutMs = 30_000
/** Opcode steps in an answer of the default tracer: some 50 MB of JSON. */
export const traceStepsMax = 200_000
/** Frames in an answer of the call tracer. */
export const traceFramesMax = 50_000
/** Overridden accounts of a call, and overridden slots of one account. */
export const overridesMax = 10_000
/** How long eth_sendRawTransactionSync waits at most; geth's default is a third of it. */
export const sendSyncTimeoutMsMax = 60_000
/** How long it waits when not told; geth's default. */
export const sendSyncTimeoutMs = 20_000
