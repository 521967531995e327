// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Evidence, Span, SpanEvidence } from "./SpanEvidence.sol";
import { TextIndex } from "./TextIndexes.sol";

/// @title SpanShares
/// @notice The weights of a receipt's S and U entries, from its evidence and the records of its indexes. ATTRIBUTION §4.
library SpanShares {
    /// @notice Not the last of the contributions that have entries.
    error WrongCut(uint256 contributor, uint256 better);

    /// @dev Contributions with entries.
    uint256 private constant ENTRIES_MAX = 64;
    /// @dev Least common multiple of 1 … 10: a span's weight is shared without rest.
    uint256 internal constant SHARE_UNIT = 2_520;

    /// @dev Parts of the contributors' pool in the order of entries: `items` contributions, then Datanets.
    struct Parts {
        uint64[] ids;
        uint256[] parts;
        uint256 items;
    }

    /// @dev `points` of each contribution from all kept spans, their sum, and how many tokens stand in a kept span.
    struct Points {
        uint256[] points;
        uint256 total;
        uint256 matched;
    }

    /// @param cut place of the contribution that is the last to have an entry, where there are more than 64
    function partsOf(bytes calldata raw, Evidence memory evidence, TextIndex[] calldata set, uint256 cut)
        internal
        pure
        returns (Parts memory split)
    {
        return join(raw, evidence, _points(raw, evidence), set, cut, ENTRIES_MAX);
    }

    /// @notice Parts by what each contribution earned, of which at most `max` have an entry.
    function join(
        bytes calldata raw,
        Evidence memory evidence,
        Points memory all,
        TextIndex[] calldata set,
        uint256 cut,
        uint256 max
    ) internal pure returns (Parts memory split) {
        (uint64[] memory datanets, uint256[] memory sizes) = _datanets(set);
        split.items = all.total == 0 ? 0 : all.points.length;
        if (split.items > max) {
            _requireCut(all.points, cut, max);
            split.items = max;
        }
        split.ids = new uint64[](split.items + datanets.length);
        split.parts = new uint256[](split.items + datanets.length);
        uint256 rest = _splitSpans(raw, evidence, split, all, cut);
        uint256 words = wordsOf(set);
        for (uint256 i = 0; i < split.items; i++) split.parts[i] *= all.matched * words;
        uint256 unmatched =
            all.total == 0 ? 1 : (evidence.tokens - all.matched) * all.total + all.matched * rest;
        for (uint256 d = 0; d < datanets.length; d++) {
            (split.ids[split.items + d], split.parts[split.items + d]) = (datanets[d], unmatched * sizes[d]);
        }
    }

    /// @notice Weight of an item by largest remainder into `total`, ties to the lower place; zero where it is not there.
    /// @param ofContribution whether the id is a contribution's or a Datanet's
    function weightOf(Parts memory split, bool ofContribution, uint64 id, uint256 total)
        internal
        pure
        returns (uint256)
    {
        uint256 end = ofContribution ? split.items : split.ids.length;
        for (uint256 i = ofContribution ? 0 : split.items; i < end; i++) {
            if (split.ids[i] == id) return largestRemainder(split.parts, i, total);
        }
        return 0;
    }

    /// @notice Words of the texts, separators left out.
    function wordsOf(TextIndex[] calldata set) internal pure returns (uint256 words) {
        for (uint256 i = 0; i < set.length; i++) words += set[i].n - set[i].documents;
    }

    /// @dev Ids and points of the contributions with entries; what the others have is the rest.
    function _splitSpans(
        bytes calldata raw,
        Evidence memory evidence,
        Parts memory split,
        Points memory all,
        uint256 cut
    ) private pure returns (uint256 rest) {
        rest = all.total;
        uint256 items = split.items;
        // All are at least as good as none.
        (uint256 than, uint256 other) = items == all.points.length ? (0, items) : (all.points[cut], cut + 1);
        uint256 to;
        for (uint256 c = 0; to < items; c++) {
            uint256 points = all.points[c];
            if (!_better(points, c, than, other)) continue;
            split.ids[to] = SpanEvidence.contributionAt(raw, evidence, c);
            split.parts[to++] = points;
            rest -= points;
        }
    }

    function _points(bytes calldata raw, Evidence memory evidence) private pure returns (Points memory all) {
        uint256[] memory sums = SpanEvidence.prefixSums(raw, evidence.tokens);
        uint256[] memory points = new uint256[](evidence.contributors);
        all.points = points;
        // A bit for each token of the answer.
        uint256[] memory covered = new uint256[](SpanEvidence.TOKENS_MAX / 256 + 1);
        for (uint256 k = 0; k < evidence.spans.length; k++) {
            Span memory span = evidence.spans[k];
            uint256 weight = SpanEvidence.weightOf(span, sums) * SHARE_UNIT;
            uint256[] memory owners = _owners(raw, span);
            uint256 share = weight / owners.length;
            for (uint256 i = 0; i < owners.length; i++) points[owners[i]] += share;
            all.total += weight;
            cover(covered, span.start, span.start + span.length);
        }
        for (uint256 i = 0; i < covered.length; i++) all.matched += bits(covered[i]);
    }

    /// @dev Sets bits `from` to `end` − 1.
    function cover(uint256[] memory covered, uint256 from, uint256 end) internal pure {
        unchecked {
            while (from < end) {
                uint256 next = (from / 256 + 1) * 256;
                if (next > end) next = end;
                covered[from / 256] |= type(uint256).max >> (256 - (next - from)) << from % 256;
                from = next;
            }
        }
    }

    function bits(uint256 word) internal pure returns (uint256 count) {
        unchecked {
            for (; word != 0; word &= word - 1) count++;
        }
    }

    /// @dev The different contributors of a span; none listed twice.
    function _owners(bytes calldata raw, Span memory span) private pure returns (uint256[] memory owners) {
        uint256 count = span.count;
        owners = new uint256[](count);
        uint256 found;
        unchecked {
            for (uint256 j = 0; j < count; j++) {
                uint256 owner = SpanEvidence.contributorAt(raw, span, j);
                uint256 i = 0;
                while (i < found && owners[i] != owner) i++;
                if (i == found) owners[found++] = owner;
            }
        }
        assembly ("memory-safe") {
            mstore(owners, found)
        }
    }

    /// @dev Distinct Datanets of a set, ascending, and the words of each.
    function _datanets(TextIndex[] calldata set) private pure returns (uint64[] memory ids, uint256[] memory sizes) {
        ids = new uint64[](set.length);
        sizes = new uint256[](set.length);
        uint256 found;
        for (uint256 i = 0; i < set.length; i++) {
            (uint64 id, uint256 size) = (set[i].datanet, set[i].n - set[i].documents);
            uint256 at = found;
            while (at > 0 && ids[at - 1] > id) at--;
            if (at > 0 && ids[at - 1] == id) {
                sizes[at - 1] += size;
                continue;
            }
            for (uint256 j = found++; j > at; j--) (ids[j], sizes[j]) = (ids[j - 1], sizes[j - 1]);
            (ids[at], sizes[at]) = (id, size);
        }
        assembly ("memory-safe") {
            mstore(ids, found)
            mstore(sizes, found)
        }
    }

    function _requireCut(uint256[] memory points, uint256 cut, uint256 max) private pure {
        uint256 than = points[cut];
        uint256 better;
        unchecked {
            for (uint256 c = 0; c < points.length; c++) {
                if (_better(points[c], c, than, cut)) better++;
            }
        }
        if (better + 1 != max) revert WrongCut(cut, better);
    }

    /// @dev Contributions stand in the order of their ids.
    function _better(uint256 points, uint256 c, uint256 than, uint256 other) private pure returns (bool) {
        return points > than || (points == than && c < other);
    }

    /// @dev No part passes 2¹⁰⁰: answers have 2,048 tokens of 16-bit scores, sets 2³⁵ words.
    function largestRemainder(uint256[] memory parts, uint256 item, uint256 total) internal pure returns (uint256) {
        uint256 whole;
        unchecked {
            for (uint256 i = 0; i < parts.length; i++) whole += parts[i];
            uint256 left = total;
            uint256 own = parts[item] * total % whole;
            uint256 before;
            for (uint256 i = 0; i < parts.length; i++) {
                uint256 scaled = parts[i] * total;
                left -= scaled / whole;
                uint256 remainder = scaled % whole;
                if (remainder > own || (remainder == own && i < item)) before++;
            }
            return parts[item] * total / whole + (before < left ? 1 : 0);
        }
    }
}
