// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title IItemRewards
/// @notice Where SignatureProofs leaves rewards: the DatanetJudge.
interface IItemRewards {
    /// @notice Only SignatureProofs. The reward for a bond that was slashed just now for this contract.
    function awardSlashed(uint64 contribId, address holder) external;

    /// @notice Only SignatureProofs. The value is due to who showed a contribution's signature.
    function awardShown(uint64 contribId, address holder) external payable;
}
