// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Chunks, Run } from "./Chunks.sol";
import { Predeploys } from "./Predeploys.sol";
import { SpanProof } from "../precompiles/SpanProof.sol";

/// @dev Record of an index of one Datanet version's text by one tokenizer: `n` tokens below `vocab`, separators included.
struct TextIndex {
    uint64 datanet;
    uint32 version;
    bytes32 tokenizerHash;
    uint32 vocab;
    uint32 n;
    uint32 documents;
    bytes32 tokenRoot;
    bytes32 suffixRoot;
    bytes32 documentRoot;
    bytes32 unigramRoot;
    bytes32 offsetRoot;
}

/// @dev Bounds and openings that show by SpanProof how often tokens stand in an index.
struct SpanCount {
    uint32 lo;
    uint32 hi;
    bytes openings;
}

/// @dev As SpanCount, of tokens that stand seldom: one run of the suffixes from `lo` − 1 to `hi`, and the text at those of
///      `lo` − 1, `lo`, `hi` − 1 and `hi` that are there, none twice, as far as it tells the order.
struct SpanBounds {
    uint32 lo;
    uint32 hi;
    Run suffixes;
    Run[] texts;
}

/// @title TextIndexes
/// @notice Openings of an index's tables; docs/ATTRIBUTION.md §2.
library TextIndexes {
    /// @notice SpanProof does not accept the count.
    error CountNotProven(uint32 lo, uint32 hi);
    /// @notice The bounds of a count do not stand in this order.
    error BadBounds(uint32 lo, uint32 hi, uint32 n);
    /// @notice The suffix at that place does not stand to the tokens as the bounds say.
    error OutOfOrder(uint256 place);
    /// @notice The row's document does not hold that place of the text.
    error NotInDocument(uint256 document, uint256 place);

    enum Order { Before, Begins, Behind }

    /// @dev Stands behind each document.
    uint32 internal constant SEPARATOR = type(uint32).max;
    /// @dev `start u32 ‖ contribution u64`.
    uint256 internal constant DOCUMENT_BYTES = 12;

    /// @notice An index is named by the hash of all it states.
    function idOf(TextIndex calldata index) internal pure returns (bytes32) {
        bytes memory head = abi.encodePacked(
            uint8(0x0a), index.datanet, index.version, index.tokenizerHash, index.vocab, index.n, index.documents
        );
        return keccak256(
            abi.encodePacked(
                head,
                index.tokenRoot,
                index.suffixRoot,
                index.documentRoot,
                index.unigramRoot,
                index.offsetRoot
            )
        );
    }

    function openTokens(TextIndex calldata index, Run calldata run) internal view {
        Chunks.openWords(index.tokenRoot, index.n, run);
    }

    function openSuffixes(TextIndex calldata index, Run calldata run) internal view {
        Chunks.openWords(index.suffixRoot, index.n, run);
    }

    /// @notice Opens rows of the document table; reads them by `documentAt`.
    function openDocuments(TextIndex calldata index, Run calldata run) internal view {
        uint256 bytes_ = DOCUMENT_BYTES * uint256(index.documents);
        Chunks.open(index.documentRoot, bytes_, DOCUMENT_BYTES * Chunks.ENTRIES, run);
    }

    /// @return start        where the document begins in the text
    /// @return contribution whose text it is
    function documentAt(Run calldata run, uint256 document) internal pure returns (uint32 start, uint64 contribution) {
        bytes32 row = Chunks.field(run, document, Chunks.ENTRIES, DOCUMENT_BYTES);
        return (uint32(bytes4(row)), uint64(bytes8(row << 32)));
    }

    /// @notice Whose document holds place `at` of the text, its separator included; rows `document` and the next are shown.
    function contributionAt(TextIndex calldata index, Run calldata run, uint256 document, uint256 at)
        internal
        pure
        returns (uint64 contribution)
    {
        uint32 start;
        uint32 next = index.n;
        (start, contribution) = documentAt(run, document);
        if (document + 1 < index.documents) (next,) = documentAt(run, document + 1);
        if (at < start || at >= next) revert NotInDocument(document, at);
    }

    /// @notice How often tokens of u32 stand in the text, as SpanProof finds it.
    function countOf(TextIndex calldata index, bytes memory query, SpanCount calldata shown)
        internal
        view
        returns (uint32)
    {
        (bytes32 tokenRoot, bytes32 suffixRoot, uint32 n) = (index.tokenRoot, index.suffixRoot, index.n);
        (bool ok, uint32 count) = SpanProof(Predeploys.SPAN_PROOF).prove(
            tokenRoot, suffixRoot, n, query, shown.lo, shown.hi, shown.openings
        );
        if (!ok) revert CountNotProven(shown.lo, shown.hi);
        return count;
    }

    /// @notice How often tokens of u32, none a separator, stand in the text: the neighbours are outside, the bounds inside, so
    ///         that by the order of suffixes all between begin with them. A run for neighbours costs half of what SpanProof's
    ///         openings do.
    function countWithin(TextIndex calldata index, bytes calldata query, SpanBounds calldata shown)
        internal
        view
        returns (uint256)
    {
        (uint256 lo, uint256 hi) = (shown.lo, shown.hi);
        if (lo > hi || hi > index.n) revert BadBounds(shown.lo, shown.hi, index.n);
        openSuffixes(index, shown.suffixes);
        uint256 text;
        if (lo > 0) _requireOrder(index, shown, lo - 1, text++, query, Order.Before);
        if (lo < hi) _requireOrder(index, shown, lo, text++, query, Order.Begins);
        if (lo + 1 < hi) _requireOrder(index, shown, hi - 1, text++, query, Order.Begins);
        if (hi < index.n) _requireOrder(index, shown, hi, text++, query, Order.Behind);
        return hi - lo;
    }

    function _requireOrder(
        TextIndex calldata index,
        SpanBounds calldata shown,
        uint256 place,
        uint256 text,
        bytes calldata query,
        Order expected
    ) private view {
        Run calldata run = shown.texts[text];
        openTokens(index, run);
        if (_orderOf(index.n, run, Chunks.word(shown.suffixes, place), query) != expected) revert OutOfOrder(place);
    }

    /// @dev How the text from `position` on stands to the query.
    function _orderOf(uint256 n, Run calldata run, uint256 position, bytes calldata query)
        private
        pure
        returns (Order)
    {
        uint256 end = Chunks.ENTRIES * run.first + run.data.length / 4;
        if (position >= end) revert Chunks.NotShown(position);
        bool over = position + query.length / 4 > end;
        bytes calldata text = Chunks.words(run, position, over ? end - position : query.length / 4);
        for (uint256 at = 0; at < text.length; at += 32) {
            (bytes32 a, bytes32 b) = (_wordAt(text, at), _wordAt(query, at));
            uint256 left = text.length - at;
            uint256 behind = left < 32 ? 8 * (32 - left) : 0;
            if (a >> behind == b >> behind) continue;
            uint256 lane = 224;
            while (uint32(uint256(a) >> lane) == uint32(uint256(b) >> lane)) lane -= 32;
            uint32 token = uint32(uint256(a) >> lane);
            return token == SEPARATOR || token < uint32(uint256(b) >> lane) ? Order.Before : Order.Behind;
        }
        if (!over) return Order.Begins;
        if (end < n) revert Chunks.NotShown(end);
        return Order.Before;
    }

    function _wordAt(bytes calldata data, uint256 at) private pure returns (bytes32 value) {
        assembly ("memory-safe") {
            value := calldataload(add(data.offset, at))
        }
    }
}
