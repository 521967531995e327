// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { TrieProof } from "../lib/TrieProof.sol";

/// @title TrieProofHarness
/// @notice Lets tests reach the library; deployed nowhere.
contract TrieProofHarness {
    function includes(bytes32 root, bytes calldata key, bytes calldata value, bytes[] calldata proof)
        external
        pure
        returns (bool)
    {
        return TrieProof.includes(root, key, value, proof);
    }

    function read(bytes32 root, bytes32 path, bytes[] calldata proof)
        external
        pure
        returns (bool found, bytes memory value)
    {
        return TrieProof.read(root, path, proof);
    }
}
