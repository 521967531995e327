// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Chunks } from "./Chunks.sol";

/// @dev The config of a model or an adapter, section 0 of its file.
struct OpenedConfig {
    bytes config;
    bytes32[] siblings;
}

/// @title ModelSections
/// @notice Sections of a model file opened under the model's root; docs/canonical-inference.md §4, §9.
library ModelSections {
    /// @notice Not a config's bytes.
    error WrongConfigBytes(uint256 bytes_);

    uint32 private constant CONFIG = 0;
    uint32 private constant TOKENIZER = 5;
    uint64 private constant CONFIG_BYTES = 60;
    uint64 private constant ADAPTER_CONFIG_BYTES = 44;
    uint32 private constant LEAF_BYTES = 1_024;

    /// @dev Places of words in a config.
    uint256 internal constant VOCAB = 1;
    uint256 internal constant CONTEXT = 8;
    uint256 internal constant EOS = 13;

    function openConfig(bytes32 modelRoot, OpenedConfig calldata opened) internal view {
        _openConfig(modelRoot, CONFIG_BYTES, opened);
    }

    function openAdapter(bytes32 adapterRoot, OpenedConfig calldata opened) internal view {
        _openConfig(adapterRoot, ADAPTER_CONFIG_BYTES, opened);
    }

    /// @notice Opens the root and size of the model's tokenizer.
    function openTokenizer(bytes32 modelRoot, bytes32 root, uint64 size, bytes32[] calldata siblings) internal view {
        Chunks.openLeaf(modelRoot, TOKENIZER, _leaf("tokenizer", size, root), siblings);
    }

    /// @notice A word of a config.
    function word(OpenedConfig calldata opened, uint256 place) internal pure returns (uint256) {
        return uint32(bytes4(opened.config[4 * place:4 * place + 4]));
    }

    function _openConfig(bytes32 fileRoot, uint64 size, OpenedConfig calldata opened) private view {
        if (opened.config.length != size) revert WrongConfigBytes(opened.config.length);
        bytes32 root = sha256(abi.encodePacked(uint8(0x00), uint32(0), opened.config));
        Chunks.openLeaf(fileRoot, CONFIG, _leaf("config", size, root), opened.siblings);
    }

    function _leaf(string memory name, uint64 size, bytes32 root) private pure returns (bytes memory) {
        return abi.encodePacked(uint8(bytes(name).length), name, size, LEAF_BYTES, root);
    }
}
