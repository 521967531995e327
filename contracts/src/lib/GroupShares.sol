// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Evidence, Span, SpanEvidence } from "./SpanEvidence.sol";
import { SpanShares } from "./SpanShares.sol";
import { TextIndex } from "./TextIndexes.sol";

/// @title GroupShares
/// @notice How algoHash v2 divides the contributors' pool: spans by groups of near-duplicates, influences, citations.
///         docs/ATTRIBUTION.md §7.
library GroupShares {
    uint256 internal constant SKETCH_WEIGHT = 300_000;
    uint256 internal constant SCORES_MAX = 16;
    uint256 internal constant CITATION_WEIGHT = 100_000;
    uint256 internal constant CITATIONS_MAX = 10;

    /// @dev `row u16 ‖ contribution u64 ‖ score u64`.
    uint256 internal constant SCORE_BYTES = 18;
    /// @dev Behind one byte of version: `start u16 ‖ length u16 ‖ index u8 ‖ position u32 ‖ contribution u64`.
    uint256 internal constant CITATION_BYTES = 17;

    uint256 private constant SPAN_ENTRIES_MAX = 38;
    uint256 private constant GROUPS_MAX = 10;

    /// @notice Parts of S and U.
    /// @param cut place of the contribution that is the last to have an entry, where there are more than 38
    function partsOf(bytes calldata spans, bytes calldata groups, TextIndex[] calldata set, uint256 cut)
        internal
        pure
        returns (SpanShares.Parts memory)
    {
        Evidence memory evidence = SpanEvidence.read(spans);
        return SpanShares.join(spans, evidence, _points(spans, groups, evidence), set, cut, SPAN_ENTRIES_MAX);
    }

    /// @notice The leader of a contribution of the spans.
    function leaderAt(bytes calldata groups, uint256 i) internal pure returns (uint256) {
        return uint16(bytes2(groups[2 * i:2 * i + 2]));
    }

    function countOf(bytes calldata scores) internal pure returns (uint256) {
        return scores.length / SCORE_BYTES;
    }

    function scoreAt(bytes calldata scores, uint256 i)
        internal
        pure
        returns (uint256 row, uint64 contribution, uint64 score)
    {
        bytes calldata at = scores[SCORE_BYTES * i:SCORE_BYTES * (i + 1)];
        return (uint16(bytes2(at)), uint64(bytes8(at[2:])), uint64(bytes8(at[10:])));
    }

    /// @notice Weight of a class G entry.
    function scoreWeight(bytes calldata scores, uint64 id) internal pure returns (uint256) {
        uint256[] memory parts = new uint256[](countOf(scores));
        uint256 place = parts.length;
        for (uint256 i = 0; i < parts.length; i++) {
            uint64 contribution;
            (, contribution, parts[i]) = scoreAt(scores, i);
            if (contribution == id) place = i;
        }
        return place == parts.length ? 0 : SpanShares.largestRemainder(parts, place, SKETCH_WEIGHT);
    }

    function citations(bytes calldata raw) internal pure returns (uint256) {
        return raw.length / CITATION_BYTES;
    }

    /// @notice Weight of a class R entry: rank r gives 2520/r.
    function citationWeight(bytes calldata raw, uint64 id) internal pure returns (uint256) {
        uint256 count = citations(raw);
        uint64[] memory ids = new uint64[](count);
        uint256[] memory parts = new uint256[](count);
        uint256 found;
        for (uint256 i = 0; i < count; i++) {
            uint64 contribution = uint64(bytes8(raw[CITATION_BYTES * i + 10:]));
            uint256 at = found;
            while (at > 0 && ids[at - 1] > contribution) at--;
            if (at == 0 || ids[at - 1] != contribution) {
                for (uint256 j = found++; j > at; j--) (ids[j], parts[j]) = (ids[j - 1], parts[j - 1]);
                (ids[at], parts[at]) = (contribution, 0);
                at++;
            }
            parts[at - 1] += SpanShares.SHARE_UNIT / (i + 1);
        }
        for (uint256 i = 0; i < found; i++) {
            if (ids[i] == id) return SpanShares.largestRemainder(parts, i, CITATION_WEIGHT);
        }
        return 0;
    }

    function _points(bytes calldata spans, bytes calldata groups, Evidence memory evidence)
        private
        pure
        returns (SpanShares.Points memory all)
    {
        uint256[] memory sums = SpanEvidence.prefixSums(spans, evidence.tokens);
        all.points = new uint256[](evidence.contributors);
        uint256[] memory covered = new uint256[](SpanEvidence.TOKENS_MAX / 256 + 1);
        for (uint256 k = 0; k < evidence.spans.length; k++) {
            Span memory span = evidence.spans[k];
            uint256[] memory earners = _earners(spans, groups, span);
            if (earners.length == 0) continue;
            uint256 weight = SpanEvidence.weightOf(span, sums) * SpanShares.SHARE_UNIT;
            uint256 share = weight / earners.length;
            for (uint256 i = 0; i < earners.length; i++) all.points[earners[i]] += share;
            all.total += weight;
            SpanShares.cover(covered, span.start, span.start + span.length);
        }
        for (uint256 i = 0; i < covered.length; i++) all.matched += SpanShares.bits(covered[i]);
    }

    /// @dev Of each group that has the span its earliest contribution; nobody where too many have it.
    function _earners(bytes calldata spans, bytes calldata groups, Span memory span)
        private
        pure
        returns (uint256[] memory earners)
    {
        earners = new uint256[](span.count);
        uint256[] memory leaders = new uint256[](span.count);
        uint256 found;
        for (uint256 j = 0; j < span.count; j++) {
            uint256 contributor = SpanEvidence.contributorAt(spans, span, j);
            uint256 leader = leaderAt(groups, contributor);
            uint256 i = 0;
            while (i < found && leaders[i] != leader) i++;
            if (i == found) (leaders[found], earners[found++]) = (leader, contributor);
            else if (contributor < earners[i]) earners[i] = contributor;
        }
        if (found > GROUPS_MAX) found = 0;
        assembly ("memory-safe") {
            mstore(earners, found)
        }
    }
}
