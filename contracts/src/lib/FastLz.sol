// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title FastLz
/// @notice Length that FastLZ level 1 compresses data to: the measure of a transaction's size since Fjord.
///         Spec: protocol/fjord/exec-engine.md, "L1-Cost fees".
library FastLz {
    uint256 private constant TABLE_ENTRIES = 8192;
    uint256 private constant WINDOW = 8191;
    uint256 private constant MATCH_MAX = 262;

    function compressedLength(bytes memory data) internal pure returns (uint256 size) {
        // 4 bytes an entry, and a word's rest that the last entry's load touches.
        bytes memory table = new bytes(TABLE_ENTRIES * 4 + 32);
        uint256 anchor = 0;
        uint256 limit = data.length < 13 ? 0 : data.length - 13;
        uint256 at = 2;
        unchecked {
            while (at < limit) {
                uint256 earlier;
                (at, earlier) = _findMatch(data, table, at, limit);
                if (at >= limit) break;
                if (at > anchor) size += _literalBytes(at - anchor);
                uint256 length = _commonLength(data, earlier + 3, at + 3, limit + 9);
                size += _matchBytes(length);
                at += length;
                _swap(table, _hash(_u24(data, at)), at);
                at++;
                _swap(table, _hash(_u24(data, at)), at);
                at++;
                anchor = at;
            }
            size += _literalBytes(data.length - anchor);
        }
    }

    /// @dev The next position whose three bytes occurred within the window, and where.
    function _findMatch(bytes memory data, bytes memory table, uint256 at, uint256 limit)
        private
        pure
        returns (uint256, uint256 earlier)
    {
        unchecked {
            while (true) {
                uint256 sequence = _u24(data, at);
                earlier = _swap(table, _hash(sequence), at);
                if (at >= limit) return (at, earlier);
                if (at - earlier <= WINDOW && sequence == _u24(data, earlier)) return (at, earlier);
                at++;
            }
        }
        return (at, earlier);
    }

    /// @dev Bytes equal at `a` and `b` before `end`, counted with the one that differs.
    function _commonLength(bytes memory data, uint256 a, uint256 b, uint256 end) private pure returns (uint256 length) {
        unchecked {
            uint256 remaining = end > b ? end - b : 0;
            while (length < remaining) {
                bool same = data[a + length] == data[b + length];
                length++;
                if (!same) break;
            }
        }
    }

    function _literalBytes(uint256 run) private pure returns (uint256) {
        unchecked {
            uint256 rest = run % 32;
            return (run / 32) * 33 + (rest == 0 ? 0 : rest + 1);
        }
    }

    function _matchBytes(uint256 length) private pure returns (uint256) {
        unchecked {
            uint256 body = length - 1;
            return 3 * (body / MATCH_MAX) + (body % MATCH_MAX >= 6 ? 3 : 2);
        }
    }

    function _hash(uint256 sequence) private pure returns (uint256) {
        unchecked {
            return ((2_654_435_769 * sequence) >> 19) & (TABLE_ENTRIES - 1);
        }
    }

    /// @dev Three bytes, little-endian.
    function _u24(bytes memory data, uint256 at) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            let word := mload(add(add(data, 32), at))
            value := or(or(byte(0, word), shl(8, byte(1, word))), shl(16, byte(2, word)))
        }
    }

    /// @dev Stores `value` at `index` and returns what stood there.
    function _swap(bytes memory table, uint256 index, uint256 value) private pure returns (uint256 previous) {
        assembly ("memory-safe") {
            let pointer := add(add(table, 32), shl(2, index))
            let word := mload(pointer)
            previous := shr(224, word)
            mstore(pointer, xor(word, shl(224, xor(previous, value))))
        }
    }
}
