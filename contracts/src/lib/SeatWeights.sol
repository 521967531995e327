// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title SeatWeights
/// @notice Weights of up to 2,401 slots as of any past second, and draws of seats by them without replacement.
///
/// A tree of four levels with seven children a node. A node's word is `time u32 ‖ weight of child 6 … child 0, u32 each`, and
/// a node keeps one word for every change, of which the last of a second counts: a change writes four words, a draw looks up
/// four a seat. A word is never written over, so a change costs the same in whatever block it is mined.
/// Twin: attribution/integrity/seats.ts. docs/REVIEW.md
library SeatWeights {
    struct Tree {
        mapping(uint256 node => uint256[]) words;
    }

    /// @notice Slots there are: 7⁴.
    uint256 internal constant SLOTS = 2_401;
    uint256 private constant LEVELS = 4;
    uint256 private constant CHILDREN = 7;
    uint256 private constant LANE = 0xffffffff;
    uint256 private constant TIME_SHIFT = 224;

    error TimeNotPast(uint256 time);

    /// @notice Sets a slot's weight from this second on.
    function set(Tree storage tree, uint256 slot, uint32 weight) internal {
        uint256 before = _lane(_last(tree.words[_key(0, slot / CHILDREN)]), slot % CHILDREN);
        for (uint256 level = 0; level < LEVELS; level++) {
            uint256 digit = slot % CHILDREN;
            slot /= CHILDREN;
            uint256[] storage words = tree.words[_key(level, slot)];
            uint256 word = _last(words);
            uint256 child = _lane(word, digit) + weight - before;
            uint256 lanes = (word & ~(LANE << (32 * digit))) | (child << (32 * digit));
            words.push((lanes & ((1 << TIME_SHIFT) - 1)) | (block.timestamp << TIME_SHIFT));
        }
    }

    /// @notice Sum of all weights as of the end of a past second.
    function totalAt(Tree storage tree, uint256 time) internal view returns (uint256 total) {
        uint256 word = _wordAt(tree, LEVELS - 1, 0, time);
        for (uint256 child = 0; child < CHILDREN; child++) total += _lane(word, child);
    }

    /// @notice A slot's weight as of the end of a past second.
    function weightAt(Tree storage tree, uint256 slot, uint256 time) internal view returns (uint256) {
        return _lane(_wordAt(tree, 0, slot / CHILDREN, time), slot % CHILDREN);
    }

    /// @notice The slot on which point `r` of all weights falls, slots `taken` counting for nothing: slots ascending, each
    ///         as long as its weight. `r` is below what is left.
    function at(Tree storage tree, uint256 r, uint256 time, uint256[] memory taken, uint256 takenCount)
        internal
        view
        returns (uint256 node, uint256 weight)
    {
        uint256 span = SLOTS;
        for (uint256 level = LEVELS; level > 0; level--) {
            uint256 word = _wordAt(tree, level - 1, node, time);
            uint256 below = span / CHILDREN;
            for (uint256 i = 0; i < takenCount; i++) {
                uint256 slot = taken[i] >> 32;
                if (slot / span == node) word -= (taken[i] & LANE) << (32 * ((slot / below) % CHILDREN));
            }
            uint256 child = 0;
            while (r >= (weight = _lane(word, child))) {
                r -= weight;
                child++;
            }
            node = node * CHILDREN + child;
            span = below;
        }
    }

    /// @dev The newest word of a node no later than `time`; looks near the end first.
    function _wordAt(Tree storage tree, uint256 level, uint256 node, uint256 time) private view returns (uint256) {
        if (time >= block.timestamp) revert TimeNotPast(time);
        uint256[] storage words = tree.words[_key(level, node)];
        uint256 high = words.length;
        uint256 low = high;
        for (uint256 step = 1; low > 0; step *= 2) {
            low = low > step ? low - step : 0;
            if (words[low] >> TIME_SHIFT <= time) break;
            high = low;
        }
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (words[middle] >> TIME_SHIFT <= time) low = middle + 1;
            else high = middle;
        }
        return low == 0 ? 0 : words[low - 1];
    }

    function _last(uint256[] storage words) private view returns (uint256) {
        uint256 length = words.length;
        return length == 0 ? 0 : words[length - 1];
    }

    function _lane(uint256 word, uint256 child) private pure returns (uint256) {
        return (word >> (32 * child)) & LANE;
    }

    function _key(uint256 level, uint256 node) private pure returns (uint256) {
        return (level << 32) | node;
    }
}
