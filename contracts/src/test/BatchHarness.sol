// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { BatchHashes } from "../lib/BatchHashes.sol";
import { BatchInput, Segment } from "../lib/MoneyTypes.sol";

/// @title BatchHarness
/// @notice Lets tests reach what commits read from calldata; deployed nowhere.
contract BatchHarness {
    function readBatch(BatchInput calldata input) external pure returns (bytes32 root, uint256 parts) {
        return BatchHashes.read(input);
    }

    function readSegment(Segment calldata segment)
        external
        pure
        returns (bytes32 channel, uint256 count, uint256 fee, uint256 cumulativeCap, uint256 deadline)
    {
        return BatchHashes.read(segment);
    }

    function header(BatchInput calldata input, uint64 batchId, bytes32 root, bytes32 segmentsHash)
        external
        view
        returns (bytes32 hash)
    {
        return BatchHashes.header(input, batchId, root, segmentsHash);
    }

    function hashOf(Segment[] calldata segments) external pure returns (bytes32) {
        return BatchHashes.hashOf(segments);
    }

    function signerOf(Segment calldata segment) external view returns (address signer, bytes32 channel) {
        return BatchHashes.signerOf(segment, BatchHashes.domainSeparator());
    }
}
