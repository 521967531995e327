// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title IDatanetPayouts
/// @notice What the other contracts ask of the DatanetRegistry, 0x4f4c…0001.
interface IDatanetPayouts {
    /// @notice Payout address in force of the contribution's author at a time; zero where it is unknown.
    function payoutOfAt(uint64 contribId, uint64 time) external view returns (address);
    /// @notice Datanets so far; ids count from 1.
    function datanetCount() external view returns (uint64);
    /// @notice The licence of a Datanet's contributions, fixed at its creation.
    function licenceOf(uint64 id) external view returns (bytes32);
}
