// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title SpanProof
/// @notice How often a run of tokens stands in a committed text, shown by the neighbours in its suffix array.
///         Precompile 0x4f4c…0013.
///
/// The text is `n` tokens of u32; 0xffffffff separates documents. The suffix array lists all positions 0 … n − 1, sorted
/// by the tokens from there to the next separator, a shorter suffix before one that it begins. Both are committed as
/// SHA-256 trees over chunks of 32 entries of 4 bytes, the last one shorter: leaf `0x00 ‖ index u32 ‖ chunk`, node
/// `0x01 ‖ left ‖ right`, perfect, absent leaves 32 zero bytes.
contract SpanProof {
    error BadQuery(uint256 queryBytes);
    error BadRange(uint32 n, uint32 lo, uint32 hi);
    error BadOpenings(uint256 openingBytes);

    uint256 private constant TOKENS_MAX = 64;
    uint256 private constant CHUNK_ENTRIES = 32;
    uint256 private constant OPENINGS_MAX = 64;
    uint32 private constant SEPARATOR = type(uint32).max;

    /// @dev Verified chunks of one tree, in rising order.
    struct Chunks {
        uint256[] index;
        /// @dev Where in calldata the entries stand.
        uint256[] offset;
    }

    struct Index {
        uint256 n;
        Chunks text;
        Chunks suffixes;
    }

    enum Order { Less, Begins, Greater, Unknown }

    /// @param query    1 to 64 tokens of 4 bytes, no separator
    /// @param lo       the first place in the suffix array whose suffix begins with the query
    /// @param hi       the first place after them; equal to `lo` where there are none
    /// @param openings text chunks u8 ‖ suffix array chunks u8, then each: index u32 ‖ entries ‖ siblings
    /// @return ok    the query stands in the text exactly hi − lo times
    /// @return count hi − lo, or 0 where not ok
    function prove(
        bytes32 tokenRoot,
        bytes32 suffixRoot,
        uint32 n,
        bytes calldata query,
        uint32 lo,
        uint32 hi,
        bytes calldata openings
    ) external view returns (bool ok, uint32 count) {
        _checkQuery(query);
        if (n == 0 || lo > hi || hi > n) revert BadRange(n, lo, hi);
        Index memory index;
        index.n = n;
        if (!_open(index, tokenRoot, suffixRoot, openings)) return (false, 0);
        if (lo > 0 && _compare(index, lo - 1, query) != Order.Less) return (false, 0);
        if (hi < n && _compare(index, hi, query) != Order.Greater) return (false, 0);
        if (lo < hi) {
            if (_compare(index, lo, query) != Order.Begins) return (false, 0);
            if (_compare(index, hi - 1, query) != Order.Begins) return (false, 0);
        }
        return (true, hi - lo);
    }

    function _checkQuery(bytes calldata query) private pure {
        bool shaped = query.length > 0 && query.length % 4 == 0 && query.length <= 4 * TOKENS_MAX;
        if (!shaped) revert BadQuery(query.length);
        for (uint256 at = 0; at < query.length; at += 4) {
            if (uint32(bytes4(query[at:at + 4])) == SEPARATOR) revert BadQuery(query.length);
        }
    }

    /// @dev Reads the openings; false where one does not lead to its root.
    function _open(Index memory index, bytes32 tokenRoot, bytes32 suffixRoot, bytes calldata openings)
        private
        view
        returns (bool)
    {
        if (openings.length < 2) revert BadOpenings(openings.length);
        uint256 texts = uint8(openings[0]);
        uint256 suffixes = uint8(openings[1]);
        if (texts + suffixes > OPENINGS_MAX) revert BadOpenings(openings.length);
        bool fine;
        uint256 at;
        (fine, at) = _openTree(index.text, index.n, tokenRoot, openings, 2, texts);
        if (!fine) return false;
        (fine, at) = _openTree(index.suffixes, index.n, suffixRoot, openings, at, suffixes);
        if (fine && at != openings.length) revert BadOpenings(openings.length);
        return fine;
    }

    function _openTree(
        Chunks memory chunks,
        uint256 n,
        bytes32 root,
        bytes calldata openings,
        uint256 at,
        uint256 count
    ) private view returns (bool, uint256) {
        chunks.index = new uint256[](count);
        chunks.offset = new uint256[](count);
        uint256 leaves = (n + CHUNK_ENTRIES - 1) / CHUNK_ENTRIES;
        for (uint256 i = 0; i < count; i++) {
            if (at + 4 > openings.length) revert BadOpenings(openings.length);
            uint256 leaf = uint32(bytes4(openings[at:at + 4]));
            if (leaf >= leaves || (i > 0 && leaf <= chunks.index[i - 1])) return (false, at);
            uint256 size = 4 * (leaf + 1 == leaves ? n - leaf * CHUNK_ENTRIES : CHUNK_ENTRIES);
            uint256 end = at + 4 + size + 32 * _depth(leaves);
            if (end > openings.length) revert BadOpenings(openings.length);
            if (_rootOf(openings[at:end], leaf, size) != root) return (false, at);
            chunks.index[i] = leaf;
            uint256 offset;
            assembly ("memory-safe") {
                offset := add(openings.offset, add(at, 4))
            }
            chunks.offset[i] = offset;
            at = end;
        }
        return (true, at);
    }

    function _depth(uint256 leaves) private pure returns (uint256 depth) {
        for (uint256 width = leaves; width > 1; width = (width + 1) / 2) depth++;
    }

    /// @dev The root that an opening `index u32 ‖ entries ‖ siblings` leads to.
    function _rootOf(bytes calldata opening, uint256 leaf, uint256 size) private view returns (bytes32 node) {
        node = sha256(abi.encodePacked(uint8(0x00), opening[:4 + size]));
        assembly ("memory-safe") {
            // Sixty-five bytes behind the free memory pointer, used up before anything else is allocated.
            let scratch := mload(0x40)
            mstore8(scratch, 0x01)
            let end := add(opening.offset, opening.length)
            for { let at := add(opening.offset, add(4, size)) } lt(at, end) { at := add(at, 32) } {
                let side := mul(32, and(leaf, 1))
                mstore(add(add(scratch, 1), side), node)
                mstore(add(add(scratch, 33), sub(0, side)), calldataload(at))
                if iszero(staticcall(gas(), 2, scratch, 65, 0, 32)) { revert(0, 0) }
                node := mload(0)
                leaf := shr(1, leaf)
            }
        }
    }

    /// @dev How the suffix at a place of the array compares with the query; Unknown where it was not opened.
    function _compare(Index memory index, uint256 place, bytes calldata query) private pure returns (Order) {
        (bool opened, uint256 position) = _entry(index.suffixes, place);
        if (!opened || position >= index.n) return Order.Unknown;
        for (uint256 at = 0; at < query.length; at += 4) {
            if (position == index.n) return Order.Less;
            uint256 token;
            (opened, token) = _entry(index.text, position++);
            if (!opened) return Order.Unknown;
            uint256 wanted = uint32(bytes4(query[at:at + 4]));
            if (token == SEPARATOR || token < wanted) return Order.Less;
            if (token > wanted) return Order.Greater;
        }
        return Order.Begins;
    }

    /// @dev Entry `place` of a tree, where its chunk was opened.
    function _entry(Chunks memory chunks, uint256 place) private pure returns (bool, uint256 value) {
        uint256 leaf = place / CHUNK_ENTRIES;
        for (uint256 i = 0; i < chunks.index.length; i++) {
            if (chunks.index[i] != leaf) continue;
            uint256 offset = chunks.offset[i] + 4 * (place % CHUNK_ENTRIES);
            assembly ("memory-safe") {
                value := shr(224, calldataload(offset))
            }
            return (true, value);
        }
        return (false, 0);
    }
}
