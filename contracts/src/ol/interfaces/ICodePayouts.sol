// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title ICodePayouts
/// @notice What the other contracts ask of the CodeRegistry, 0x4f4c…000b, beside ERC-8021.
interface ICodePayouts {
    /// @notice Payout address in force at a time of the code with this keccak-256; zero where it was not registered.
    function payoutAt(bytes32 codeHash, uint64 time) external view returns (address);
}
