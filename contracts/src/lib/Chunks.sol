// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @dev Neighbouring leaves of a SHA-256 tree with the hashes beside their way up: level by level, the one on the left before
///      the one on the right. `first` is the number of the first leaf.
struct Run {
    uint32 first;
    bytes data;
    bytes32[] siblings;
}

/// @title Chunks
/// @notice Runs of leaves opened under SHA-256 roots: leaf `0x00 ‖ index u32 ‖ chunk`, node `0x01 ‖ left ‖ right`.
///         docs/ATTRIBUTION.md, docs/MONEY.md §2.
library Chunks {
    /// @notice The run does not stand there under the root.
    error WrongRun(bytes32 root, uint32 first);
    /// @notice The run ends neither with a chunk nor with the list.
    error WrongRunBytes(uint256 first, uint256 bytes_);
    error WrongRunSiblings(uint256 used, uint256 given);
    /// @notice The run does not show that place.
    error NotShown(uint256 place);

    /// @dev Tokens of a chunk, and entries of any list of u32.
    uint256 internal constant ENTRIES = 32;

    /// @notice Opens entries of `n` u32 under a perfect tree's root.
    function openWords(bytes32 root, uint256 n, Run calldata run) internal view {
        open(root, 4 * n, 4 * ENTRIES, run);
    }

    /// @notice Opens chunks of a list of `total` bytes under a perfect tree, whose absent leaves are 32 zero bytes.
    function open(bytes32 root, uint256 total, uint256 chunk, Run calldata run) internal view {
        if (_climb(run, total, chunk, true) != root) revert WrongRun(root, run.first);
    }

    /// @notice Opens tokens of a token list, whose root shows their number; an odd node goes up unchanged. MONEY §2.
    function openTokens(bytes32 root, uint32 n, Run calldata run) internal view {
        bytes32 top = _climb(run, 4 * uint256(n), 4 * ENTRIES, false);
        if (sha256(abi.encodePacked(uint8(0x02), n, top)) != root) revert WrongRun(root, run.first);
    }

    /// @notice Opens the one leaf of any size at `index` under a perfect tree of as many levels as there are siblings.
    function openLeaf(bytes32 root, uint32 index, bytes memory leaf, bytes32[] calldata siblings) internal view {
        if (_above(sha256(abi.encodePacked(uint8(0x00), index, leaf)), index, siblings) != root) {
            revert WrongRun(root, index);
        }
    }

    /// @notice As `openLeaf`, of a leaf that is not there.
    function openAbsent(bytes32 root, uint32 index, bytes32[] calldata siblings) internal view {
        if (_above(bytes32(0), index, siblings) != root) revert WrongRun(root, index);
    }

    /// @notice Entry `place` of a list of u32, in an opened run.
    function word(Run calldata run, uint256 place) internal pure returns (uint32) {
        return uint32(uint256(field(run, place, ENTRIES, 4)) >> 224);
    }

    /// @notice Entries of a list of u32 as they stand in an opened run.
    function words(Run calldata run, uint256 place, uint256 count) internal pure returns (bytes calldata) {
        uint256 begin = ENTRIES * run.first;
        if (place < begin || 4 * (place - begin + count) > run.data.length) revert NotShown(place);
        return run.data[4 * (place - begin):4 * (place - begin + count)];
    }

    /// @notice Whether `count` entries of two opened runs are equal, and all of them below `limit`.
    function equal(Run calldata run, uint256 place, Run calldata other, uint256 otherPlace, uint256 count, uint256 limit)
        internal
        pure
        returns (bool)
    {
        bytes calldata one = words(run, place, count);
        return keccak256(one) == keccak256(words(other, otherPlace, count)) && areBelow(one, limit);
    }

    /// @notice Whether all u32 of whole entries are below `limit`.
    function areBelow(bytes calldata entries, uint256 limit) internal pure returns (bool below) {
        assembly ("memory-safe") {
            below := 1
            let end := add(entries.offset, entries.length)
            for { let at := entries.offset } lt(at, end) { at := add(at, 4) } {
                below := and(below, lt(shr(224, calldataload(at)), limit))
            }
        }
    }

    /// @notice Bytes from field `place` on, in an opened run of `perChunk` fields of `size` ≤ 32 bytes a chunk.
    function field(Run calldata run, uint256 place, uint256 perChunk, uint256 size)
        internal
        pure
        returns (bytes32 value)
    {
        uint256 begin = perChunk * run.first;
        if (place < begin || (place - begin + 1) * size > run.data.length) revert NotShown(place);
        bytes calldata data = run.data;
        assembly ("memory-safe") {
            value := calldataload(add(data.offset, mul(sub(place, begin), size)))
        }
    }

    function _climb(Run calldata run, uint256 total, uint256 chunk, bool perfect) private view returns (bytes32 top) {
        bytes32[] calldata siblings = run.siblings;
        uint256 begin;
        assembly ("memory-safe") {
            begin := siblings.offset
        }
        uint256 end;
        (top, end) = _fold(_leaves(run, total, chunk), run.first, (total + chunk - 1) / chunk, begin, perfect);
        uint256 used = (end - begin) / 32;
        if (used != siblings.length) revert WrongRunSiblings(used, siblings.length);
    }

    /// @dev Joins nodes from place `first` on, of `width` in their level, to the top: in place, since a node never stands behind
    ///      those it is made from. A hash that lacks gas leaves too little of it to go on.
    /// @param sibling where in calldata the first sibling stands; returned is where the one behind the last used does
    function _fold(bytes32[] memory nodes, uint256 first, uint256 width, uint256 sibling, bool perfect)
        private
        view
        returns (bytes32 top, uint256)
    {
        assembly ("memory-safe") {
            // 0x01 ‖ left ‖ right in free memory.
            let pair := mload(0x40)
            mstore8(pair, 1)
            let end := add(nodes, shl(5, add(mload(nodes), 1)))
            for { } gt(width, 1) { width := shr(1, add(width, 1)) } {
                let from := add(nodes, 32)
                let to := from
                if and(first, 1) {
                    mstore(add(pair, 1), calldataload(sibling))
                    mstore(add(pair, 33), mload(from))
                    pop(staticcall(gas(), 2, pair, 65, to, 32))
                    sibling := add(sibling, 32)
                    from := add(from, 32)
                    to := from
                }
                for { } lt(add(from, 32), end) { from := add(from, 64) } {
                    mcopy(add(pair, 1), from, 64)
                    pop(staticcall(gas(), 2, pair, 65, to, 32))
                    to := add(to, 32)
                }
                if lt(from, end) {
                    mstore(add(pair, 1), mload(from))
                    mstore(to, mload(from))
                    // The last node of an odd level goes up as it is, where the tree is not perfect.
                    if or(perfect, lt(add(first, shr(5, sub(sub(end, nodes), 32))), width)) {
                        mstore(add(pair, 33), calldataload(sibling))
                        pop(staticcall(gas(), 2, pair, 65, to, 32))
                        sibling := add(sibling, 32)
                    }
                    to := add(to, 32)
                }
                end := to
                first := shr(1, first)
            }
            top := mload(add(nodes, 32))
        }
        return (top, sibling);
    }

    function _leaves(Run calldata run, uint256 total, uint256 chunk) private view returns (bytes32[] memory nodes) {
        bytes calldata data = run.data;
        uint256 end = run.first * chunk + data.length;
        bool whole = data.length % chunk == 0 && end < total;
        if (data.length == 0 || !(whole || end == total)) revert WrongRunBytes(run.first, data.length);
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

    function _above(bytes32 node, uint256 index, bytes32[] calldata siblings) private view returns (bytes32) {
        for (uint256 i = 0; i < siblings.length; i++) {
            node = index & 1 == 1 ? _node(siblings[i], node) : _node(node, siblings[i]);
            index >>= 1;
        }
        // A place to the right of the tree is none.
        return index == 0 ? node : bytes32(0);
    }

    function _node(bytes32 left, bytes32 right) private view returns (bytes32 node) {
        assembly ("memory-safe") {
            let pair := mload(0x40)
            mstore8(pair, 1)
            mstore(add(pair, 1), left)
            mstore(add(pair, 33), right)
            if iszero(staticcall(gas(), 2, pair, 65, 0, 32)) { revert(0, 0) }
            node := mload(0)
        }
    }
}
