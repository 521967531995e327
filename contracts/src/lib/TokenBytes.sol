// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Chunks, Run } from "./Chunks.sol";

/// @title TokenBytes
/// @notice Bytes of tokens from openings of a tokenizer, the section of a model file. docs/canonical-inference.md §10.
library TokenBytes {
    /// @notice The tokens have more bytes than that.
    error TextTooLong(uint256 max);

    /// @dev Bytes of a chunk of the tokenizer, and words.
    uint256 private constant CHUNK = 1_024;
    uint256 private constant WORDS = 256;
    /// @dev Bytes of the longest token.
    uint256 internal constant TOKEN_BYTES_MAX = 256;
    /// @dev Words before the merges: format, specials, number of merges.
    uint256 private constant HEAD_WORDS = 3;
    uint256 private constant BYTE_TOKENS = 256;

    /// @notice Opens chunks of a tokenizer of `total` bytes.
    function open(bytes32 root, uint256 total, Run[] calldata runs) internal view {
        for (uint256 i = 0; i < runs.length; i++) Chunks.open(root, total, CHUNK, runs[i]);
    }

    /// @notice Bytes of tokens, u32 each, at most `max` in all, from the tokenizer's first chunk and those of the merges that they
    ///         are made by; special ones have none.
    /// @return out  the bytes
    /// @return last where those of the last token begin
    function decode(Run[] calldata runs, bytes calldata tokens, uint256 max)
        internal
        pure
        returns (bytes memory out, uint256 last)
    {
        uint256 specials = _word(runs, 1);
        out = new bytes(max);
        uint256[] memory stack = new uint256[](TOKEN_BYTES_MAX + 1);
        uint256 length;
        for (uint256 at = 0; at < tokens.length; at += 4) {
            last = length;
            uint256 top = 1;
            stack[0] = uint32(bytes4(tokens[at:at + 4]));
            while (top > 0) {
                uint256 part = stack[--top];
                if (part < specials) continue;
                if (part < specials + BYTE_TOKENS) {
                    if (length == max) revert TextTooLong(max);
                    out[length++] = bytes1(uint8(part - specials));
                    continue;
                }
                if (top + 2 > stack.length) revert TextTooLong(max);
                uint256 merge = HEAD_WORDS + 2 * (part - specials - BYTE_TOKENS);
                stack[top++] = _word(runs, merge + 1);
                stack[top++] = _word(runs, merge);
            }
        }
        assembly ("memory-safe") {
            mstore(out, length)
        }
    }

    /// @dev Word `place` of the tokenizer, in whichever run shows it.
    function _word(Run[] calldata runs, uint256 place) private pure returns (uint256) {
        for (uint256 i = 0; i < runs.length; i++) {
            uint256 begin = WORDS * runs[i].first;
            if (place < begin || 4 * (place - begin + 1) > runs[i].data.length) continue;
            return uint32(bytes4(Chunks.field(runs[i], place, WORDS, 4)));
        }
        revert Chunks.NotShown(place);
    }
}
