// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @dev An attestation as EAS keeps it. Times in Unix seconds; zero: it does not expire, was not revoked.
struct Attestation {
    bytes32 uid;
    bytes32 schema;
    uint64 time;
    uint64 expirationTime;
    uint64 revocationTime;
    bytes32 refUID;
    address recipient;
    address attester;
    bool revocable;
    bytes data;
}

/// @title IEas
/// @notice What Grants asks of the Ethereum Attestation Service, 0x4200…0021.
interface IEas {
    /// @notice All zeros where there is none.
    function getAttestation(bytes32 uid) external view returns (Attestation memory);
}
