// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title MerkleSum
/// @notice Proofs of consecutive leaves in a keccak sum tree, whose nodes carry vectors of u128 sums. One leaf is the
///         usual case; a run of them shares its siblings. Precompile 0x4f4c…0012.
///
/// A row is a hash and its sums: `hash 32 ‖ sum u128 …`. A node is `keccak(0x01 ‖ left row ‖ right row)` with the added
/// sums; the tree is perfect, of depth ⌈log2 n⌉, an absent leaf is a row of zeros; the published root is
/// `keccak(0x04 ‖ n u32 ‖ sums ‖ hash)`. A leaf's hash is its caller's, with a prefix of its own.
contract MerkleSum {
    /// @notice The lengths do not fit each other: sums are 16 bytes each, leaves and siblings whole rows.
    error BadShape(uint256 totalBytes, uint256 leafBytes, uint256 siblingBytes);

    /// @notice Sums of one node, at most.
    uint256 private constant SUMS_MAX = 16;

    struct Walk {
        uint256 row;
        /// @dev Rows of the level, and the position of the first.
        uint256 count;
        uint256 first;
        bytes nodes;
        /// @dev What a node hashes: 0x01 ‖ left row ‖ right row.
        bytes pair;
        bytes prefix;
        uint256 siblingsUsed;
    }

    /// @param root     the published root
    /// @param n        leaves of the tree
    /// @param start    index of the first leaf proven
    /// @param totals   the sums under the root
    /// @param leaves   rows of the leaves start, start + 1, …
    /// @param siblings rows that the way up needs, level by level, the left one first
    /// @return ok     they are leaves of that tree
    /// @return prefix sums of all leaves before `start`; zeros where not ok
    function verify(
        bytes32 root,
        uint32 n,
        uint32 start,
        bytes calldata totals,
        bytes calldata leaves,
        bytes calldata siblings
    ) external pure returns (bool ok, bytes memory prefix) {
        Walk memory walk;
        walk.row = 32 + totals.length;
        bool shaped = totals.length > 0 && totals.length % 16 == 0 && totals.length <= 16 * SUMS_MAX && leaves.length > 0
            && leaves.length % walk.row == 0 && siblings.length % walk.row == 0;
        if (!shaped) revert BadShape(totals.length, leaves.length, siblings.length);
        walk.count = leaves.length / walk.row;
        walk.first = start;
        prefix = new bytes(totals.length);
        if (walk.first + walk.count > n) return (false, prefix);
        walk.nodes = leaves;
        walk.prefix = new bytes(totals.length);
        walk.pair = new bytes(1 + 2 * walk.row);
        walk.pair[0] = 0x01;
        for (uint256 width = n; width > 1; width = (width + 1) / 2) {
            if (!_climb(walk, siblings)) return (false, prefix);
        }
        if (walk.siblingsUsed != siblings.length || !_isRoot(walk, root, n, totals)) return (false, prefix);
        return (true, walk.prefix);
    }

    /// @dev Replaces a level's rows by their parents'. False where siblings run out or a sum overflows.
    function _climb(Walk memory walk, bytes calldata siblings) private pure returns (bool) {
        uint256 taken;
        uint256 made;
        while (taken < walk.count) {
            if (taken == 0 && walk.first & 1 == 1) {
                if (!_takeSibling(walk, siblings, 0)) return false;
                _addToPrefix(walk);
                _takeNode(walk, taken++, 1);
            } else {
                _takeNode(walk, taken++, 0);
                if (taken < walk.count) _takeNode(walk, taken++, 1);
                else if (!_takeSibling(walk, siblings, 1)) return false;
            }
            if (!_combine(walk, made++)) return false;
        }
        walk.count = made;
        walk.first >>= 1;
        return true;
    }

    function _takeNode(Walk memory walk, uint256 index, uint256 side) private pure {
        bytes memory nodes = walk.nodes;
        bytes memory pair = walk.pair;
        uint256 row = walk.row;
        assembly ("memory-safe") {
            mcopy(add(add(pair, 33), mul(side, row)), add(add(nodes, 32), mul(index, row)), row)
        }
    }

    function _takeSibling(Walk memory walk, bytes calldata siblings, uint256 side) private pure returns (bool) {
        uint256 used = walk.siblingsUsed;
        uint256 row = walk.row;
        if (used == siblings.length) return false;
        bytes memory pair = walk.pair;
        assembly ("memory-safe") {
            calldatacopy(add(add(pair, 33), mul(side, row)), add(siblings.offset, used), row)
        }
        walk.siblingsUsed = used + row;
        return true;
    }

    /// @dev Adds the left row's sums. They cannot overflow unseen: the pair's own sums would overflow first.
    function _addToPrefix(Walk memory walk) private pure {
        bytes memory pair = walk.pair;
        bytes memory prefix = walk.prefix;
        assembly ("memory-safe") {
            let bytes_ := mload(prefix)
            for { let at := 0 } lt(at, bytes_) { at := add(at, 16) } {
                let to := add(add(prefix, 32), at)
                let word := mload(to)
                let sum := add(shr(128, word), shr(128, mload(add(add(pair, 65), at))))
                mstore(to, or(shl(128, sum), shr(128, shl(128, word))))
            }
        }
    }

    /// @dev Writes the pair's parent row at `index` of the nodes.
    function _combine(Walk memory walk, uint256 index) private pure returns (bool fits) {
        bytes memory nodes = walk.nodes;
        bytes memory pair = walk.pair;
        uint256 row = walk.row;
        assembly ("memory-safe") {
            let left := add(pair, 33)
            let to := add(add(nodes, 32), mul(index, row))
            mstore(to, keccak256(add(pair, 32), add(1, mul(2, row))))
            fits := 1
            for { let at := 32 } lt(at, row) { at := add(at, 16) } {
                let sum := add(shr(128, mload(add(left, at))), shr(128, mload(add(add(left, row), at))))
                if shr(128, sum) { fits := 0 }
                // Sixteen bytes only: the next row may still be wanted.
                mstore(add(to, at), or(shl(128, sum), shr(128, shl(128, mload(add(to, at))))))
            }
        }
    }

    function _isRoot(Walk memory walk, bytes32 root, uint32 n, bytes calldata totals) private pure returns (bool) {
        bytes memory nodes = walk.nodes;
        bytes32 hash;
        bytes32 sumsHash;
        assembly ("memory-safe") {
            hash := mload(add(nodes, 32))
            sumsHash := keccak256(add(nodes, 64), totals.length)
        }
        return sumsHash == keccak256(totals) && root == keccak256(abi.encodePacked(uint8(0x04), n, totals, hash));
    }
}
