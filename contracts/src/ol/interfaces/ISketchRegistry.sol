// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @dev A table of influences: `rows` of `size` signed bytes under `root`, whose leaf 0 is the head.
struct SketchTable {
    bytes32 root;
    uint32 size;
    uint16 rows;
}

/// @title ISketchRegistry
/// @notice What SketchJudge asks of the SketchRegistry, 0x4f4c…0043.
interface ISketchRegistry {
    /// @notice The table that answers of a model version with an adapter are attributed by at a time; zeros where there is none.
    function tableAt(bytes32 modelVersion, bytes32 adapterRoot, uint64 time) external view returns (SketchTable memory);
}
