// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Chunks, Run } from "../lib/Chunks.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { SpanCount, TextIndex, TextIndexes } from "../lib/TextIndexes.sol";
import { IDatanetVersions } from "./interfaces/IDatanetVersions.sol";

/// @title IndexJudge
/// @notice What can be wrong with an index, shown by openings of it; docs/ATTRIBUTION.md §2. Every function reverts where
///         the openings show nothing wrong.
abstract contract IndexJudge {
    /// @notice The arguments open, and show nothing wrong.
    error NoFault();
    /// @notice Places of the text are compared only where the suffixes name such.
    error EntryOutOfRange(uint32 position);
    error NotAToken(uint32 token);

    /// @dev Tokens that suffixes are sorted by.
    uint256 private constant KEY_TOKENS = 64;

    /// @dev Entries i and i + 1 of the suffixes are alike, or their keys not in order.
    function _requireBadOrder(TextIndex calldata index, uint256 i, Run calldata suffixes, Run calldata at, Run calldata next)
        internal
        view
    {
        TextIndexes.openSuffixes(index, suffixes);
        (uint32 p, uint32 q) = (Chunks.word(suffixes, i), Chunks.word(suffixes, i + 1));
        if (p >= index.n) revert EntryOutOfRange(p);
        if (q >= index.n) revert EntryOutOfRange(q);
        TextIndexes.openTokens(index, at);
        TextIndexes.openTokens(index, next);
        for (uint256 k = 0; k < KEY_TOKENS; k++) {
            (uint256 a, uint256 b) = (_key(index.n, at, p + k), _key(index.n, next, q + k));
            if (a > b) return;
            if (a < b) revert NoFault();
            if (a == 0) break;
        }
        if (p < q) revert NoFault();
    }

    /// @dev Entry i of the suffixes is no place of the text.
    function _requireBadEntry(TextIndex calldata index, uint256 i, Run calldata suffixes) internal view {
        TextIndexes.openSuffixes(index, suffixes);
        if (Chunks.word(suffixes, i) < index.n) revert NoFault();
    }

    /// @dev Two entries of the suffixes are alike.
    function _requireEqualEntries(TextIndex calldata index, uint256 i, uint256 j, Run calldata one, Run calldata other)
        internal
        view
    {
        TextIndexes.openSuffixes(index, one);
        TextIndexes.openSuffixes(index, other);
        if (i == j || Chunks.word(one, i) != Chunks.word(other, j)) revert NoFault();
    }

    /// @dev Entry documents − 1 of the suffixes begins with no separator, or entry documents with one.
    function _requireBadSeparators(TextIndex calldata index, bool last, Run calldata suffixes, Run calldata tokens)
        internal
        view
    {
        TextIndexes.openSuffixes(index, suffixes);
        uint32 position = Chunks.word(suffixes, last ? index.documents - 1 : index.documents);
        if (position >= index.n) revert EntryOutOfRange(position);
        TextIndexes.openTokens(index, tokens);
        if ((Chunks.word(tokens, position) == TextIndexes.SEPARATOR) == last) revert NoFault();
    }

    /// @dev Row d of the documents begins at a wrong place: the first not at 0, another not behind the one before it and its
    ///      separator; or contributions do not ascend. With d = documents: the text does not end with a separator.
    function _requireBadDocument(TextIndex calldata index, uint256 d, Run calldata documents, Run calldata tokens)
        internal
        view
    {
        uint256 end = index.n;
        if (d < index.documents) {
            TextIndexes.openDocuments(index, documents);
            (uint32 start, uint64 contribution) = TextIndexes.documentAt(documents, d);
            if (d == 0) {
                if (start == 0) revert NoFault();
                return;
            }
            (uint32 before, uint64 contributionBefore) = TextIndexes.documentAt(documents, d - 1);
            if (start <= before || start >= index.n || contribution <= contributionBefore) return;
            end = start;
        } else if (d > index.documents) {
            revert NoFault();
        }
        TextIndexes.openTokens(index, tokens);
        if (Chunks.word(tokens, end - 1) == TextIndexes.SEPARATOR) revert NoFault();
    }

    /// @dev Row d names another contribution than record d of the Datanet version.
    function _requireBadItem(
        TextIndex calldata index,
        uint32 d,
        Run calldata documents,
        uint64 contribution,
        bytes32 contentHash,
        bytes32[] calldata siblings
    ) internal view {
        TextIndexes.openDocuments(index, documents);
        (, uint64 named) = TextIndexes.documentAt(documents, d);
        Chunks.openLeaf(_itemsRoot(index), d, abi.encodePacked(contribution, contentHash), siblings);
        if (named == contribution) revert NoFault();
    }

    /// @dev The version has a record d ≥ documents, or fewer records than documents: it has room for so many only.
    function _requireOtherItems(
        TextIndex calldata index,
        uint32 d,
        uint64 contribution,
        bytes32 contentHash,
        bytes32[] calldata siblings
    ) internal view {
        Chunks.openLeaf(_itemsRoot(index), d, abi.encodePacked(contribution, contentHash), siblings);
        if (d < index.documents && index.documents <= 1 << siblings.length) revert NoFault();
    }

    /// @dev The version has no record d < documents.
    function _requireNoItem(TextIndex calldata index, uint32 d, bytes32[] calldata siblings) internal view {
        Chunks.openAbsent(_itemsRoot(index), d, siblings);
        if (d >= index.documents) revert NoFault();
    }

    /// @dev Entry i of the text is no token of the vocabulary.
    function _requireBadToken(TextIndex calldata index, uint256 i, Run calldata tokens) internal view {
        TextIndexes.openTokens(index, tokens);
        uint32 token = Chunks.word(tokens, i);
        if (token < index.vocab || token == TextIndexes.SEPARATOR) revert NoFault();
    }

    /// @dev The unigram count of a token is not how often SpanProof finds it.
    function _requireBadUnigram(
        TextIndex calldata index,
        uint32 token,
        Run calldata unigrams,
        SpanCount calldata shown
    ) internal view {
        if (token >= index.vocab) revert NotAToken(token);
        Chunks.openWords(index.unigramRoot, index.vocab, unigrams);
        uint32 count = TextIndexes.countOf(index, abi.encodePacked(token), shown);
        if (count == Chunks.word(unigrams, token)) revert NoFault();
    }

    function _isPermissioned(uint64 datanet) internal view returns (bool) {
        return IDatanetVersions(Predeploys.DATANET_REGISTRY).datanets(datanet).visibility != 0;
    }

    function _itemsRoot(TextIndex calldata index) internal view returns (bytes32) {
        return IDatanetVersions(Predeploys.DATANET_REGISTRY).versions(index.datanet, index.version).itemsRoot;
    }

    /// @dev A token plus one as it stands in a key; zero where the key has ended.
    function _key(uint256 n, Run calldata run, uint256 place) private pure returns (uint256) {
        if (place >= n) return 0;
        uint32 token = Chunks.word(run, place);
        return token == TextIndexes.SEPARATOR ? 0 : uint256(token) + 1;
    }
}
