// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { BatchHeader, Segment, Totals } from "../../lib/MoneyTypes.sol";

/// @notice A request opened on chain. `payer` is zero where there is none, `settledBy` the batch that settled it: zero while it is
///         open, 2^64 − 1 where it was refunded, 2^64 − 2 where it is void and `maxFee` is what its payer gets back.
struct OpenRequest {
    address payer;
    uint64 openedAt;
    uint128 maxFee;
    uint64 deadline;
    uint64 settledBy;
}

/// @title IInferenceMarket
/// @notice What the other contracts ask of the InferenceMarket, 0x4f4c…0003.
interface IInferenceMarket {
    /// @notice `keccak256(abi.encode(header))`; zero where there is no such batch.
    function batchHash(uint64 batchId) external view returns (bytes32);
    /// @notice True where this receipt is void, by itself or with its batch.
    function isVoid(uint64 batchId, uint32 index) external view returns (bool);
    function isBatchVoid(uint64 batchId) external view returns (bool);
    /// @notice Sums of the rows voided one by one.
    function voidedSums(uint64 batchId) external view returns (uint128[10] memory);
    /// @notice The last mature batch and the running live totals up to it.
    function maturedTotals() external view returns (uint64 lastBatch, Totals memory totals);
    /// @notice Totals through a batch at which maturing stopped once; reverts for any other.
    function totalsAt(uint64 batchId) external view returns (Totals memory totals);
    /// @notice Running count of all receipts, void ones included, of the batches up to this one; a void batch adds none.
    function receiptsThrough(uint64 batchId) external view returns (uint64);
    /// @notice When a mature batch was committed.
    function committedAtOf(uint64 batchId) external view returns (uint64);
    function openRequestOf(bytes32 requestId) external view returns (OpenRequest memory);

    /// @notice Only DisputeGame. Voids receipt `index` of the batch, whose row holds `row`, and refunds `channel`, or where
    ///         that is zero the payer of the request opened on chain.
    function voidReceipt(
        BatchHeader calldata header,
        uint32 index,
        uint128[10] calldata row,
        bytes32 channel,
        bytes32 requestId
    ) external;
    /// @notice Only DisputeGame and AttributionLedger. Voids all of a batch and refunds each segment.
    function voidBatch(BatchHeader calldata header, Segment[] calldata segments) external;
    /// @notice Only AttributionLedger: a data request on the batch was opened, or answered.
    function hold(uint64 batchId) external;
    function unhold(uint64 batchId) external;
    /// @notice Only AttributionLedger. Sends a final epoch's money to the RoyaltyVault.
    function payEpoch(uint128 credits, uint128 platform, uint128 stakers) external;
    /// @notice Only WorkerRegistry. Tells the stake that may cover fees.
    function setStake(address worker, uint128 free) external;
}
