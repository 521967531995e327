// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Shares } from "../../lib/MoneyTypes.sol";

/// @title IRevenueSplitter
/// @notice What the other contracts ask of the RevenueSplitter, 0x4f4c…0007.
interface IRevenueSplitter {
    /// @notice Versions count from 1; reverts for one that is not.
    function sharesOf(uint32 version) external view returns (Shares memory);
    /// @notice Version of the split that new prices take.
    function currentShares() external view returns (uint32);
}
