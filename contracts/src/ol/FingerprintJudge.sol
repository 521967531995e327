// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Initializable } from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import { Chunks } from "../lib/Chunks.sol";
import { Fault } from "../lib/Faults.sol";
import { MoneyHashes } from "../lib/MoneyHashes.sol";
import { PROOF_FINGERPRINT, Segment } from "../lib/MoneyTypes.sol";
import { OpenedReceipt, Openings } from "../lib/Openings.sol";
import { PrepaidAnswers } from "../lib/PrepaidAnswers.sol";

/// @title FingerprintJudge
/// @notice A worker shows any leaf of the fingerprint that a receipt of class FINGERPRINT commits to when asked. What is asked in the
///         first quarter of the window and not shown in time voids the receipt: the DisputeGame asks `fingerprintMissing` here.
///         Whether a fingerprint is right is the CheckerCommittee's to say. Predeploy 0x4f4c…0039. docs/COMMITTEE.md
contract FingerprintJudge is Initializable {
    struct Demand {
        address requester;
        uint64 dueAt;
        bool isServed;
        uint128 prepaid;
        bytes32 traceRoot;
        uint32 tout;
        uint32 index;
    }

    event FingerprintRequested(
        bytes32 indexed demandId,
        uint64 indexed batchId,
        uint32 indexed receipt,
        uint32 index,
        address requester,
        uint128 prepaid,
        uint64 dueAt
    );
    event FingerprintServed(
        bytes32 indexed demandId, address indexed answerer, uint8 kind, uint32 width, bytes leaf, bytes32 treeRoot
    );
    event PrepaidReturned(bytes32 indexed demandId, address indexed requester, uint128 amount);

    /// @notice Receipts of this class have no fingerprint.
    error NoFingerprint(uint8 class);
    error NoSuchLeaf(uint32 index, uint256 leaves);
    error RequestsClosed(uint256 since);
    error AlreadyRequested(bytes32 demandId);
    error PrepaidTooSmall(uint256 required, uint256 given);
    error NotRequested(bytes32 demandId);
    error AlreadyServed(bytes32 demandId);
    error AnswerLate(uint64 dueAt);
    error AnswerNotDue(uint64 dueAt);
    error NothingPrepaid(bytes32 demandId);
    error LeafTooLong(uint256 bytes_);
    /// @notice What is shown is not what the receipt commits to.
    error NotCommitted(bytes32 traceRoot);

    /// @notice Output tokens of a leaf: 16 blocks of 32.
    uint256 public constant TOKENS_PER_LEAF = 512;
    /// @notice Bytes of a leaf, at most.
    uint256 public constant LEAF_BYTES_MAX = 16 * 260;
    /// @notice An answer is due within this part of the window.
    uint64 public constant ANSWER_FRACTION = 16;
    /// @notice Nobody has less time for an answer, in seconds.
    uint64 public constant ANSWER_TIME_MIN = PrepaidAnswers.TIME_MIN;
    /// @dev Gas and bytes of an answer's transaction at its longest.
    uint256 private constant ANSWER_GAS = 420_000;
    uint256 private constant ANSWER_BYTES = LEAF_BYTES_MAX + 1_024;

    /// @notice Seconds of a receipt's challenge window.
    uint64 public window;
    mapping(bytes32 demandId => Demand) private _demands;

    constructor() {
        _disableInitializers();
    }

    function initialize(uint64 window_) external initializer {
        window = window_;
    }

    /// @notice Asks the worker for a leaf of a receipt's fingerprint; the value prepays the answer.
    function requestFingerprint(OpenedReceipt calldata opened, uint32 index) external payable {
        Openings.requireReceipt(opened);
        if (opened.receipt.class != PROOF_FINGERPRINT) revert NoFingerprint(opened.receipt.class);
        uint32 tout = opened.receipt.tout;
        uint256 leaves = (uint256(tout) + TOKENS_PER_LEAF - 1) / TOKENS_PER_LEAF;
        if (index >= leaves) revert NoSuchLeaf(index, leaves);
        uint64 start = opened.header.committedAt;
        if (block.timestamp >= start + window / 4) revert RequestsClosed(start + window / 4);
        bytes32 id = demandIdOf(MoneyHashes.batchHash(opened.header), opened.index, index);
        if (_demands[id].requester != address(0)) revert AlreadyRequested(id);
        if (msg.value < answerPrice()) revert PrepaidTooSmall(answerPrice(), msg.value);
        uint64 dueAt = _dueAt(start);
        bytes32 root = opened.receipt.traceRoot;
        _demands[id] = Demand(msg.sender, dueAt, false, uint128(msg.value), root, tout, index);
        emit FingerprintRequested(
            id, opened.header.batchId, opened.index, index, msg.sender, uint128(msg.value), dueAt
        );
    }

    /// @notice Shows what was asked for; anyone may, and is paid for it.
    /// @param kind     what the fingerprint is of, and
    /// @param width    how many numbers a position has: docs/CHECKING.md §7
    /// @param siblings hashes beside the leaf's way to the tree's root
    function serveFingerprint(
        bytes32 id,
        uint8 kind,
        uint32 width,
        bytes32 treeRoot,
        bytes calldata leaf,
        bytes32[] calldata siblings
    ) external {
        Demand storage demand = _open(id);
        if (block.timestamp >= demand.dueAt) revert AnswerLate(demand.dueAt);
        if (leaf.length > LEAF_BYTES_MAX) revert LeafTooLong(leaf.length);
        bytes32 root = sha256(abi.encodePacked(uint8(0x06), kind, width, demand.tout, treeRoot));
        if (root != demand.traceRoot) revert NotCommitted(demand.traceRoot);
        Chunks.openLeaf(treeRoot, demand.index, leaf, siblings);
        uint128 prepaid = demand.prepaid;
        (demand.isServed, demand.prepaid) = (true, 0);
        emit FingerprintServed(id, msg.sender, kind, width, leaf, treeRoot);
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

    /// @notice A leaf of a receipt's fingerprint was asked for and not shown in time.
    function fingerprintMissing(OpenedReceipt calldata opened, Segment[] calldata, uint32 index)
        external
        view
        returns (Fault)
    {
        Openings.requireReceipt(opened);
        Demand storage demand = _open(demandIdOf(MoneyHashes.batchHash(opened.header), opened.index, index));
        if (block.timestamp < demand.dueAt) revert AnswerNotDue(demand.dueAt);
        return Fault.DataWithheld;
    }

    // --- Views ---

    function demandOf(bytes32 id) external view returns (Demand memory) {
        return _demands[id];
    }

    /// @notice Names the demand for leaf `index` of the fingerprint of receipt `receipt` of a batch.
    function demandIdOf(bytes32 batchHash, uint32 receipt, uint32 index) public pure returns (bytes32) {
        return keccak256(abi.encode(batchHash, receipt, index));
    }

    /// @notice What a request has to prepay in this block: half more than the answer costs.
    function answerPrice() public view returns (uint256) {
        return PrepaidAnswers.price(ANSWER_GAS, ANSWER_BYTES);
    }

    // --- Internals ---

    /// @dev Early enough that a case can be opened about what was shown.
    function _dueAt(uint64 start) private view returns (uint64) {
        return PrepaidAnswers.dueAt(window / ANSWER_FRACTION, start + window * 7 / 16);
    }

    function _open(bytes32 id) private view returns (Demand storage demand) {
        demand = _demands[id];
        if (demand.requester == address(0)) revert NotRequested(id);
        if (demand.isServed) revert AlreadyServed(id);
    }
}
