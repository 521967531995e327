// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { MoneyHashes } from "./MoneyHashes.sol";
import { Payout } from "./MoneyTypes.sol";

/// @title PayoutTree
/// @notice Openings of payout roots, as `SumTrees.open` checks them but for their one sum and without what stands before
///         the leaf: a third of its gas, for what every payee does. MONEY §4.
library PayoutTree {
    /// @dev A row is `hash 32 ‖ sum u128`.
    uint256 private constant ROW_BYTES = 48;

    /// @notice Whether the payout is one of the `count` leaves under `root`. `siblings` are the rows beside its way up, the
    ///         lowest first; an index or a length that does not fit opens nothing, nor does a sum beyond u128.
    function opens(bytes32 root, uint32 count, Payout memory payout, bytes calldata siblings)
        internal
        pure
        returns (bool)
    {
        if (payout.index >= count) return false;
        (bytes32 top, uint256 sum, uint256 used) =
            _climb(MoneyHashes.payoutLeaf(payout), payout.cumulative, payout.index, count, siblings);
        return sum <= type(uint128).max && used == siblings.length
            && root == keccak256(abi.encodePacked(uint8(0x04), count, uint128(sum), top));
    }

    /// @return top  hash of the topmost row
    /// @return sum  its sum: never wraps, since a way has at most 32 siblings, and never falls
    /// @return used bytes of siblings that the way needs
    function _climb(bytes32 leaf, uint256 sum_, uint256 index, uint256 count, bytes calldata siblings)
        private
        pure
        returns (bytes32 top, uint256 sum, uint256 used)
    {
        top = leaf;
        sum = sum_;
        assembly ("memory-safe") {
            // 0x01 ‖ left row ‖ right row: 97 bytes of free memory.
            let pair := mload(0x40)
            mstore8(pair, 1)
            let left := add(pair, 1)
            let right := add(left, ROW_BYTES)
            let sibling := siblings.offset
            for { let width := count } gt(width, 1) { width := shr(1, add(width, 1)) } {
                switch and(index, 1)
                case 0 {
                    mstore(left, top)
                    mstore(add(left, 32), shl(128, sum))
                    calldatacopy(right, sibling, ROW_BYTES)
                }
                default {
                    calldatacopy(left, sibling, ROW_BYTES)
                    mstore(right, top)
                    mstore(add(right, 32), shl(128, sum))
                }
                top := keccak256(pair, 97)
                sum := add(sum, shr(128, calldataload(add(sibling, 32))))
                sibling := add(sibling, ROW_BYTES)
                index := shr(1, index)
            }
            used := sub(sibling, siblings.offset)
        }
    }
}
