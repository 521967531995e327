// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Initializable } from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import { EvidenceParts } from "../lib/EvidenceParts.sol";
import { Fault } from "../lib/Faults.sol";
import { MoneyHashes } from "../lib/MoneyHashes.sol";
import { CLASS_S, CLASS_U, Segment } from "../lib/MoneyTypes.sol";
import { OpenedEntry, OpenedReceipt, Openings } from "../lib/Openings.sol";
import { PrepaidAnswers } from "../lib/PrepaidAnswers.sol";
import { SpanEvidence } from "../lib/SpanEvidence.sol";

/// @title EvidenceDemands
/// @notice Whoever committed an evidenceHash shows the evidence when asked: without it no lie about spans can be shown.
///         Predeploy 0x4f4c…002a. ATTRIBUTION §5.
///
/// What is asked in the first third of the receipt window and not shown by the second voids the receipt in the last: the
/// DisputeGame asks `evidenceMissing` here, as it asks a judge. Who shows the evidence is paid by who asked.
contract EvidenceDemands is Initializable {
    struct Demand {
        address requester;
        uint64 dueAt;
        bool isServed;
        /// @dev Whether the evidence is of algoHash v2, which has parts.
        bool hasParts;
        uint128 prepaid;
    }

    event EvidenceRequested(
        bytes32 indexed demandId, bytes32 indexed evidenceHash, address requester, uint128 prepaid, uint64 dueAt
    );
    event EvidenceServed(bytes32 indexed demandId, address indexed answerer, bytes evidence);
    event PrepaidReturned(bytes32 indexed demandId, address indexed requester, uint128 amount);

    /// @notice The entry has no evidence.
    error NoEvidence(uint8 class, bytes32 evidenceHash);
    error RequestsClosed(uint256 since);
    error AlreadyRequested(bytes32 demandId);
    error PrepaidTooSmall(uint256 required, uint256 given);
    error NotRequested(bytes32 demandId);
    error EvidenceTooLong(uint256 bytes_);
    error AlreadyServed(bytes32 demandId);
    error AnswerNotDue(uint64 dueAt);
    error AnswerLate(uint64 dueAt);
    error NothingPrepaid(bytes32 demandId);

    /// @dev Gas of an answer without its bytes, and of each of them: calldata, event and hashing.
    uint256 private constant ANSWER_GAS = 100_000;
    uint256 private constant BYTE_GAS = 50;
    /// @dev Evidence without its tokens, and for each of them: more only where very many places are shared by very many.
    uint256 private constant EVIDENCE_BYTES = 512;
    uint256 private constant TOKEN_BYTES = 10;
    uint256 private constant QUERY_BYTES = 16_384;
    /// @dev No right evidence is longer, and with longer a challenge does not fit a transaction of 128 KiB: it counts as not shown.
    uint256 private constant EVIDENCE_BYTES_MAX = 98_304;

    /// @notice Seconds of a receipt's challenge window.
    uint64 public window;
    mapping(bytes32 demandId => Demand) private _demands;

    constructor() {
        _disableInitializers();
    }

    function initialize(uint64 window_) external initializer {
        window = window_;
    }

    /// @notice Asks the worker for the evidence of a receipt's entry; the value prepays the answer.
    function requestEvidence(OpenedReceipt calldata opened, OpenedEntry calldata entry) external payable {
        Openings.requireReceipt(opened);
        Openings.entry(opened.receipt.attrRoot, entry);
        (uint8 class, bytes32 evidenceHash) = (entry.entry.class, entry.entry.evidenceHash);
        bool hasEvidence = class >= CLASS_S && class <= CLASS_U && evidenceHash != bytes32(0);
        if (!hasEvidence) revert NoEvidence(class, evidenceHash);
        uint64 start = opened.header.committedAt;
        if (block.timestamp >= start + window / 3) revert RequestsClosed(start + window / 3);
        bytes32 id = demandIdOf(MoneyHashes.batchHash(opened.header), opened.index, evidenceHash);
        if (_demands[id].requester != address(0)) revert AlreadyRequested(id);
        bool hasParts = opened.receipt.algoHash == EvidenceParts.ALGO_V2;
        uint256 price = hasParts ? partsPrice(opened.receipt.tout) : answerPrice(opened.receipt.tout);
        if (msg.value < price) revert PrepaidTooSmall(price, msg.value);
        uint64 dueAt = start + window * 2 / 3;
        _demands[id] = Demand(msg.sender, dueAt, false, hasParts, uint128(msg.value));
        emit EvidenceRequested(id, evidenceHash, msg.sender, uint128(msg.value), dueAt);
    }

    /// @notice Shows evidence that was asked for, of algoHash v2 its head with all parts; anyone may, and is paid for it.
    function serveEvidence(bytes32 batchHash, uint32 index, bytes calldata evidence) external {
        if (evidence.length > EVIDENCE_BYTES_MAX) revert EvidenceTooLong(evidence.length);
        bytes32 id = demandIdOf(batchHash, index, SpanEvidence.hashOf(evidence));
        bool unknown = _demands[id].requester == address(0) && evidence.length > 0 && evidence[0] == 0x02;
        if (unknown || _demands[id].hasParts) {
            id = demandIdOf(batchHash, index, EvidenceParts.wholeHash(evidence));
            if (!_demands[id].hasParts) revert NotRequested(id);
        }
        Demand storage demand = _open(id);
        if (block.timestamp >= demand.dueAt) revert AnswerLate(demand.dueAt);
        uint128 prepaid = demand.prepaid;
        (demand.isServed, demand.prepaid) = (true, 0);
        emit EvidenceServed(id, msg.sender, evidence);
        PrepaidAnswers.send(msg.sender, prepaid);
    }

    /// @notice Gives what was prepaid back to who asked, once the answer is late.
    function returnPrepaid(bytes32 id) external {
        Demand storage demand = _open(id);
        if (block.timestamp < demand.dueAt) revert AnswerNotDue(demand.dueAt);
        uint128 prepaid = demand.prepaid;
        if (prepaid == 0) revert NothingPrepaid(id);
        demand.prepaid = 0;
        emit PrepaidReturned(id, demand.requester, prepaid);
        PrepaidAnswers.send(demand.requester, prepaid);
    }

    // --- Asked by the DisputeGame ---

    /// @notice The evidence of a receipt's entry was asked for and not shown in time.
    function evidenceMissing(OpenedReceipt calldata opened, Segment[] calldata, OpenedEntry calldata entry)
        external
        view
        returns (Fault)
    {
        Openings.requireReceipt(opened);
        Openings.entry(opened.receipt.attrRoot, entry);
        bytes32 evidenceHash = entry.entry.evidenceHash;
        Demand storage demand = _open(demandIdOf(MoneyHashes.batchHash(opened.header), opened.index, evidenceHash));
        if (block.timestamp < demand.dueAt) revert AnswerNotDue(demand.dueAt);
        return Fault.DataWithheld;
    }

    // --- Views ---

    function demandOf(bytes32 id) external view returns (Demand memory) {
        return _demands[id];
    }

    /// @notice Names the demand for evidence of receipt `index` of a batch.
    function demandIdOf(bytes32 batchHash, uint32 index, bytes32 evidenceHash) public pure returns (bytes32) {
        return keccak256(abi.encode(batchHash, index, evidenceHash));
    }

    /// @notice What a request has to prepay in this block for an output of so many tokens: half more than its answer costs.
    function answerPrice(uint32 tout) public view returns (uint256) {
        return _price(tout, EVIDENCE_BYTES);
    }

    /// @notice As `answerPrice`, of evidence of algoHash v2, which may hold a query sketch.
    function partsPrice(uint32 tout) public view returns (uint256) {
        return _price(tout, EVIDENCE_BYTES + QUERY_BYTES);
    }

    function _price(uint32 tout, uint256 fixed_) private view returns (uint256) {
        uint256 tokens = tout < SpanEvidence.TOKENS_MAX ? tout : SpanEvidence.TOKENS_MAX;
        uint256 bytes_ = fixed_ + TOKEN_BYTES * tokens;
        return PrepaidAnswers.price(ANSWER_GAS + BYTE_GAS * bytes_, bytes_);
    }

    function _open(bytes32 id) private view returns (Demand storage demand) {
        demand = _demands[id];
        if (demand.requester == address(0)) revert NotRequested(id);
        if (demand.isServed) revert AlreadyServed(id);
    }
}
