// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @dev A span that the evidence lists. `places` is where in the evidence its first place stands.
struct Span {
    uint256 start;
    uint256 length;
    uint256 count;
    uint256 places;
}

/// @dev One of the places where a span stands; `contributor` counts in the evidence's contributions.
struct Place {
    uint256 index;
    uint256 position;
    uint256 contributor;
}

/// @dev Evidence taken apart. `tokens` is L, `contributors` how many contributions it lists.
struct Evidence {
    uint256 tokens;
    uint256 contributors;
    Span[] spans;
}

/// @title SpanEvidence
/// @notice What a receipt's span weights were made of, read from calldata; docs/ATTRIBUTION.md §5.
library SpanEvidence {
    /// @notice The evidence's counts do not fit its length: only `badSpanForm` judges it.
    error MalformedEvidence();
    error NoSuchSpan(uint256 span);

    uint256 internal constant LENGTH_MIN = 5;
    uint256 internal constant TOKENS_PER_SPAN = 20;
    uint256 internal constant TOKENS_MAX = 2_048;

    uint256 private constant HEAD_BYTES = 6;
    uint256 private constant SPAN_BYTES = 5;
    uint256 private constant PLACE_BYTES = 7;

    /// @notice What an S or U entry's evidenceHash is.
    function hashOf(bytes calldata raw) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(uint8(0x0c), raw));
    }

    /// @notice Takes evidence apart; reverts where its counts are not those of its bytes.
    function read(bytes calldata raw) internal pure returns (Evidence memory evidence) {
        bool fits;
        (fits, evidence) = tryRead(raw);
        if (!fits) revert MalformedEvidence();
    }

    /// @return fits whether the bytes are those that the counts in them say
    function tryRead(bytes calldata raw) internal pure returns (bool fits, Evidence memory evidence) {
        if (raw.length < HEAD_BYTES || placesMax(raw) == 0) return (false, evidence);
        evidence.tokens = _uint(raw, 1, 2);
        evidence.contributors = _uint(raw, 4, 2);
        uint256 at = HEAD_BYTES + 2 * evidence.tokens + 8 * evidence.contributors;
        evidence.spans = new Span[](uint8(raw[3]));
        for (uint256 k = 0; k < evidence.spans.length; k++) {
            if (at + SPAN_BYTES > raw.length) return (false, evidence);
            Span memory span = evidence.spans[k];
            (span.start, span.length, span.count) = (_uint(raw, at, 2), _uint(raw, at + 2, 2), uint8(raw[at + 4]));
            span.places = at + SPAN_BYTES;
            at = span.places + PLACE_BYTES * span.count;
        }
        return (at == raw.length, evidence);
    }

    /// @notice Places of a span at most: of version 1 ten, of version 2, where near-duplicates are one group, 32.
    function placesMax(bytes calldata raw) internal pure returns (uint256) {
        return raw[0] == 0x01 ? 10 : raw[0] == 0x02 ? 32 : 0;
    }

    function spanAt(Evidence memory evidence, uint256 k) internal pure returns (Span memory) {
        if (k >= evidence.spans.length) revert NoSuchSpan(k);
        return evidence.spans[k];
    }

    /// @notice Score of token i of the answer.
    function scoreAt(bytes calldata raw, uint256 i) internal pure returns (uint256) {
        return _uint(raw, HEAD_BYTES + 2 * i, 2);
    }

    /// @notice Contribution i of those listed.
    function contributionAt(bytes calldata raw, Evidence memory evidence, uint256 i) internal pure returns (uint64) {
        return uint64(_uint(raw, HEAD_BYTES + 2 * evidence.tokens + 8 * i, 8));
    }

    function placeAt(bytes calldata raw, Span memory span, uint256 j) internal pure returns (Place memory) {
        uint256 at = span.places + PLACE_BYTES * j;
        return Place(uint8(raw[at]), _uint(raw, at + 1, 4), _uint(raw, at + 5, 2));
    }

    /// @notice Whose text place j of a span is in, as it counts in the evidence's contributions.
    function contributorAt(bytes calldata raw, Span memory span, uint256 j) internal pure returns (uint256) {
        unchecked {
            return _uint(raw, span.places + PLACE_BYTES * j + 5, 2);
        }
    }

    /// @notice The place of a span at a position of an index, where it is listed.
    function find(bytes calldata raw, Span memory span, uint256 index, uint256 position)
        internal
        pure
        returns (bool listed, Place memory place)
    {
        for (uint256 j = 0; j < span.count; j++) {
            if (_uint(raw, span.places + PLACE_BYTES * j, 5) == index << 32 | position) {
                return (true, placeAt(raw, span, j));
            }
        }
    }

    /// @notice Sums of the scores before each token, and of all.
    function prefixSums(bytes calldata raw, uint256 tokens) internal pure returns (uint256[] memory sums) {
        sums = new uint256[](tokens + 1);
        assembly ("memory-safe") {
            let from := add(raw.offset, HEAD_BYTES)
            let sum := 0
            let to := add(sums, 64)
            for { let end := add(from, shl(1, tokens)) } lt(from, end) { from := add(from, 2) } {
                sum := add(sum, shr(240, calldataload(from)))
                mstore(to, sum)
                to := add(to, 32)
            }
        }
    }

    /// @notice Whether a span outranks another by (weight, length) descending, start ascending.
    function outranks(Span memory one, Span memory other, uint256[] memory sums) internal pure returns (bool) {
        (uint256 a, uint256 b) = (weightOf(one, sums), weightOf(other, sums));
        if (a != b) return a > b;
        return one.length != other.length ? one.length > other.length : one.start < other.start;
    }

    function weightOf(Span memory span, uint256[] memory sums) internal pure returns (uint256) {
        return sums[span.start + span.length] - sums[span.start];
    }

    /// @notice Spans that an answer of so many tokens keeps at most.
    function keptMax(uint256 tokens) internal pure returns (uint256) {
        return (tokens + TOKENS_PER_SPAN - 1) / TOKENS_PER_SPAN;
    }

    /// @dev Big-endian; what stands behind the evidence in calldata does not count, since lengths are checked first.
    function _uint(bytes calldata raw, uint256 at, uint256 size) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := shr(sub(256, shl(3, size)), calldataload(add(raw.offset, at)))
        }
    }
}
