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
import { TextIndexes } from "../lib/TextIndexes.sol";
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

    uint8 private constant KIND_SKETCH = 1;
    uint256 private constant CITATION_TOKENS_MIN = 32;
    uint256 private constant PROMPT_TOKENS_MAX = 4_096;
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
        uint256 limit = tin < PROMPT_TOKENS_MAX ? tin : PROMPT_TOKENS_MAX;
        for (uint256 i = 0; i < count; i++) {
            Citation memory cited = _citationAt(raw, i);
            uint256 end = cited.start + cited.length;
            if (cited.length < CITATION_TOKENS_MIN || end > limit || cited.index >= indexes) return false;
            for (uint256 j = 0; j < i; j++) {
                Citation memory before = _citationAt(raw, j);
                if (cited.start < before.start + before.length && before.start < end) return false;
                if (j + 1 < i) continue;
                if (cited.length > before.length) return false;
                if (cited.length == before.length && cited.start < before.start) return false;
            }
        }
        return true;
    }
}
