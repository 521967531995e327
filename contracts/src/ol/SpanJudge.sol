// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Chunks, Run } from "../lib/Chunks.sol";
import { EvidenceParts } from "../lib/EvidenceParts.sol";
import { Fault } from "../lib/Faults.sol";
import { IndexSets } from "../lib/IndexSets.sol";
import { CLASS_G, CLASS_R, CLASS_S, CLASS_U, Receipt, Segment, WEIGHT_TOTAL } from "../lib/MoneyTypes.sol";
import { OpenedEntry, OpenedReceipt, Openings } from "../lib/Openings.sol";
import { Evidence, Place, Span, SpanEvidence } from "../lib/SpanEvidence.sol";
import { SpanShares } from "../lib/SpanShares.sol";
import { OmittedSpan, SpanClaim, SpanDocument, SpanText, TokenScore } from "../lib/SpanTypes.sol";
import { TextIndex, TextIndexes } from "../lib/TextIndexes.sol";
import { TokenScores } from "../lib/TokenScores.sol";

/// @title SpanJudge
/// @notice Whether a receipt's S and U entries are provably not what algoHash v1 makes of its output and its model's
///         indexes; and of v2 what it says of spans, the rest of which ShareJudge and SketchJudge judge. Predeploy 0x4f4c…0029; asked as ReceiptJudge is. docs/ATTRIBUTION.md §5.
///
/// Every S and U entry of a receipt commits to the same evidence: scores, kept spans, where each stands and whose text that
/// is. Each function shows one thing that is wrong in it, or missing, by openings of the output and of an index.
contract SpanJudge {
    /// @notice The arguments open, and show nothing wrong.
    error NoFault();
    /// @notice Entries of this class have no evidence.
    error WrongClass(uint8 class);
    /// @notice Another rule of attribution than this contract knows.
    error WrongAlgorithm(bytes32 algoHash);
    /// @notice The evidence is not what the entry commits to.
    error WrongEvidence(bytes32 evidenceHash);
    /// @notice Whether a span is said to stand there is what another challenge asks.
    error Listed(uint8 index, uint32 position);
    error NotListed(uint8 index, uint32 position);
    /// @notice Nothing stands at or beyond the end of a text or of the answer.
    error PastEnd(uint256 end, uint256 max);
    /// @notice The tokens there are not those of the output.
    error OtherTokens(uint256 offset);
    error WrongAnchor(uint256 start, uint256 length);
    error WrongRuns(uint256 expected, uint256 given);

    /// @notice ATTRIBUTION §4.
    bytes32 public constant ALGO_V1 = 0xb039548e6f9a6cf8faf7872068c3eb8d9e459fa9d2722835ce699d0d7fef2627;

    uint256 private constant ANCHOR_MAX = 64;

    /// @notice An entry is of a class that the rule has not, or of S in a receipt without indexes, or has no evidence in one
    ///         with indexes; or two have not the same evidence.
    function badSpanEvidence(
        OpenedReceipt calldata opened,
        Segment[] calldata,
        OpenedEntry calldata one,
        OpenedEntry calldata other
    ) external view returns (Fault) {
        Openings.requireReceipt(opened);
        _requireV1(opened);
        Openings.entry(opened.receipt.attrRoot, one);
        uint8 class = one.entry.class;
        if (class == CLASS_G || class == CLASS_R) return Fault.WrongEntry;
        bool hasIndexes = opened.receipt.indexSetHash != bytes32(0);
        if (class == CLASS_S && !hasIndexes) return Fault.WrongEntry;
        _requireClass(class);
        if (hasIndexes && one.entry.evidenceHash == bytes32(0)) return Fault.WrongEntry;
        Openings.entry(opened.receipt.attrRoot, other);
        _requireClass(other.entry.class);
        if (one.entry.evidenceHash == other.entry.evidenceHash) revert NoFault();
        return Fault.WrongEntry;
    }

    /// @notice The evidence contradicts itself, the length of the output, or the number of indexes. Where an index of the set
    ///         counts for nothing any more, no token of the output does.
    function badSpanForm(
        OpenedReceipt calldata opened,
        Segment[] calldata,
        SpanClaim calldata claim,
        bytes32[] calldata ids
    ) external view returns (Fault) {
        bytes calldata raw = _claimed(opened, claim);
        IndexSets.requireSet(opened.receipt, ids);
        if (ids.length == 0) revert NoFault();
        (bool fits, Evidence memory evidence) = SpanEvidence.tryRead(raw);
        if (!fits || evidence.tokens != _tokensOf(opened, ids)) return Fault.WrongEntry;
        bytes1 version = opened.receipt.algoHash == ALGO_V1 ? bytes1(0x01) : bytes1(0x02);
        if (raw[0] != version || !_formed(raw, evidence, ids.length)) return Fault.WrongEntry;
        revert NoFault();
    }

    /// @notice A listed span does not stand at a place where it is listed: token `offset` of it is another there, or the text
    ///         ends before it does.
    function badSpanPlace(
        OpenedReceipt calldata opened,
        Segment[] calldata,
        SpanClaim calldata claim,
        SpanText calldata shown,
        uint16 offset
    ) external view returns (Fault) {
        bytes calldata raw = _claimed(opened, claim);
        IndexSets.requireIndex(opened.receipt, shown.at);
        Span memory span = SpanEvidence.spanAt(SpanEvidence.read(raw), shown.span);
        _find(raw, span, shown.at.number, shown.position, true);
        TextIndex calldata index = shown.at.index;
        if (uint256(shown.position) + span.length > index.n) return Fault.WrongEntry;
        if (offset >= span.length) revert PastEnd(offset, span.length);
        TextIndexes.openTokens(index, shown.text);
        Chunks.openTokens(opened.receipt.outputRoot, opened.receipt.tout, shown.output);
        if (!_stands(index, shown, span.start, span.length, offset, 1)) return Fault.WrongEntry;
        revert NoFault();
    }

    /// @notice A listed span stands at another place too.
    function missedSpanPlace(
        OpenedReceipt calldata opened,
        Segment[] calldata,
        SpanClaim calldata claim,
        SpanText calldata shown
    ) external view returns (Fault) {
        bytes calldata raw = _claimed(opened, claim);
        IndexSets.requireIndex(opened.receipt, shown.at);
        Span memory span = SpanEvidence.spanAt(SpanEvidence.read(raw), shown.span);
        _find(raw, span, shown.at.number, shown.position, false);
        _requireStands(opened.receipt, shown, span.start, span.length);
        return Fault.WrongEntry;
    }

    /// @notice A listed span stands somewhere with the output's token before it, or with the one behind it.
    function longerSpan(
        OpenedReceipt calldata opened,
        Segment[] calldata,
        SpanClaim calldata claim,
        SpanText calldata shown,
        bool before
    ) external view returns (Fault) {
        bytes calldata raw = _claimed(opened, claim);
        IndexSets.requireIndex(opened.receipt, shown.at);
        Evidence memory evidence = SpanEvidence.read(raw);
        Span memory span = SpanEvidence.spanAt(evidence, shown.span);
        uint256 start = span.start;
        if (before) {
            if (start == 0) revert PastEnd(0, 0);
            start--;
        } else if (start + span.length >= evidence.tokens) {
            revert PastEnd(start + span.length + 1, evidence.tokens);
        }
        _requireStands(opened.receipt, shown, start, span.length + 1);
        return Fault.WrongEntry;
    }

    /// @notice A place where a span is listed is in the text of another contribution.
    function badSpanContribution(
        OpenedReceipt calldata opened,
        Segment[] calldata,
        SpanClaim calldata claim,
        SpanDocument calldata shown
    ) external view returns (Fault) {
        bytes calldata raw = _claimed(opened, claim);
        IndexSets.requireIndex(opened.receipt, shown.at);
        Evidence memory evidence = SpanEvidence.read(raw);
        Span memory span = SpanEvidence.spanAt(evidence, shown.span);
        Place memory place = _find(raw, span, shown.at.number, shown.position, true);
        TextIndexes.openDocuments(shown.at.index, shown.documents);
        uint64 right =
            TextIndexes.contributionAt(shown.at.index, shown.documents, shown.document, shown.position);
        if (right == SpanEvidence.contributionAt(raw, evidence, place.contributor)) revert NoFault();
        return Fault.WrongEntry;
    }

    /// @notice A token's score is not what the indexes' unigrams make it.
    function badSpanScore(
        OpenedReceipt calldata opened,
        Segment[] calldata,
        SpanClaim calldata claim,
        TokenScore calldata shown
    ) external view returns (Fault) {
        bytes calldata raw = _claimed(opened, claim);
        IndexSets.requireRecords(opened.receipt, shown.set);
        Evidence memory evidence = SpanEvidence.read(raw);
        if (shown.token >= evidence.tokens) revert PastEnd(shown.token, evidence.tokens);
        if (shown.unigrams.length != shown.set.length) revert WrongRuns(shown.set.length, shown.unigrams.length);
        Chunks.openTokens(opened.receipt.outputRoot, opened.receipt.tout, shown.output);
        uint32 token = Chunks.word(shown.output, shown.token);
        uint256 count;
        for (uint256 i = 0; i < shown.set.length; i++) {
            TextIndex calldata index = shown.set[i];
            if (token >= index.vocab) continue;
            Chunks.openWords(index.unigramRoot, index.vocab, shown.unigrams[i]);
            count += Chunks.word(shown.unigrams[i], token);
        }
        uint256 right = TokenScores.scoreOf(SpanShares.wordsOf(shown.set), count);
        if (right == SpanEvidence.scoreAt(raw, shown.token)) revert NoFault();
        return Fault.WrongEntry;
    }

    /// @notice The weight of the claim's entry is not what the evidence makes it.
    /// @param cut place in the evidence of the last contribution that has an entry, where there are more than 64
    function badSpanWeight(
        OpenedReceipt calldata opened,
        Segment[] calldata,
        SpanClaim calldata claim,
        TextIndex[] calldata set,
        uint16 cut
    ) external view returns (Fault) {
        _requireV1(opened);
        bytes calldata raw = _claimed(opened, claim);
        IndexSets.requireRecords(opened.receipt, set);
        SpanShares.Parts memory split =
            SpanShares.partsOf(raw, SpanEvidence.read(raw), set, cut);
        bool ofContribution = claim.entry.entry.class == CLASS_S;
        uint256 right = SpanShares.weightOf(split, ofContribution, claim.entry.entry.id, WEIGHT_TOTAL);
        if (right == claim.entry.entry.weight) revert NoFault();
        return Fault.WrongEntry;
    }

    /// @notice A span that stands in an index, of which a part stands at most 10 times in all of them, lies in no listed span,
    ///         and fewer than the rule keeps are listed or it outranks the last.
    function omittedSpan(
        OpenedReceipt calldata opened,
        Segment[] calldata,
        SpanClaim calldata claim,
        OmittedSpan calldata shown
    ) external view returns (Fault) {
        bytes calldata raw = _claimed(opened, claim);
        IndexSets.requireRecords(opened.receipt, shown.set);
        Chunks.openTokens(opened.receipt.outputRoot, opened.receipt.tout, shown.output);
        _requireMissing(raw, shown);
        if (_anchorCount(shown) > SpanEvidence.placesMax(raw)) revert NoFault();
        return Fault.WrongEntry;
    }

    // --- What is judged ---

    function _requireV1(OpenedReceipt calldata opened) private pure {
        if (opened.receipt.algoHash != ALGO_V1) revert WrongAlgorithm(opened.receipt.algoHash);
    }

    /// @return raw what the entry's evidence says of spans
    function _claimed(OpenedReceipt calldata opened, SpanClaim calldata claim)
        private
        view
        returns (bytes calldata raw)
    {
        Openings.requireReceipt(opened);
        Openings.entry(opened.receipt.attrRoot, claim.entry);
        bytes32 evidenceHash = claim.entry.entry.evidenceHash;
        if (opened.receipt.algoHash == EvidenceParts.ALGO_V2) {
            return EvidenceParts.spansOf(evidenceHash, claim.evidence);
        }
        _requireV1(opened);
        _requireClass(claim.entry.entry.class);
        raw = claim.evidence;
        if (SpanEvidence.hashOf(raw) != evidenceHash) revert WrongEvidence(evidenceHash);
    }

    function _requireClass(uint8 class) private pure {
        if (class != CLASS_S && class != CLASS_U) revert WrongClass(class);
    }

    /// @dev Tokens of the output that spans are looked for in.
    function _tokensOf(OpenedReceipt calldata opened, bytes32[] calldata ids) private view returns (uint256) {
        if (IndexSets.isDead(ids, opened.header.committedAt)) return 0;
        uint256 tout = opened.receipt.tout;
        return tout < SpanEvidence.TOKENS_MAX ? tout : SpanEvidence.TOKENS_MAX;
    }

    // --- Form ---

    function _formed(bytes calldata raw, Evidence memory evidence, uint256 indexes) private pure returns (bool) {
        if (evidence.spans.length > SpanEvidence.keptMax(evidence.tokens)) return false;
        uint256 contributors = evidence.contributors;
        for (uint256 c = 1; c < contributors; c++) {
            uint64 before = SpanEvidence.contributionAt(raw, evidence, c - 1);
            if (SpanEvidence.contributionAt(raw, evidence, c) <= before) return false;
        }
        uint256[] memory sums = SpanEvidence.prefixSums(raw, evidence.tokens);
        bool[] memory used = new bool[](contributors);
        uint256 left = contributors;
        for (uint256 k = 0; k < evidence.spans.length; k++) {
            Span memory span = evidence.spans[k];
            if (span.length < SpanEvidence.LENGTH_MIN || span.start + span.length > evidence.tokens) return false;
            if (k > 0 && !SpanEvidence.outranks(evidence.spans[k - 1], span, sums)) return false;
            if (span.count == 0 || span.count > SpanEvidence.placesMax(raw)) return false;
            uint256 next;
            for (uint256 j = 0; j < span.count; j++) {
                Place memory place = SpanEvidence.placeAt(raw, span, j);
                uint256 key = place.index << 32 | place.position;
                if (key < next || place.index >= indexes || place.contributor >= contributors) return false;
                next = key + 1;
                if (used[place.contributor]) continue;
                used[place.contributor] = true;
                left--;
            }
        }
        return left == 0;
    }

    // --- Tokens ---

    function _find(bytes calldata raw, Span memory span, uint8 index, uint32 position, bool listed)
        private
        pure
        returns (Place memory place)
    {
        bool found;
        (found, place) = SpanEvidence.find(raw, span, index, position);
        if (found && !listed) revert Listed(index, position);
        if (!found && listed) revert NotListed(index, position);
    }

    function _requireStands(Receipt calldata receipt, SpanText calldata shown, uint256 start, uint256 length)
        private
        view
    {
        TextIndex calldata index = shown.at.index;
        TextIndexes.openTokens(index, shown.text);
        Chunks.openTokens(receipt.outputRoot, receipt.tout, shown.output);
        if (!_stands(index, shown, start, length, 0, length)) revert NoFault();
    }

    /// @dev Whether tokens of the output equal those of the text, from `offset` of a span on.
    function _stands(
        TextIndex calldata index,
        SpanText calldata shown,
        uint256 start,
        uint256 length,
        uint256 offset,
        uint256 count
    ) private pure returns (bool) {
        uint256 end = uint256(shown.position) + length;
        if (end > index.n) revert PastEnd(end, index.n);
        uint256 from = uint256(shown.position) + offset;
        return Chunks.equal(shown.text, from, shown.output, start + offset, count, index.vocab);
    }

    // --- Omitted spans ---

    /// @dev The span stands at its position, lies in no listed one, and should be listed.
    function _requireMissing(bytes calldata raw, OmittedSpan calldata shown) private view {
        Evidence memory evidence = SpanEvidence.read(raw);
        Span memory span = Span(shown.start, shown.length, 0, 0);
        uint256 end = span.start + span.length;
        if (end > evidence.tokens) revert PastEnd(end, evidence.tokens);
        if (span.length < SpanEvidence.LENGTH_MIN) revert NoFault();
        uint256 kept = evidence.spans.length;
        for (uint256 k = 0; k < kept; k++) {
            Span memory other = evidence.spans[k];
            if (other.start <= span.start && end <= other.start + other.length) revert NoFault();
        }
        if (kept >= SpanEvidence.keptMax(evidence.tokens)) {
            uint256[] memory sums = SpanEvidence.prefixSums(raw, evidence.tokens);
            if (!SpanEvidence.outranks(span, evidence.spans[kept - 1], sums)) revert NoFault();
        }
        if (shown.anchorStart == 0 && shown.anchorLength == shown.length) return;
        TextIndex calldata index = shown.set[shown.number];
        uint256 last = uint256(shown.position) + span.length;
        if (last > index.n) revert PastEnd(last, index.n);
        TextIndexes.openTokens(index, shown.text);
        bool same =
            Chunks.equal(shown.text, shown.position, shown.output, span.start, span.length, index.vocab);
        if (!same) revert OtherTokens(shown.position);
    }

    /// @dev How often the anchor stands in the set; the span itself stands somewhere.
    function _anchorCount(OmittedSpan calldata shown) private view returns (uint256 total) {
        (uint256 start, uint256 length) = (shown.anchorStart, shown.anchorLength);
        if (length == 0 || length > ANCHOR_MAX || start + length > shown.length) revert WrongAnchor(start, length);
        if (shown.counts.length != shown.set.length) revert WrongRuns(shown.set.length, shown.counts.length);
        bytes calldata query = Chunks.words(shown.output, shown.start + start, length);
        // A separator equals nothing; other tokens outside of a vocabulary stand in no text.
        if (!Chunks.areBelow(query, TextIndexes.SEPARATOR)) revert WrongAnchor(start, length);
        for (uint256 i = 0; i < shown.set.length; i++) {
            total += TextIndexes.countWithin(shown.set[i], query, shown.counts[i]);
        }
        if (total == 0) revert OtherTokens(shown.position);
    }
}
