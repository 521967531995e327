// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title ISignatureRegistry
/// @notice What ShareJudge asks of the SignatureRegistry, 0x4f4c…003c.
interface ISignatureRegistry {
    /// @notice The hash of a contribution's signature that was shown before a time; zero where none was.
    function shownBefore(uint64 contribId, uint64 time) external view returns (bytes32);
}
