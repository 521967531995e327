// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {
    EvidenceParts, PART_CITATIONS, PART_GROUPS, PART_SCORES, PART_SPANS
} from "../lib/EvidenceParts.sol";
import { Fault } from "../lib/Faults.sol";
import { GroupShares } from "../lib/GroupShares.sol";
import { IndexSets } from "../lib/IndexSets.sol";
import { AttributionEntry, CLASS_G, CLASS_R, CLASS_S, CLASS_U, Receipt, Segment, WEIGHT_TOTAL } from "../lib/MoneyTypes.sol";
import { OpenedEntry, OpenedReceipt, OpenedRequest, Openings } from "../lib/Openings.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { Evidence, SpanEvidence } from "../lib/SpanEvidence.sol";
import { SpanShares } from "../lib/SpanShares.sol";
import { TextIndex } from "../lib/TextIndexes.sol";
import { DatanetRef, TrainedOn } from "../lib/TrainedOn.sol";
import { MinHashSim } from "../precompiles/MinHashSim.sol";
import { IModelRegistry } from "./interfaces/IModelRegistry.sol";
import { ISignatureRegistry } from "./interfaces/ISignatureRegistry.sol";

/// @dev An entry of class S, G, R or U and the parts of its evidence that say what it weighs.
struct ShareClaim {
    OpenedEntry entry;
    bytes head;
    bytes spans;
    bytes groups;
    bytes scores;
    bytes citations;
}

/// @dev An entry of class U of a model without indexes, and by what its Datanets share. `head`: of the evidence under v2, the head of no
///      parts where there is none; not looked at under v1.
struct UnitClaim {
    OpenedEntry entry;
    bytes head;
    OpenedRequest request;
    DatanetRef[] trainedOn;
}

/// @dev Two contributions of the spans by their places there, and their signatures; no bytes of one that was not shown in time.
struct SignaturePair {
    uint16 one;
    uint16 other;
    bytes signature;
    bytes otherSignature;
}

