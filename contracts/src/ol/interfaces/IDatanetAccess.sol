// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice What a reader of a permissioned Datanet may do with it.
enum Purpose { Train, Evaluate, Read, Retrieve }

/// @title IDatanetAccess
/// @notice What the other contracts ask of DatanetAccess, 0x4f4c…0035. docs/DATANETS.md.
interface IDatanetAccess {
    /// @notice Whether somebody may use a version for a purpose now: of a public Datanet everybody, of a permissioned one its
    ///         owner and who has a grant.
    function allowed(uint64 datanet, uint32 version, address who, Purpose purpose) external view returns (bool);
    /// @notice Reverts with the reason where `allowed` is false: NoGrant, GrantRevoked, GrantExpired, OutOfScope.
    function requireAllowed(uint64 datanet, uint32 version, address who, Purpose purpose) external view;
}
