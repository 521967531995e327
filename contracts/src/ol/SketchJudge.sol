// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Chunks, Run } from "../lib/Chunks.sol";
import { EvidenceParts, PART_CITATIONS, PART_QUERY, PART_SCORES } from "../lib/EvidenceParts.sol";
import { Fault } from "../lib/Faults.sol";
import { GroupShares } from "../lib/GroupShares.sol";
import { IndexSets } from "../lib/IndexSets.sol";
import { Leaves } from "../lib/Leaves.sol";
import { MoneyHashes } from "../lib/MoneyHashes.sol";
import { CLASS_S, CLASS_U, Request, Segment } from "../lib/MoneyTypes.sol";
import { OpenedEntry, OpenedReceipt, Openings } from "../lib/Openings.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { SetIndex } from "../lib/SpanTypes.sol";
import { SpanBounds, TextIndex, TextIndexes } from "../lib/TextIndexes.sol";
import { InfluenceDot } from "../precompiles/InfluenceDot.sol";
import { ICheckerCommittee } from "./interfaces/ICheckerCommittee.sol";
import { ISketchRegistry, SketchTable } from "./interfaces/ISketchRegistry.sol";

/// @dev An entry of class S, G, R or U, the head of its evidence, and the parts about influences, with the request itself.
struct SketchClaim {
    OpenedEntry entry;
    bytes head;
    bytes query;
    bytes scores;
    Request request;
}

/// @dev Row `number` of a table: `contribution u64 ‖ shift u8 ‖ signed bytes`, its leaf's siblings from it upwards.
struct SketchRow {
    uint16 number;
    bytes leaf;
    bytes32[] siblings;
}

/// @dev An entry of class S, G, R or U, the head of its evidence, and the part about citations, with the request itself.
struct CitationClaim {
    OpenedEntry entry;
    bytes head;
    bytes citations;
    Request request;
}

/// @dev Citation `number` beside the text at its position of an index.
struct CitedText {
    uint8 number;
    SetIndex at;
    uint16 offset;
    Run text;
    Run prompt;
}

/// @dev Citation `number` and the row of the document that holds it; the run shows the row behind it too.
struct CitedDocument {
    uint8 number;
    SetIndex at;
    uint32 document;
    Run documents;
}

/// @dev A place where the tokens of citation `number` stand too, or one more of the prompt on a side; where it matters whose text
///      that is, the row of the document that holds it, and the one behind.
struct CitedPlace {
    uint8 number;
    SetIndex at;
    uint32 position;
    Run text;
    Run prompt;
    uint32 document;
    Run documents;
}

/// @dev How often the tokens of citation `number`, at most 64, stand in each index of the set.
struct CommonCitation {
    TextIndex[] set;
    uint8 number;
    Run prompt;
    SpanBounds[] counts;
}

/// @dev At most 64 tokens of the prompt, and how often they stand in each index of the set.
struct CountedPart {
    uint16 start;
    uint8 length;
    SpanBounds[] counts;
}

/// @dev A passage that stands at a position of index `number` and is no citation. `part` of it stands seldom enough; `before` and
///      `behind` stand nowhere, so that it does not reach into the citation of a higher rank on that side, where there is one.
struct OmittedCitation {
    TextIndex[] set;
    uint16 start;
    uint16 length;
    uint8 number;
    uint32 position;
    Run text;
    Run prompt;
    CountedPart part;
    CountedPart before;
    CountedPart behind;
}