/// @title ShareJudge
/// @notice Whether a receipt's entries are provably not what algoHash v2 makes of their evidence, its groups of near-duplicates not what
///         shown signatures make them, or its units not what either rule gives them of a model without indexes. Predeploy 0x4f4c…003d; asked as ReceiptJudge is. docs/ATTRIBUTION.md §7.
contract ShareJudge {
    /// @notice The arguments open, and show nothing wrong.
    error NoFault();
    error WrongAlgorithm(bytes32 algoHash);
    /// @notice Entries of this class have no evidence.
    error WrongClass(uint8 class);
    /// @notice Not a contribution of the spans, or not one before the other.
    error WrongPair(uint256 one, uint256 other);
    /// @notice Of a model with indexes the texts say what units have.
    error HasIndexes(bytes32 indexSetHash);
    /// @notice Not the Datanets that the model was trained on.
    error WrongDatanets(bytes32 modelVersion);
    /// @notice Not the signature that was shown; none where none was in time.
    error WrongSignature(uint64 contribId);

    /// @dev ATTRIBUTION §4.
    bytes32 private constant ALGO_V1 = 0xb039548e6f9a6cf8faf7872068c3eb8d9e459fa9d2722835ce699d0d7fef2627;
    /// @dev From here on a text is a near-duplicate, in basis points.
    uint256 private constant NEAR_DUPLICATE = 5_500;
    /// @dev Signatures count from the next multiple of so many seconds on, so that no answer in progress sees two groups.
    uint64 private constant DAY = 1 days;

    /// @notice An entry of S or R in a receipt without indexes; one without evidence where the rule has some; two of different.
    function badShareEvidence(
        OpenedReceipt calldata opened,
        Segment[] calldata,
        OpenedEntry calldata one,
        OpenedEntry calldata other
    ) external view returns (Fault) {
        _requireV2(opened);
        Openings.entry(opened.receipt.attrRoot, one);
        uint8 class = one.entry.class;
        _requireClass(class);
        bytes32 evidenceHash = one.entry.evidenceHash;
        bool hasIndexes = opened.receipt.indexSetHash != bytes32(0);
        if (!hasIndexes && (class == CLASS_S || class == CLASS_R)) return Fault.WrongEntry;
        if (evidenceHash == bytes32(0) && (hasIndexes || class != CLASS_U)) return Fault.WrongEntry;
        Openings.entry(opened.receipt.attrRoot, other);
        _requireClass(other.entry.class);
        if (evidenceHash == other.entry.evidenceHash) revert NoFault();
        return Fault.WrongEntry;
    }

    /// @notice The groups are not those of the spans' contributions: another number, a leader behind its own or that follows another;
    ///         or a receipt without indexes has spans.
    function badGroups(OpenedReceipt calldata opened, Segment[] calldata, ShareClaim calldata claim)
        external
        view
        returns (Fault)
    {
        _requireClaim(opened, claim);
        bool hasIndexes = opened.receipt.indexSetHash != bytes32(0);
        if (!hasIndexes) {
            if (claim.spans.length > 0 || claim.groups.length > 0) return Fault.WrongEntry;
            revert NoFault();
        }
        Evidence memory evidence = SpanEvidence.read(claim.spans);
        if (claim.groups.length != 2 * evidence.contributors) return Fault.WrongEntry;
        for (uint256 i = 0; i < evidence.contributors; i++) {
            uint256 leader = GroupShares.leaderAt(claim.groups, i);
            if (leader > i || GroupShares.leaderAt(claim.groups, leader) != leader) return Fault.WrongEntry;
        }
        revert NoFault();
    }

    /// @notice `one` is said to follow `other` and is not nearly it; or follows a later one, or none, and is nearly `other`,
    ///         which leads.
    function badSpanGroup(
        OpenedReceipt calldata opened,
        Segment[] calldata,
        ShareClaim calldata claim,
        SignaturePair calldata pair
    ) external view returns (Fault) {
        _requireClaim(opened, claim);
        Evidence memory evidence = SpanEvidence.read(claim.spans);
        if (pair.one >= evidence.contributors || pair.other >= pair.one) revert WrongPair(pair.one, pair.other);
        uint64 time = opened.header.committedAt / DAY * DAY;
        uint64 one = SpanEvidence.contributionAt(claim.spans, evidence, pair.one);
        uint64 other = SpanEvidence.contributionAt(claim.spans, evidence, pair.other);
        bool near = _isShown(one, time, pair.signature) && _isShown(other, time, pair.otherSignature)
            && MinHashSim(Predeploys.MIN_HASH_SIM).similarity(pair.signature, pair.otherSignature) >= NEAR_DUPLICATE;
        uint256 leader = GroupShares.leaderAt(claim.groups, pair.one);
        if (leader == pair.other) {
            if (near) revert NoFault();
            return Fault.WrongEntry;
        }
        bool leads = GroupShares.leaderAt(claim.groups, pair.other) == pair.other;
        if (!near || !leads || leader < pair.other) revert NoFault();
        return Fault.WrongEntry;
    }

    /// @notice The weight of the claim's entry is not what the evidence makes it. Of a receipt without indexes badUnitWeight says what
    ///         class U has.
    /// @param cut place in the spans of the last contribution that has an entry, where there are more than 38
    function badShareWeight(
        OpenedReceipt calldata opened,
        Segment[] calldata,
        ShareClaim calldata claim,
        TextIndex[] calldata set,
        uint16 cut
    ) external view returns (Fault) {
        _requireClaim(opened, claim);
        IndexSets.requireRecords(opened.receipt, set);
        EvidenceParts.requirePart(claim.head, PART_SCORES, claim.scores);
        EvidenceParts.requirePart(claim.head, PART_CITATIONS, claim.citations);
        (uint8 class, uint64 id) = (claim.entry.entry.class, claim.entry.entry.id);
        uint256 right;
        if (class == CLASS_G) {
            right = GroupShares.scoreWeight(claim.scores, id);
        } else if (class == CLASS_R) {
            right = GroupShares.citationWeight(claim.citations, id);
        } else {
            if (set.length == 0) revert NoFault();
            SpanShares.Parts memory split = GroupShares.partsOf(claim.spans, claim.groups, set, cut);
            uint256 total = WEIGHT_TOTAL - (claim.scores.length > 0 ? GroupShares.SKETCH_WEIGHT : 0)
                - (claim.citations.length > 0 ? GroupShares.CITATION_WEIGHT : 0);
            right = SpanShares.weightOf(split, class == CLASS_S, id, total);
        }
        if (right == claim.entry.entry.weight) revert NoFault();
        return Fault.WrongEntry;
    }

    /// @notice The weight of a class U entry of a model without indexes is not what the Datanets that it was trained on make it, under
    ///         either rule: of a Datanet that is not of the model it is nothing.
    function badUnitWeight(OpenedReceipt calldata opened, Segment[] calldata, UnitClaim calldata claim)
        external
        view
        returns (Fault)
    {
        Openings.requireReceipt(opened);
        Receipt calldata receipt = opened.receipt;
        if (receipt.indexSetHash != bytes32(0)) revert HasIndexes(receipt.indexSetHash);
        Openings.entry(receipt.attrRoot, claim.entry);
        AttributionEntry calldata entry = claim.entry.entry;
        if (entry.class != CLASS_U) revert WrongClass(entry.class);
        Openings.requireRequest(receipt, claim.request);
        bytes32 modelVersion = claim.request.modelVersion;
        bytes32 known = IModelRegistry(Predeploys.MODEL_REGISTRY).trainedOnHashOf(modelVersion);
        if (TrainedOn.hashOf(claim.trainedOn) != known) revert WrongDatanets(modelVersion);
        uint256 total = _unitsOf(receipt.algoHash, entry.evidenceHash, claim.head);
        if (entry.weight == TrainedOn.weightOf(claim.trainedOn, entry.id, total)) revert NoFault();
        return Fault.WrongEntry;
    }

    function _requireV2(OpenedReceipt calldata opened) private view {
        Openings.requireReceipt(opened);
        if (opened.receipt.algoHash != EvidenceParts.ALGO_V2) revert WrongAlgorithm(opened.receipt.algoHash);
    }

    function _requireClaim(OpenedReceipt calldata opened, ShareClaim calldata claim) private view {
        _requireV2(opened);
        Openings.entry(opened.receipt.attrRoot, claim.entry);
        _requireClass(claim.entry.entry.class);
        EvidenceParts.requireHead(claim.entry.entry.evidenceHash, claim.head);
        EvidenceParts.requirePart(claim.head, PART_SPANS, claim.spans);
        EvidenceParts.requirePart(claim.head, PART_GROUPS, claim.groups);
    }

    function _requireClass(uint8 class) private pure {
        if (class < CLASS_S || class > CLASS_U) revert WrongClass(class);
    }

    /// @dev What class U has where there are no texts: all but what the evidence gives to influences.
    function _unitsOf(bytes32 algoHash, bytes32 evidenceHash, bytes calldata head) private pure returns (uint256 total) {
        total = WEIGHT_TOTAL;
        if (algoHash == ALGO_V1) return total;
        if (algoHash != EvidenceParts.ALGO_V2) revert WrongAlgorithm(algoHash);
        EvidenceParts.requireHead(evidenceHash, head);
        if (EvidenceParts.partHash(head, PART_SCORES) != bytes32(0)) total -= GroupShares.SKETCH_WEIGHT;
    }

    /// @dev Whether a contribution has a signature, which is this one.
    function _isShown(uint64 contribId, uint64 time, bytes calldata signature) private view returns (bool) {
        bytes32 expected = ISignatureRegistry(Predeploys.SIGNATURE_REGISTRY).shownBefore(contribId, time);
        if (expected == bytes32(0) && signature.length == 0) return false;
        if (keccak256(abi.encodePacked(uint8(0x0e), signature)) != expected) revert WrongSignature(contribId);
        return true;
    }
}
