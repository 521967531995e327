// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @dev What the DatanetRegistry keeps of a version.
struct DatanetVersion {
    bytes32 itemsRoot;
    bytes32 tokenRoot;
    bytes32 suffixRoot;
    uint64 tokenCount;
    bytes32 tokenizerHash;
    bytes32 croissantHash;
    bytes32 statementHash;
    uint256 unitsTotal;
    bytes32 unitsRoot;
}

/// @dev What it keeps of a Datanet.
struct DatanetRecord {
    address owner;
    uint8 mediaType;
    /// @dev 0 public, 1 permissioned.
    uint8 visibility;
    /// @dev DatanetStatus.
    uint8 status;
    uint32 version;
    bytes32 licenceId;
    bytes32 policy;
    uint256 bondPerItem;
    bytes32 metaHash;
    /// @dev Admission.
    uint8 admission;
    bool governed;
    bool live;
}

/// @title IDatanetVersions
/// @notice What the IndexRegistry asks of the DatanetRegistry, 0x4f4c…0001.
interface IDatanetVersions {
    /// @notice All zeros where there is no such version.
    function versions(uint64 id, uint32 version) external view returns (DatanetVersion memory);
    /// @notice Reverts where there is no such Datanet.
    function datanets(uint64 id) external view returns (DatanetRecord memory);
}