/// @title SketchJudge
/// @notice Whether the influences and citations in a receipt's evidence are provably not what algoHash v2 makes of its query sketch,
///         the registered table, the prompt and the indexes. Predeploy 0x4f4c…003a; asked as ReceiptJudge is, but for a query
///         sketch, which checkers vote on. docs/ATTRIBUTION.md §7.
contract SketchJudge {
    /// @notice The arguments open, and show nothing wrong.
    error NoFault();
    error WrongAlgorithm(bytes32 algoHash);
    error WrongClass(uint8 class);
    /// @notice The request is not the receipt's.
    error WrongRequest(bytes32 requestId);
    error NoSuchScore(uint256 score);
    error NoSuchRow(uint256 row);
    error NoSuchCitation(uint256 citation);
    /// @notice What the form of the scores is wrong in is what another challenge shows.
    error MalformedScores();
    error WrongIndexNumber(uint8 number);
    error PastEnd(uint256 end, uint256 max);
    /// @notice The tokens there are not those of the prompt.
    error OtherTokens(uint256 offset);
    /// @notice A counted part is empty, too long, or not where it says something.
    error WrongAnchor(uint256 start, uint256 length);
    error WrongRuns(uint256 expected, uint256 given);

    uint8 private constant KIND_SKETCH = 1;
    uint256 private constant CITATION_TOKENS_MIN = 32;
    uint256 private constant PROMPT_TOKENS_MAX = 4_096;
    uint256 private constant PLACES_MAX = 32;
    /// @dev Tokens by which suffixes are in order.
    uint256 private constant PART_MAX = 64;
    /// @dev `contribution u64 ‖ shift u8`.
    uint256 private constant ROW_HEAD = 9;
    /// @dev A score stays below 2⁶³; nobody attributes by a table with a larger one.
    uint256 private constant SHIFT_MAX = 31;

    struct Citation {
        uint256 start;
        uint256 length;
        uint8 index;
        uint32 position;
        uint64 contribution;
    }

    // --- Class G ---

    /// @notice There is a query where no table is in force, none where one is, or one of another length; or the scores are no list of
    ///         positive ones by ascending rows.
    function badSketchForm(OpenedReceipt calldata opened, Segment[] calldata, SketchClaim calldata claim)
        external
        view
        returns (Fault)
    {
        SketchTable memory table = _requireSketch(opened, claim);
        if (claim.query.length != table.size || !_scored(claim.scores)) return Fault.WrongEntry;
        if (table.size == 0 && claim.scores.length > 0) return Fault.WrongEntry;
        revert NoFault();
    }

    /// @notice Score `k` is not the product of the query and its row, or its row is another contribution's or none.
    function badSketchScore(
        OpenedReceipt calldata opened,
        Segment[] calldata,
        SketchClaim calldata claim,
        uint8 k,
        SketchRow calldata row
    ) external view returns (Fault) {
        SketchTable memory table = _requireSketch(opened, claim);
        if (k >= GroupShares.countOf(claim.scores)) revert NoSuchScore(k);
        (uint256 number, uint64 contribution, uint64 score) = GroupShares.scoreAt(claim.scores, k);
        if (number >= table.rows) return Fault.WrongEntry;
        if (number != row.number) revert NoSuchRow(row.number);
        (uint64 id, int256 product) = _product(table, claim.query, row);
        if (contribution != id || int256(uint256(score)) != product) return Fault.WrongEntry;
        revert NoFault();
    }

    /// @notice A row that is not listed has a positive product, and fewer than 16 are listed or it is above one of them.
    function omittedScore(
        OpenedReceipt calldata opened,
        Segment[] calldata,
        SketchClaim calldata claim,
        SketchRow calldata row
    ) external view returns (Fault) {
        SketchTable memory table = _requireSketch(opened, claim);
        if (!_scored(claim.scores)) revert MalformedScores();
        if (row.number >= table.rows) revert NoSuchRow(row.number);
        (, int256 product) = _product(table, claim.query, row);
        uint256 count = GroupShares.countOf(claim.scores);
        bool better = count < GroupShares.SCORES_MAX;
        for (uint256 k = 0; k < count; k++) {
            (uint256 number,, uint64 score) = GroupShares.scoreAt(claim.scores, k);
            if (number == row.number) revert NoFault();
            int256 listed = int256(uint256(score));
            if (product > listed || (product == listed && row.number < number)) better = true;
        }
        if (product <= 0 || !better) revert NoFault();
        return Fault.WrongEntry;
    }

    /// @notice Has checkers vote on whether the query is the answer's sketch; the value is what the committee's case costs.
    function questionQuery(OpenedReceipt calldata opened, SketchClaim calldata claim) external payable returns (bytes32) {
        _requireSketch(opened, claim);
        return ICheckerCommittee(Predeploys.CHECKER_COMMITTEE).openFor{ value: msg.value }(
            msg.sender, KIND_SKETCH, opened, keccak256(claim.query)
        );
    }

    // --- Class R ---

    /// @notice The citations are no list by rank of quotations apart from each other; or an index of the set counts for nothing any
    ///         more.
    function badCitationForm(
        OpenedReceipt calldata opened,
        Segment[] calldata,
        CitationClaim calldata claim,
        bytes32[] calldata ids
    ) external view returns (Fault) {
        _requireCitations(opened, claim);
        IndexSets.requireSet(opened.receipt, ids);
        if (claim.citations.length == 0) revert NoFault();
        bool dead = IndexSets.isDead(ids, opened.header.committedAt);
        if (dead || !_cited(claim.citations, ids.length, opened.receipt.tin)) return Fault.WrongEntry;
        revert NoFault();
    }

    /// @notice The prompt does not have the text at a citation's position: token `offset` is another, or the text ends before it does.
    function badCitation(
        OpenedReceipt calldata opened,
        Segment[] calldata,
        CitationClaim calldata claim,
        CitedText calldata shown
    ) external view returns (Fault) {
        _requireCitations(opened, claim);
        IndexSets.requireIndex(opened.receipt, shown.at);
        Citation memory cited = _citationAt(claim.citations, shown.number);
        if (cited.index != shown.at.number) revert WrongIndexNumber(shown.at.number);
        if (cited.position + cited.length > shown.at.index.n) return Fault.WrongEntry;
        if (shown.offset >= cited.length) revert PastEnd(shown.offset, cited.length);
        TextIndexes.openTokens(shown.at.index, shown.text);
        Chunks.openTokens(claim.request.promptRoot, opened.receipt.tin, shown.prompt);
        (uint256 p, uint256 q) = (cited.position + shown.offset, cited.start + shown.offset);
        if (Chunks.equal(shown.text, p, shown.prompt, q, 1, shown.at.index.vocab)) revert NoFault();
        return Fault.WrongEntry;
    }

    /// @notice A citation's position is in the text of another contribution.
    function badCitationContribution(
        OpenedReceipt calldata opened,
        Segment[] calldata,
        CitationClaim calldata claim,
        CitedDocument calldata shown
    ) external view returns (Fault) {
        _requireCitations(opened, claim);
        IndexSets.requireIndex(opened.receipt, shown.at);
        Citation memory cited = _citationAt(claim.citations, shown.number);
        if (cited.index != shown.at.number) revert WrongIndexNumber(shown.at.number);
        TextIndexes.openDocuments(shown.at.index, shown.documents);
        uint64 right =
            TextIndexes.contributionAt(shown.at.index, shown.documents, shown.document, cited.position);
        if (right == cited.contribution) revert NoFault();
        return Fault.WrongEntry;
    }

    /// @notice The tokens of a citation stand somewhere with the prompt's token before them, or with the one behind.
    function longerCitation(
        OpenedReceipt calldata opened,
        Segment[] calldata,
        CitationClaim calldata claim,
        CitedPlace calldata shown,
        bool before
    ) external view returns (Fault) {
        Citation memory cited = _requireCited(opened, claim, shown);
        uint256 tokens = _promptTokens(opened.receipt.tin);
        if (before) {
            if (cited.start == 0) revert PastEnd(0, 0);
            cited.start--;
        } else if (cited.start + cited.length >= tokens) {
            revert PastEnd(cited.start + cited.length + 1, tokens);
        }
        cited.length++;
        _requireStands(shown.at.index, shown.position, shown.text, shown.prompt, cited.start, cited.length);
        return Fault.WrongEntry;
    }

    /// @notice The tokens of a citation stand in the text of an earlier contribution too, or earlier in the same one's.
    function earlierCitation(
        OpenedReceipt calldata opened,
        Segment[] calldata,
        CitationClaim calldata claim,
        CitedPlace calldata shown
    ) external view returns (Fault) {
        Citation memory cited = _requireCited(opened, claim, shown);
        TextIndex calldata index = shown.at.index;
        _requireStands(index, shown.position, shown.text, shown.prompt, cited.start, cited.length);
        TextIndexes.openDocuments(index, shown.documents);
        uint64 whose = TextIndexes.contributionAt(index, shown.documents, shown.document, shown.position);
        uint256 place = uint256(shown.at.number) << 32 | shown.position;
        bool earlier = whose < cited.contribution
            || (whose == cited.contribution && place < (uint256(cited.index) << 32 | cited.position));
        if (!earlier) revert NoFault();
        return Fault.WrongEntry;
    }

    /// @notice The tokens of a citation, at most 64, stand more than 32 times in all indexes.
    function commonCitation(
        OpenedReceipt calldata opened,
        Segment[] calldata,
        CitationClaim calldata claim,
        CommonCitation calldata shown
    ) external view returns (Fault) {
        _requireCitations(opened, claim);
        IndexSets.requireRecords(opened.receipt, shown.set);
        Citation memory cited = _citationAt(claim.citations, shown.number);
        Chunks.openTokens(claim.request.promptRoot, opened.receipt.tin, shown.prompt);
        uint256 count = _countOf(shown.set, shown.prompt, cited.start, cited.length, shown.counts);
        if (count <= PLACES_MAX) revert NoFault();
        return Fault.WrongEntry;
    }

    /// @notice A passage of at least 32 tokens, a part of which stands at most 32 times in all indexes, overlaps no citation of
    ///         its rank or a higher one, nor does anything longer around it; and fewer than ten are listed or it outranks the last.
    function omittedCitation(
        OpenedReceipt calldata opened,
        Segment[] calldata,
        CitationClaim calldata claim,
        OmittedCitation calldata shown
    ) external view returns (Fault) {
        _requireCitations(opened, claim);
        IndexSets.requireRecords(opened.receipt, shown.set);
        for (uint256 i = 0; i < shown.set.length; i++) {
            if (IndexSets.isDead(TextIndexes.idOf(shown.set[i]), opened.header.committedAt)) revert NoFault();
        }
        uint256 tokens = _promptTokens(opened.receipt.tin);
        uint256 end = uint256(shown.start) + shown.length;
        if (end > tokens) revert PastEnd(end, tokens);
        if (shown.length < CITATION_TOKENS_MIN) revert NoFault();
        (uint256 left, uint256 right) = _roomOf(claim.citations, shown.start, shown.length, tokens);
        Chunks.openTokens(claim.request.promptRoot, opened.receipt.tin, shown.prompt);
        TextIndex calldata index = shown.set[shown.number];
        TextIndexes.openTokens(index, shown.text);
        _requireStands(index, shown.position, shown.text, shown.prompt, shown.start, shown.length);
        if (_countWithin(shown, shown.part, shown.start, end) > PLACES_MAX) revert NoFault();
        if (left > 0 && _countWithin(shown, shown.before, left - 1, end) > 0) revert NoFault();
        if (right < tokens && _countWithin(shown, shown.behind, shown.start, right + 1) > 0) revert NoFault();
        return Fault.WrongEntry;
    }

    // --- What is judged ---

    function _requireEntry(OpenedReceipt calldata opened, OpenedEntry calldata entry, bytes calldata head) private view {
        Openings.requireReceipt(opened);
        if (opened.receipt.algoHash != EvidenceParts.ALGO_V2) revert WrongAlgorithm(opened.receipt.algoHash);
        Openings.entry(opened.receipt.attrRoot, entry);
        uint8 class = entry.entry.class;
        if (class < CLASS_S || class > CLASS_U) revert WrongClass(class);
        EvidenceParts.requireHead(entry.entry.evidenceHash, head);
    }

    function _requireRequest(OpenedReceipt calldata opened, Request calldata request) private view {
        if (MoneyHashes.requestId(request) != opened.receipt.requestId) revert WrongRequest(opened.receipt.requestId);
    }

    /// @return table what was in force for the request's model version and adapter; zeros of one with several adapters
    function _requireSketch(OpenedReceipt calldata opened, SketchClaim calldata claim)
        private
        view
        returns (SketchTable memory table)
    {
        _requireEntry(opened, claim.entry, claim.head);
        _requireRequest(opened, claim.request);
        EvidenceParts.requirePart(claim.head, PART_QUERY, claim.query);
        EvidenceParts.requirePart(claim.head, PART_SCORES, claim.scores);
        uint256 adapters = claim.request.adapters.length;
        if (adapters > 1) return table;
        bytes32 root = adapters == 0 ? bytes32(0) : claim.request.adapters[0].root;
        return ISketchRegistry(Predeploys.SKETCH_REGISTRY).tableAt(
            claim.request.modelVersion, root, opened.header.committedAt
        );
    }

    function _requireCitations(OpenedReceipt calldata opened, CitationClaim calldata claim) private view {
        _requireEntry(opened, claim.entry, claim.head);
        _requireRequest(opened, claim.request);
        EvidenceParts.requirePart(claim.head, PART_CITATIONS, claim.citations);
    }

    // --- Scores ---

    function _scored(bytes calldata scores) private pure returns (bool) {
        uint256 count = GroupShares.countOf(scores);
        if (count * GroupShares.SCORE_BYTES != scores.length || count > GroupShares.SCORES_MAX) return false;
        uint256 next;
        for (uint256 k = 0; k < count; k++) {
            (uint256 row,, uint64 score) = GroupShares.scoreAt(scores, k);
            if (row < next || score == 0) return false;
            next = row + 1;
        }
        return true;
    }

    /// @dev The row's contribution, and query · vector · 2^shift.
    function _product(SketchTable memory table, bytes calldata query, SketchRow calldata row)
        private
        view
        returns (uint64 contribution, int256 product)
    {
        // Leaf 0 is the table's head.
        bool whole = row.siblings.length == Leaves.depthOf(uint256(table.rows) + 1) && row.number < table.rows
            && row.leaf.length == ROW_HEAD + table.size;
        if (!whole || uint8(row.leaf[8]) > SHIFT_MAX) revert NoSuchRow(row.number);
        Chunks.openLeaf(table.root, uint32(row.number) + 1, row.leaf, row.siblings);
        contribution = uint64(bytes8(row.leaf));
        product = InfluenceDot(Predeploys.INFLUENCE_DOT).dot(row.leaf[ROW_HEAD:], query);
        product <<= uint8(row.leaf[8]);
    }

    // --- Citations ---

    function _citationAt(bytes calldata raw, uint256 i) private pure returns (Citation memory) {
        if (i >= GroupShares.citations(raw)) revert NoSuchCitation(i);
        uint256 at = 1 + GroupShares.CITATION_BYTES * i;
        return Citation({
            start: uint16(bytes2(raw[at:])),
            length: uint16(bytes2(raw[at + 2:])),
            index: uint8(raw[at + 4]),
            position: uint32(bytes4(raw[at + 5:])),
            contribution: uint64(bytes8(raw[at + 9:]))
        });
    }

    function _cited(bytes calldata raw, uint256 indexes, uint256 tin) private pure returns (bool) {
        uint256 count = GroupShares.citations(raw);
        bool framed = raw.length == 1 + GroupShares.CITATION_BYTES * count && raw[0] == 0x01 && count > 0
            && count <= GroupShares.CITATIONS_MAX;
        if (!framed) return false;
        uint256 limit = _promptTokens(tin);
        for (uint256 i = 0; i < count; i++) {
            Citation memory cited = _citationAt(raw, i);
            uint256 end = cited.start + cited.length;
            if (cited.length < CITATION_TOKENS_MIN || end > limit || cited.index >= indexes) return false;
            for (uint256 j = 0; j < i; j++) {
                Citation memory before = _citationAt(raw, j);
                if (cited.start < before.start + before.length && before.start < end) return false;
                if (j + 1 == i && _outranks(cited.start, cited.length, before)) return false;
            }
        }
        return true;
    }

    /// @dev Tokens of the prompt that citations are looked for in.
    function _promptTokens(uint256 tin) private pure returns (uint256) {
        return tin < PROMPT_TOKENS_MAX ? tin : PROMPT_TOKENS_MAX;
    }

    /// @dev Whether a passage stands before a citation in the order of ranks.
    function _outranks(uint256 start, uint256 length, Citation memory cited) private pure returns (bool) {
        return length > cited.length || (length == cited.length && start < cited.start);
    }

    function _requireCited(OpenedReceipt calldata opened, CitationClaim calldata claim, CitedPlace calldata shown)
        private
        view
        returns (Citation memory)
    {
        _requireCitations(opened, claim);
        IndexSets.requireIndex(opened.receipt, shown.at);
        TextIndexes.openTokens(shown.at.index, shown.text);
        Chunks.openTokens(claim.request.promptRoot, opened.receipt.tin, shown.prompt);
        return _citationAt(claim.citations, shown.number);
    }

    /// @dev `length` tokens of the prompt from `start` on stand at a position of the text; both runs are open.
    function _requireStands(
        TextIndex calldata index,
        uint32 position,
        Run calldata text,
        Run calldata prompt,
        uint256 start,
        uint256 length
    ) private pure {
        uint256 end = uint256(position) + length;
        if (end > index.n) revert PastEnd(end, index.n);
        if (!Chunks.equal(text, position, prompt, start, length, index.vocab)) revert OtherTokens(position);
    }

    /// @dev Where the citations on both sides of a passage end and begin that it does not outrank; 0 and `tokens` without.
    function _roomOf(bytes calldata raw, uint256 start, uint256 length, uint256 tokens)
        private
        pure
        returns (uint256 left, uint256 right)
    {
        right = tokens;
        uint256 count = GroupShares.citations(raw);
        for (uint256 i = 0; i < count; i++) {
            Citation memory cited = _citationAt(raw, i);
            if (_outranks(start, length, cited)) return (left, right);
            uint256 end = cited.start + cited.length;
            if (cited.start < start + length && start < end) revert NoFault();
            if (end <= start && end > left) left = end;
            if (end > start && cited.start < right) right = cited.start;
        }
        if (count >= GroupShares.CITATIONS_MAX) revert NoFault();
    }

    /// @dev How often a part of the prompt, within `from` … `to` − 1, stands in the set.
    function _countWithin(OmittedCitation calldata shown, CountedPart calldata part, uint256 from, uint256 to)
        private
        view
        returns (uint256)
    {
        bool inside = part.start >= from && uint256(part.start) + part.length <= to;
        if (!inside) revert WrongAnchor(part.start, part.length);
        return _countOf(shown.set, shown.prompt, part.start, part.length, part.counts);
    }

    /// @dev How often 1 to 64 tokens of the prompt stand in the set.
    function _countOf(
        TextIndex[] calldata set,
        Run calldata prompt,
        uint256 start,
        uint256 length,
        SpanBounds[] calldata counts
    ) private view returns (uint256 total) {
        if (length == 0 || length > PART_MAX) revert WrongAnchor(start, length);
        if (counts.length != set.length) revert WrongRuns(set.length, counts.length);
        bytes calldata query = Chunks.words(prompt, start, length);
        if (!Chunks.areBelow(query, TextIndexes.SEPARATOR)) revert WrongAnchor(start, length);
        for (uint256 i = 0; i < set.length; i++) total += TextIndexes.countWithin(set[i], query, counts[i]);
    }
}
