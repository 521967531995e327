// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title MediaTypes
/// @notice Whether content begins as files of a Datanet's media type do. docs/DATANETS.md §2; the same in
///         protocol/datanets/media-types.ts.
library MediaTypes {
    uint8 private constant TEXT = 0;
    uint8 private constant IMAGE = 1;
    uint8 private constant AUDIO = 2;
    uint256 private constant CHUNK = 1_024;

    /// @param chunk the first KiB, or all where the content is shorter
    function isOf(uint8 mediaType, bytes calldata chunk) internal pure returns (bool) {
        if (mediaType == TEXT) {
            return _starts(chunk, "%PDF-") || _starts(chunk, hex"504b0304") || _isPlain(chunk);
        }
        if (mediaType == IMAGE) {
            return _starts(chunk, hex"89504e470d0a1a0a") || _starts(chunk, hex"ffd8ff") || _isRiff(chunk, "WEBP")
                || _starts(chunk, hex"49492a00") || _starts(chunk, hex"4d4d002a") || _starts(chunk, "BM");
        }
        if (mediaType == AUDIO) {
            return _isRiff(chunk, "WAVE") || _starts(chunk, "ID3") || _starts(chunk, "fLaC") || _isMpegFrame(chunk);
        }
        return _starts(chunk, "PAR1") || _isPlain(chunk);
    }

    function _starts(bytes calldata chunk, bytes memory with) private pure returns (bool) {
        return chunk.length >= with.length && keccak256(chunk[:with.length]) == keccak256(with);
    }

    function _isRiff(bytes calldata chunk, bytes4 kind) private pure returns (bool) {
        return chunk.length >= 12 && bytes4(chunk[:4]) == "RIFF" && bytes4(chunk[8:12]) == kind;
    }

    /// @dev Eleven bits of sync, no reserved version or layer.
    function _isMpegFrame(bytes calldata chunk) private pure returns (bool) {
        if (chunk.length < 2 || chunk[0] != 0xff) return false;
        uint8 second = uint8(chunk[1]);
        return second >= 0xe0 && second & 0x18 != 0x08 && second & 0x06 != 0;
    }

    /// @dev UTF-8 without zero bytes. A full chunk may end within a character.
    function _isPlain(bytes calldata chunk) private pure returns (bool) {
        uint256 at = 0;
        while (at < chunk.length) {
            uint8 first = uint8(chunk[at]);
            if (first == 0) return false;
            if (first < 0x80) {
                at++;
                continue;
            }
            (uint256 more, uint8 low, uint8 high) = _lead(first);
            if (more == 0) return false;
            for (uint256 i = 1; i <= more; i++) {
                if (at + i == chunk.length) return chunk.length == CHUNK;
                uint8 next = uint8(chunk[at + i]);
                if (next < low || next > high) return false;
                (low, high) = (0x80, 0xbf);
            }
            at += more + 1;
        }
        return true;
    }

    /// @dev Bytes that follow a first byte, and between what the second lies; none for a byte that begins nothing.
    function _lead(uint8 first) private pure returns (uint256 more, uint8 low, uint8 high) {
        if (first < 0xc2 || first > 0xf4) return (0, 0, 0);
        if (first < 0xe0) return (1, 0x80, 0xbf);
        if (first < 0xf0) return (2, first == 0xe0 ? 0xa0 : 0x80, first == 0xed ? 0x9f : 0xbf);
        return (3, first == 0xf0 ? 0x90 : 0x80, first == 0xf4 ? 0x8f : 0xbf);
    }
}
