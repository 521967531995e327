// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title ISharesCalculator
/// @notice Says to whom fees go. Shape of the OP Stack's: protocol/fee-splitter.md.
interface ISharesCalculator {
    /// @notice `recipient` may be a pool of the RoyaltyVault.
    struct ShareInfo {
        address payable recipient;
        uint256 amount;
    }

    /// @notice Shares that sum to the four revenues, in wei.
    function getRecipientsAndAmounts(
        uint256 sequencerFeeRevenue,
        uint256 baseFeeRevenue,
        uint256 operatorFeeRevenue,
        uint256 l1FeeRevenue
    ) external view returns (ShareInfo[] memory shares);
}
