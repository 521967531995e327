// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title IRoyaltyVault
/// @notice What the other contracts ask of the RoyaltyVault, 0x4f4c…0006.
interface IRoyaltyVault {
    /// @notice Only AttributionLedger. Payouts under the root of a final epoch can be claimed from now on; what units of
    ///         Datanets are owed of it counts for who held them when its last batch was committed.
    function publishRoot(uint64 epoch, bytes32 payoutRoot, uint64 lastBatch) external;
    /// @notice Only InferenceMarket, with exactly the sum: credits are kept for claims, the rest goes to the pools.
    function creditEpoch(uint128 credits, uint128 platform, uint128 stakers) external payable;
    /// @notice Adds the value to a pool.
    function fund(uint8 kind, uint64 id) external payable;
}
