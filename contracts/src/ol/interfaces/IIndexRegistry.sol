// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title IIndexRegistry
/// @notice What the other contracts ask of the IndexRegistry, 0x4f4c…0028.
interface IIndexRegistry {
    /// @notice Published with its bond, not retired, not proven false: a new model version may name it.
    function isLive(bytes32 id) external view returns (bool);
    /// @notice Whether it counts for nothing at a time, whatever names it. Of a time that is past the answer never changes.
    function isDeadAt(bytes32 id, uint64 time) external view returns (bool);
    /// @notice The Datanet version that it is an index of; zeros where there is no such index.
    function versionOf(bytes32 id) external view returns (uint64 datanet, uint32 version);
}
