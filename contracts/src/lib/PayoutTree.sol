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
        if (payout.index >= count || !_reaches(count, siblings.length)) return false;
        (bytes32 top, uint256 sum) =
            _climb(MoneyHashes.payoutLeaf(payout), payout.cumulative, payout.index, siblings);
        return sum <= type(uint128).max
            && root == keccak256(abi.encodePacked(uint8(0x04), count, uint128(sum), top));
    }

    /// @dev Whether siblings of that length are whole rows, ⌈log2 count⌉ of them. `count` is not zero.
    function _reaches(uint256 count, uint256 length) private pure returns (bool) {
        uint256 levels = length / ROW_BYTES;
        if (length % ROW_BYTES != 0 || levels > 32) return false;
        return levels == 0 ? count == 1 : (count - 1) >> (levels - 1) == 1;
    }

    /// @return top hash of the topmost row
    /// @return sum its sum: never wraps, since a way has at most 32 siblings, and never falls
    function _climb(bytes32 leaf, uint256 cumulative, uint256 index, bytes calldata siblings)
        private
        pure
        returns (bytes32 top, uint256 sum)
    {
        top = leaf;
        sum = cumulative;
        assembly ("memory-safe") {
            // 0x01 ‖ left row ‖ right row: 97 bytes of free memory.
            let pair := mload(0x40)
            mstore8(pair, 1)
            let left := add(pair, 1)
            let both := add(add(left, left), ROW_BYTES)
            let end := add(siblings.offset, siblings.length)
            for { let sibling := siblings.offset } lt(sibling, end) { sibling := add(sibling, ROW_BYTES) } {
                let own := add(left, mul(ROW_BYTES, and(index, 1)))
                mstore(own, top)
                // Its second half falls on the right row, which comes after it, or behind the pair.
                mstore(add(own, 32), shl(128, sum))
                calldatacopy(sub(both, own), sibling, ROW_BYTES)
                top := keccak256(pair, 97)
                sum := add(sum, shr(128, calldataload(add(sibling, 32))))
                index := shr(1, index)
            }
        }
    }
}
