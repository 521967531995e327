// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title SumTrees
/// @notice Openings of one leaf of a keccak sum tree; docs/MONEY.md §4. A row is `hash 32 ‖ sum u128 …`, a node's hash is
///         `keccak(0x01 ‖ left row ‖ right row)`, an absent leaf is a row of zeros, the depth ⌈log2 n⌉ and the root
///         `keccak(0x04 ‖ n u32 ‖ sums ‖ top hash)`.
library SumTrees {
    /// @notice A root counts its leaves in 32 bits.
    uint256 internal constant LEAVES_MAX = type(uint32).max;

    /// @notice No opening speaks of a leaf that the tree does not have.
    error IndexOutOfRange(uint256 index, uint256 n);
    /// @notice One sibling row a level, no more and no less.
    error WrongSiblings(uint256 expectedBytes, uint256 actualBytes);
    /// @notice The row is not leaf `index` of the tree under `root`.
    error NotInTree(bytes32 root, uint256 index);

    /// @notice Opens leaf `index` of the tree of `n` leaves under `root`; reverts where `row` is not that leaf, or where a
    ///         sum on the way up does not fit u128.
    /// @param row      the leaf's row
    /// @param siblings the rows beside the way up, from the leaf upwards, one behind the other
    /// @return prefix  sums of all leaves before `index`, u128 each
    /// @return totals  sums that the root states, u128 each
    function open(bytes32 root, uint256 n, uint256 index, bytes memory row, bytes calldata siblings)
        internal
        pure
        returns (bytes memory prefix, bytes memory totals)
    {
        if (index >= n || n > LEAVES_MAX) revert IndexOutOfRange(index, n);
        uint256 rowBytes = row.length;
        uint256 expected = depth(n) * rowBytes;
        if (siblings.length != expected) revert WrongSiblings(expected, siblings.length);
        prefix = new bytes(rowBytes - 32);
        (uint256 top, uint256 overflow) = _climb(index, row, siblings, prefix);
        bytes32 topHash;
        totals = new bytes(rowBytes - 32);
        assembly ("memory-safe") {
            topHash := mload(top)
            mcopy(add(totals, 32), add(top, 32), mload(totals))
        }
        if (overflow != 0 || root != _root(n, totals, topHash)) revert NotInTree(root, index);
    }

    /// @notice True where `root` is that of a tree with `n` leaves, these sums and this topmost hash. No tree has none.
    function isRoot(bytes32 root, uint256 n, bytes memory sums, bytes32 topHash) internal pure returns (bool) {
        return n > 0 && n <= LEAVES_MAX && root == _root(n, sums, topHash);
    }

    /// @notice Levels above the leaves: ⌈log2 n⌉.
    function depth(uint256 n) internal pure returns (uint256 levels) {
        if (n == 0) return 0;
        unchecked {
            for (uint256 last = n - 1; last > 0; last >>= 1) levels++;
        }
    }

    /// @notice Sum `place` of packed sums.
    function at(bytes memory sums, uint256 place) internal pure returns (uint128 sum) {
        assembly ("memory-safe") {
            if lt(place, shr(4, mload(sums))) { sum := shr(128, mload(add(add(sums, 32), shl(4, place)))) }
        }
    }

    function rowOf(bytes32 hash, uint128[10] memory sums) internal pure returns (bytes memory) {
        return abi.encodePacked(hash, pack(sums));
    }

    function rowOf(bytes32 hash, uint128[4] memory sums) internal pure returns (bytes memory) {
        return abi.encodePacked(hash, sums[0], sums[1], sums[2], sums[3]);
    }

    function rowOf(bytes32 hash, uint128 sum) internal pure returns (bytes memory) {
        return abi.encodePacked(hash, sum);
    }

    /// @notice Sums as they stand in a row.
    function pack(uint128[10] memory sums) internal pure returns (bytes memory packed) {
        packed = new bytes(160);
        assembly ("memory-safe") {
            for { let i := 0 } lt(i, 5) { i := add(i, 1) } {
                let from := add(sums, shl(6, i))
                mstore(add(add(packed, 32), shl(5, i)), or(shl(128, mload(from)), mload(add(from, 32))))
            }
        }
    }

    function _root(uint256 n, bytes memory sums, bytes32 topHash) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(uint8(0x04), uint32(n), sums, topHash));
    }

    /// @dev Hashes from the leaf to the top in one buffer `0x01 ‖ left row ‖ right row`.
    /// @return own      where in memory the topmost row stands
    /// @return overflow not zero where a sum did not fit
    function _climb(uint256 index, bytes memory row, bytes calldata siblings, bytes memory prefix)
        private
        pure
        returns (uint256 own, uint256 overflow)
    {
        uint256 rowBytes = row.length;
        uint256 left;
        assembly ("memory-safe") {
            left := add(mload(0x40), 1)
            mstore8(sub(left, 1), 1)
            // A word more than the two rows: what is written a word at a time may end behind them.
            mstore(0x40, and(add(left, add(shl(1, rowBytes), 63)), not(31)))
            own := add(left, mul(and(index, 1), rowBytes))
            mcopy(own, add(row, 32), rowBytes)
        }
        // Nothing here can wrap: all are places in memory, or the index on its way to zero.
        unchecked {
            for (uint256 used = 0; used < siblings.length; used += rowBytes) {
                uint256 beside = own == left ? left + rowBytes : left;
                assembly ("memory-safe") {
                    calldatacopy(beside, add(siblings.offset, used), rowBytes)
                }
                if (beside == left) _addTo(prefix, left + 32);
                index >>= 1;
                own = index & 1 == 0 ? left : left + rowBytes;
                overflow |= _join(left, rowBytes, own);
            }
        }
    }

    /// @dev Adds the packed sums that stand at `from`. No sum overflows unseen: the tree's own would overflow with it.
    function _addTo(bytes memory sums, uint256 from) private pure {
        assembly ("memory-safe") {
            let to := add(sums, 32)
            for { let end := add(to, mload(sums)) } lt(to, end) {
                to := add(to, 32)
                from := add(from, 32)
            } {
                let a := mload(to)
                let b := mload(from)
                mstore(to, or(shl(128, add(shr(128, a), shr(128, b))), shr(128, shl(128, add(a, b)))))
            }
        }
    }

    /// @dev Writes the parent of the two rows at `left` over one of them. A word holds two sums; where their number is odd the
    ///      last word's second half is the beginning of what stands behind, which the next sibling overwrites.
    function _join(uint256 left, uint256 rowBytes, uint256 to) private pure returns (uint256 overflow) {
        assembly ("memory-safe") {
            let hash := keccak256(sub(left, 1), add(1, shl(1, rowBytes)))
            let right := add(left, rowBytes)
            for { let i := 32 } lt(i, rowBytes) { i := add(i, 32) } {
                let a := mload(add(left, i))
                let b := mload(add(right, i))
                let first := add(shr(128, a), shr(128, b))
                let second := add(shr(128, shl(128, a)), shr(128, shl(128, b)))
                overflow := or(overflow, shr(128, first))
                if lt(add(i, 16), rowBytes) { overflow := or(overflow, shr(128, second)) }
                mstore(add(to, i), or(shl(128, first), shr(128, shl(128, second))))
            }
            mstore(to, hash)
        }
    }
}
