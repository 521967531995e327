// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Chunks, Run } from "./Chunks.sol";

/// @title TokenBytes
/// @notice Bytes of tokens from openings of a tokenizer, the section of a model file. docs/canonical-inference.md §10.
library TokenBytes {
    /// @notice The tokens have more bytes than that.
    error TextTooLong(uint256 max);
    /// @notice A tokenizer of this format is unknown.
    error UnknownFormat(uint256 version);

    /// @dev Bytes of a chunk of the tokenizer.
    uint256 private constant CHUNK = 1_024;
    /// @dev Bytes of the longest token of a text's tokenizer.
    uint256 internal constant TOKEN_BYTES_MAX = 1_024;
    /// @dev Parts of a token that wait to be taken apart: a merge makes at most 256 bytes.
    uint256 private constant STACK = 257;

    uint256 private constant MERGES = 1;
    uint256 private constant TABLE = 2;
    uint256 private constant ROW_BYTES = 8;
    /// @dev Of format 1, bytes before the merges; word 1 is how many tokens are special.
    uint256 private constant MERGES_HEAD = 12;
    uint256 private constant BYTE_TOKENS = 256;
    /// @dev Of format 2, bytes before the table of tokens; words 3 and 4 are how many tokens and merges stand before the text.
    uint256 private constant TABLE_HEAD = 24;
    uint256 private constant TEXT_KIND = 0;
    uint256 private constant ADDED_KIND = 2;

    /// @notice Opens chunks of a tokenizer of `total` bytes.
    function open(bytes32 root, uint256 total, Run[] calldata runs) internal view {
        for (uint256 i = 0; i < runs.length; i++) Chunks.open(root, total, CHUNK, runs[i]);
    }

    /// @notice How many tokens a tokenizer has, from its first chunk: of format 1 the special ones, 256 bytes and the merges.
    function vocabOf(Run[] calldata runs) internal pure returns (uint256) {
        uint256 version = _word(runs, 0);
        if (version == TABLE) return _word(runs, 12);
        if (version != MERGES) revert UnknownFormat(version);
        return _word(runs, 4) + BYTE_TOKENS + _word(runs, 8);
    }

    /// @notice Bytes of tokens, u32 each, at most `max` in all, from the tokenizer's first chunk and those of the merges, or of the
    ///         rows and text, that they are made of; special ones have none.
    /// @return out  the bytes
    /// @return last where those of the last token begin
    function decode(Run[] calldata runs, bytes calldata tokens, uint256 max)
        internal
        pure
        returns (bytes memory out, uint256 last)
    {
        uint256 version = _word(runs, 0);
        if (version != MERGES && version != TABLE) revert UnknownFormat(version);
        out = new bytes(max);
        uint256[] memory stack = new uint256[](STACK);
        uint256 length;
        for (uint256 at = 0; at < tokens.length; at += 4) {
            last = length;
            uint256 token = uint32(bytes4(tokens[at:at + 4]));
            length = version == MERGES
                ? _appendMerged(runs, token, stack, out, length)
                : _appendListed(runs, token, out, length);
        }
        assembly ("memory-safe") {
            mstore(out, length)
        }
    }

    /// @dev A merge is taken apart until bytes are left.
    function _appendMerged(Run[] calldata runs, uint256 token, uint256[] memory stack, bytes memory out, uint256 length)
        private
        pure
        returns (uint256)
    {
        uint256 specials = _word(runs, 4);
        uint256 top = 1;
        stack[0] = token;
        while (top > 0) {
            uint256 part = stack[--top];
            if (part < specials) continue;
            if (part < specials + BYTE_TOKENS) {
                if (length == out.length) revert TextTooLong(out.length);
                out[length++] = bytes1(uint8(part - specials));
                continue;
            }
            if (top + 2 > stack.length) revert TextTooLong(out.length);
            uint256 merge = MERGES_HEAD + ROW_BYTES * (part - specials - BYTE_TOKENS);
            stack[top++] = _word(runs, merge + 4);
            stack[top++] = _word(runs, merge);
        }
        return length;
    }

    /// @dev A row is `offset u32 ‖ length u16 ‖ kind u16`.
    function _appendListed(Run[] calldata runs, uint256 token, bytes memory out, uint256 length)
        private
        pure
        returns (uint256)
    {
        uint256 row = TABLE_HEAD + ROW_BYTES * token;
        (uint256 offset, uint256 rest) = (_word(runs, row), _word(runs, row + 4));
        (uint256 size, uint256 kind) = (rest >> 16, rest & 0xffff);
        if (kind != TEXT_KIND && kind != ADDED_KIND || size == 0) return length;
        if (length + size > out.length) revert TextTooLong(out.length);
        uint256 text = TABLE_HEAD + ROW_BYTES * (_word(runs, 12) + _word(runs, 16));
        bytes calldata found = _bytes(runs, text + offset, size);
        for (uint256 i = 0; i < size; i++) out[length + i] = found[i];
        return length + size;
    }

    /// @dev The word at a byte of the tokenizer.
    function _word(Run[] calldata runs, uint256 at) private pure returns (uint256) {
        return uint32(bytes4(_bytes(runs, at, 4)));
    }

    /// @dev Bytes of the tokenizer, from whichever run shows them.
    function _bytes(Run[] calldata runs, uint256 at, uint256 size) private pure returns (bytes calldata) {
        for (uint256 i = 0; i < runs.length; i++) {
            uint256 begin = CHUNK * runs[i].first;
            if (at < begin || at - begin + size > runs[i].data.length) continue;
            return runs[i].data[at - begin:at - begin + size];
        }
        revert Chunks.NotShown(at);
    }
}
