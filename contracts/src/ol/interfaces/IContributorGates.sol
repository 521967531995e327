// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title IContributorGates
/// @notice What the DatanetRegistry asks and tells of who contributes to a gated Datanet: DatanetAccess, 0x4f4c…0035.
interface IContributorGates {
    /// @notice Reverts with what is missing: NoCredential, a named fault of the credential, ReputationTooLow.
    function requireContributor(uint64 datanet, address who) external view;
    /// @notice Only the DatanetRegistry, of what becomes of contributions.
    /// @param items contributions that had this outcome at once
    /// @param good whether they were accepted
    /// @param score basis points; zero where none was given
    function countOutcome(uint64 datanet, address who, uint256 items, bool good, uint256 score) external;
}
