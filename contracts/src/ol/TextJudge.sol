// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Chunks, Run } from "../lib/Chunks.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { TextIndex, TextIndexes } from "../lib/TextIndexes.sol";
import { TokenBytes } from "../lib/TokenBytes.sol";
import { IDatanetVersions } from "./interfaces/IDatanetVersions.sol";

/// @dev A document, its row and the item that it is. The run shows the row behind it too.
struct ShownDocument {
    uint32 document;
    Run documents;
    bytes32 contentHash;
    bytes32[] siblings;
}

/// @dev Chunks of 1 KiB of something of `total` bytes.
struct ShownBytes {
    uint256 total;
    Run run;
}

/// @dev A token of the text with its offset and the next, and chunks of the tokenizer: its first, and those of the merges that
///      the token is made by.
struct ShownToken {
    uint256 place;
    Run tokens;
    Run offsets;
    uint256 tokenizerBytes;
    Run[] tokenizer;
}

/// @title TextJudge
/// @notice Whether an index's tokens are not those of the contents, by the offsets that it commits to: of every token where in
///         its document it begins, of every separator how long the content is. docs/ATTRIBUTION.md §2.
abstract contract TextJudge {
    /// @notice The text is as it should be there.
    error TextRight(uint256 place);
    /// @notice The tokenizer has as many tokens.
    error VocabRight(uint32 vocab);
    /// @notice A separator has no bytes.
    error NoBytes(uint256 place);

    uint256 private constant CONTENT_CHUNK = 1_024;

    /// @dev The vocabulary is not as large as the tokenizer's: of tokens behind its last nothing could be shown.
    function _requireBadVocab(TextIndex calldata index, uint256 tokenizerBytes, Run[] calldata tokenizer) internal view {
        TokenBytes.open(index.tokenizerHash, tokenizerBytes, tokenizer);
        if (TokenBytes.vocabOf(tokenizer) == index.vocab) revert VocabRight(index.vocab);
    }

    /// @dev A token has no bytes, or its offset and the next are not as far apart as they are many.
    function _requireBadOffset(TextIndex calldata index, ShownToken calldata shown) internal view {
        (uint256 begin, uint256 end) = _offsets(index, shown);
        bytes memory token = _bytesOf(index, shown);
        if (token.length > 0 && end == begin + token.length) revert TextRight(shown.place);
    }

    /// @dev The offset where a document begins is not 0.
    function _requireBadStart(TextIndex calldata index, uint32 document, Run calldata documents, Run calldata offsets)
        internal
        view
    {
        TextIndexes.openDocuments(index, documents);
        (uint32 start,) = TextIndexes.documentAt(documents, document);
        Chunks.openWords(index.offsetRoot, index.n, offsets);
        if (Chunks.word(offsets, start) == 0) revert TextRight(start);
    }

    /// @dev A token's bytes are not the content's at its offset.
    function _requireBadBytes(
        TextIndex calldata index,
        ShownToken calldata shown,
        ShownDocument calldata document,
        ShownBytes calldata content
    ) internal view {
        (uint256 begin,) = _offsets(index, shown);
        bytes memory token = _bytesOf(index, shown);
        _openItem(index, document, shown.place);
        Chunks.open(document.contentHash, content.total, CONTENT_CHUNK, content.run);
        uint256 from = begin - CONTENT_CHUNK * content.run.first;
        bytes calldata there = content.run.data[from:from + token.length];
        if (keccak256(there) == keccak256(token)) revert TextRight(shown.place);
    }

    /// @dev The offset at a document's separator is not the content's length: the content goes on behind it, or ends before.
    function _requireBadLength(
        TextIndex calldata index,
        uint256 place,
        Run calldata tokens,
        Run calldata offsets,
        ShownDocument calldata document,
        ShownBytes calldata content
    ) internal view {
        TextIndexes.openTokens(index, tokens);
        if (Chunks.word(tokens, place) != TextIndexes.SEPARATOR) revert TextRight(place);
        Chunks.openWords(index.offsetRoot, index.n, offsets);
        uint256 length = Chunks.word(offsets, place);
        _openItem(index, document, place);
        (uint256 least, uint256 most) = _lengthOf(document.contentHash, content);
        if (least <= length && length <= most) revert TextRight(place);
    }

    /// @dev Opens chunks of a content, or shows by an empty run that there is none from that one on.
    /// @return least bytes that the content has at least: up to the end of the chunks shown
    /// @return most  and at most: it ends there where its tree has no room behind or the chunk is not whole; where a chunk is
    ///               missing it ends at it or anywhere before
    function _lengthOf(bytes32 contentHash, ShownBytes calldata content)
        private
        view
        returns (uint256 least, uint256 most)
    {
        Run calldata run = content.run;
        uint256 end = CONTENT_CHUNK * run.first + run.data.length;
        if (run.data.length == 0) {
            // Content of no bytes is one chunk of none.
            if (run.first == 0) Chunks.openLeaf(contentHash, 0, "", run.siblings);
            else Chunks.openAbsent(contentHash, run.first, run.siblings);
            return (0, end);
        }
        Chunks.open(contentHash, content.total, CONTENT_CHUNK, run);
        uint256 width = CONTENT_CHUNK;
        while (width < content.total) width *= 2;
        bool isLast = end % CONTENT_CHUNK != 0 || end == width;
        return (end, isLast ? end : type(uint256).max);
    }

    function _offsets(TextIndex calldata index, ShownToken calldata shown) private view returns (uint256, uint256) {
        Chunks.openWords(index.offsetRoot, index.n, shown.offsets);
        return (Chunks.word(shown.offsets, shown.place), Chunks.word(shown.offsets, shown.place + 1));
    }

    function _openItem(TextIndex calldata index, ShownDocument calldata shown, uint256 place) private view {
        TextIndexes.openDocuments(index, shown.documents);
        uint64 contribution = TextIndexes.contributionAt(index, shown.documents, shown.document, place);
        bytes32 root = IDatanetVersions(Predeploys.DATANET_REGISTRY).versions(index.datanet, index.version).itemsRoot;
        Chunks.openLeaf(root, shown.document, abi.encodePacked(contribution, shown.contentHash), shown.siblings);
    }

    /// @dev Bytes of the token at the place, from the tokenizer's merges.
    function _bytesOf(TextIndex calldata index, ShownToken calldata shown) private view returns (bytes memory out) {
        TextIndexes.openTokens(index, shown.tokens);
        if (Chunks.word(shown.tokens, shown.place) == TextIndexes.SEPARATOR) revert NoBytes(shown.place);
        TokenBytes.open(index.tokenizerHash, shown.tokenizerBytes, shown.tokenizer);
        bytes calldata token = Chunks.words(shown.tokens, shown.place, 1);
        (out,) = TokenBytes.decode(shown.tokenizer, token, TokenBytes.TOKEN_BYTES_MAX);
    }
}
