// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title IDatanetUnits
/// @notice What the other contracts ask of DatanetUnits, 0x4f4c…0034. docs/DATANETS.md.
interface IDatanetUnits {
    /// @notice Only DatanetRegistry. Makes the units of a version that is published: all are the owner's, or each
    ///         contributor's as a leaf under `allotment` says, from this block on.
    function issue(uint64 datanet, uint32 version, address owner, uint128 units, bytes32 allotment) external;
    /// @notice Only RoyaltyVault. Books income of a Datanet for who held its units at `time`, which is past.
    /// @param epoch that paid it; zero where somebody else did
    /// @return acc  what one unit has been owed since the beginning, in 1/2^64 wei
    function credit(uint64 datanet, uint256 amount, uint64 epoch, uint64 time) external returns (uint256 acc);
    /// @notice Only RoyaltyVault. Takes the whole wei that a holder is owed, of as much income as one call looks through.
    function take(uint64 datanet, address holder) external returns (uint256 amount);
    /// @notice Wei that a holder is owed.
    function claimable(uint64 datanet, address holder) external view returns (uint256);
    /// @notice Units of all versions that somebody held at the end of the block at `time`, allotted ones included.
    function unitsAt(uint64 datanet, address holder, uint64 time) external view returns (uint256);
    /// @notice Units of all versions that there were then.
    function unitsTotalAt(uint64 datanet, uint64 time) external view returns (uint256);
}
