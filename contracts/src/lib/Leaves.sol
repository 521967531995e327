// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Chunks, Run } from "./Chunks.sol";

/// @title Leaves
/// @notice Runs of leaves opened under a SHA-256 tree of known depth, of which any place may be absent.
///         docs/canonical-inference.md §9, §12.1.
library Leaves {
    /// @notice Reverts where the run, cut at `chunk` bytes, does not stand under the root. The last leaf may be shorter.
    function open(bytes32 root, uint256 depth, uint256 chunk, Run calldata run) internal view {
        if (run.data.length == 0) revert Chunks.WrongRunBytes(run.first, 0);
        bytes32[] memory nodes = _hash(run, chunk);
        uint256 first = run.first;
        if (first + nodes.length > 1 << depth) revert Chunks.WrongRunBytes(first, run.data.length);
        (bytes32 top, uint256 used) = _fold(nodes, first, depth, run.siblings);
        if (used != run.siblings.length) revert Chunks.WrongRunSiblings(used, run.siblings.length);
        if (top != root) revert Chunks.WrongRun(root, run.first);
    }

    /// @notice Levels between the root of so many leaves and them.
    function depthOf(uint256 leaves) internal pure returns (uint256 depth) {
        while (1 << depth < leaves) depth++;
    }

    /// @dev Joins nodes from place `first` on to the top, in place, since a node never stands behind those it is made from. Siblings
    ///      that are not given read as zeros, which `open` sees by their number.
    function _fold(bytes32[] memory nodes, uint256 first, uint256 depth, bytes32[] calldata siblings)
        private
        view
        returns (bytes32 top, uint256 used)
    {
        assembly ("memory-safe") {
            function take(siblings_, count, at) -> sibling {
                if lt(at, count) { sibling := calldataload(add(siblings_, shl(5, at))) }
            }
            let pair := mload(0x40)
            mstore8(pair, 1)
            let end := add(nodes, shl(5, add(mload(nodes), 1)))
            for { } depth { depth := sub(depth, 1) } {
                let from := add(nodes, 32)
                let to := from
                if and(first, 1) {
                    mstore(add(pair, 1), take(siblings.offset, siblings.length, used))
                    mstore(add(pair, 33), mload(from))
                    if iszero(staticcall(gas(), 2, pair, 65, to, 32)) { revert(0, 0) }
                    used := add(used, 1)
                    from := add(from, 32)
                    to := from
                }
                for { } lt(from, end) { from := add(from, 64) } {
                    mstore(add(pair, 1), mload(from))
                    let right := add(from, 32)
                    switch lt(right, end)
                    case 1 { mstore(add(pair, 33), mload(right)) }
                    default {
                        mstore(add(pair, 33), take(siblings.offset, siblings.length, used))
                        used := add(used, 1)
                    }
                    if iszero(staticcall(gas(), 2, pair, 65, to, 32)) { revert(0, 0) }
                    to := add(to, 32)
                }
                end := to
                first := shr(1, first)
            }
            top := mload(add(nodes, 32))
        }
    }

    function _hash(Run calldata run, uint256 chunk) private view returns (bytes32[] memory nodes) {
        bytes calldata data = run.data;
        nodes = new bytes32[]((data.length + chunk - 1) / chunk);
        uint256 index = run.first;
        assembly ("memory-safe") {
            let leaf := mload(0x40)
            mstore8(leaf, 0)
            let node := add(nodes, 32)
            for { let at := 0 } lt(at, data.length) { at := add(at, chunk) } {
                let size := sub(data.length, at)
                if gt(size, chunk) { size := chunk }
                mstore(add(leaf, 1), shl(224, index))
                calldatacopy(add(leaf, 5), add(data.offset, at), size)
                if iszero(staticcall(gas(), 2, leaf, add(5, size), node, 32)) { revert(0, 0) }
                node := add(node, 32)
                index := add(index, 1)
            }
        }
    }
}
