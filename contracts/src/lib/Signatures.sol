// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Signatures
/// @notice MinHash signatures of ASCII contents. Twin: attribution/near-duplicates/signature.ts. docs/NEAR-DUPLICATES.md §1
library Signatures {
    /// @notice What other alphabets' terms are takes tables that no contract has.
    error NotAscii(uint256 place);
    /// @notice No three terms stand there, between signs that are no letter.
    error NoShingle(uint256 place);

    uint256 internal constant BYTES = 512;
    uint256 private constant ENTRIES = 128;
    uint256 private constant ROUNDS = 8;
    uint256 private constant TERMS = 3;
    uint256 private constant STEP = 0x9e3779b9;
    uint256 private constant EMPTY = 0xffffffff;
    uint256 private constant U32 = 0xffffffff;
    uint256 private constant FNV_BASIS = 0x811c9dc5;
    uint256 private constant FNV_PRIME = 0x01000193;
    /// @dev Bit b: ASCII b is a letter or a digit.
    uint256 private constant WORD = 0x07fffffe07fffffe03ff000000000000;

    /// @notice What a contribution commits to as `simHash`.
    function hashOf(bytes calldata signature) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(uint8(0x0e), signature));
    }

    function entryOf(bytes calldata signature, uint256 entry) internal pure returns (uint256) {
        return uint32(bytes4(signature[4 * entry:4 * entry + 4]));
    }

    /// @notice The entry and the value that the shingle at a place gives in the first round: no signature of the content has
    ///         more there.
    /// @param atStart whether `data` begins where the content does
    /// @param atEnd   whether it ends where the content does
    function firstValue(bytes calldata data, uint256 place, bool atStart, bool atEnd)
        internal
        pure
        returns (uint256 entry, uint256 value)
    {
        if (place >= data.length) revert NoShingle(place);
        bool begins = place == 0 ? atStart : !_isWord(data, place - 1);
        if (!begins) revert NoShingle(place);
        uint256 at = place;
        uint256 shingle;
        for (uint256 i = 0; i < TERMS; i++) {
            while (i > 0 && at < data.length && !_isWord(data, at)) at++;
            uint256 start = at;
            uint256 hash = FNV_BASIS;
            for (; at < data.length && _isWord(data, at); at++) hash = _fnv(hash, data[at]);
            if (at == start) revert NoShingle(place);
            shingle = _mixed(shingle + hash);
        }
        if (at == data.length && !atEnd) revert NoShingle(place);
        uint256 y = _mixed(shingle);
        return (y % ENTRIES, y >> 7);
    }

    /// @notice The signature of a whole content.
    function signatureOf(bytes calldata content) internal pure returns (bytes memory signature) {
        uint256[] memory shingles = _shingles(content);
        uint256[] memory entries = new uint256[](ENTRIES);
        for (uint256 i = 0; i < ENTRIES; i++) entries[i] = EMPTY;
        uint256 empty = shingles.length == 0 ? 0 : ENTRIES;
        for (uint256 round = 0; round < ROUNDS && empty > 0; round++) {
            for (uint256 i = 0; i < shingles.length; i++) {
                uint256 y = _mixed(shingles[i] + round * STEP);
                uint256 value = (round << 25) + (y >> 7);
                uint256 before = entries[y % ENTRIES];
                if (value >= before) continue;
                if (before == EMPTY) empty--;
                entries[y % ENTRIES] = value;
            }
        }
        signature = new bytes(BYTES);
        for (uint256 i = 0; i < ENTRIES; i++) {
            uint256 entry = entries[i];
            if (entry == EMPTY && shingles.length > 0) entry = (ROUNDS << 25) + (_least(i, shingles) >> 7);
            assembly ("memory-safe") {
                let to := add(add(signature, 32), mul(4, i))
                // The word's other bytes are those of entries to come, and the last write ends with the array.
                mstore(sub(to, 28), or(and(mload(sub(to, 28)), not(0xffffffff)), entry))
            }
        }
    }

    function _least(uint256 entry, uint256[] memory shingles) private pure returns (uint256 least) {
        least = EMPTY;
        for (uint256 i = 0; i < shingles.length; i++) {
            uint256 y = _mixed(shingles[i] + (ROUNDS + entry) * STEP);
            if (y < least) least = y;
        }
    }

    function _shingles(bytes calldata content) private pure returns (uint256[] memory shingles) {
        uint256[] memory terms = new uint256[](content.length / 2 + 1);
        uint256 count;
        uint256 at;
        while (at < content.length) {
            uint256 start = at;
            uint256 hash = FNV_BASIS;
            for (; at < content.length && _isWord(content, at); at++) hash = _fnv(hash, content[at]);
            if (at > start) terms[count++] = hash;
            else at++;
        }
        shingles = new uint256[](count == 0 ? 0 : count < TERMS ? 1 : count - TERMS + 1);
        for (uint256 i = 0; i < shingles.length; i++) {
            for (uint256 j = i; j < i + TERMS && j < count; j++) shingles[i] = _mixed(shingles[i] + terms[j]);
        }
    }

    function _isWord(bytes calldata data, uint256 place) private pure returns (bool) {
        uint256 sign = uint8(data[place]);
        if (sign > 0x7f) revert NotAscii(place);
        return (WORD >> sign) & 1 == 1;
    }

    /// @dev FNV-1a of the small letter.
    function _fnv(uint256 hash, bytes1 letter) private pure returns (uint256) {
        uint256 sign = uint8(letter);
        if (sign >= 0x41 && sign <= 0x5a) sign += 0x20;
        return ((hash ^ sign) * FNV_PRIME) & U32;
    }

    /// @dev MurmurHash3's finaliser of 32 bits.
    function _mixed(uint256 value) private pure returns (uint256 hash) {
        unchecked {
            hash = value & U32;
            hash = ((hash ^ (hash >> 16)) * 0x85ebca6b) & U32;
            hash = ((hash ^ (hash >> 13)) * 0xc2b2ae35) & U32;
            hash ^= hash >> 16;
        }
    }
}
