// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Address } from "@openzeppelin/contracts/utils/Address.sol";
import { DataKind, Demand, Demands, ServedEntry, ServedReceipt } from "../lib/Demands.sol";
import { EpochRecord, EpochRecords } from "../lib/EpochRecords.sol";
import { Fault } from "../lib/Faults.sol";
import { MoneyHashes } from "../lib/MoneyHashes.sol";
import { BatchHeader, Credit, FEE, Payout, Request, Segment } from "../lib/MoneyTypes.sol";
import { OpenedReceipt, Openings } from "../lib/Openings.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { PrepaidAnswers } from "../lib/PrepaidAnswers.sol";
import { EpochLedger } from "./EpochLedger.sol";
import { IWorkerRegistry } from "./interfaces/IWorkerRegistry.sol";

/// @title DataRequests
/// @notice Whoever committed a root shows any leaf under it when asked: the worker of a batch its receipts and their
///         entries, the proposer of an epoch its credits and payouts. What is asked in the first third of the window and
///         not shown in time voids the batch or reverts the epoch; neither goes on while an answer is open. Who answers is
///         paid by who asked.
///
/// An answer is due by the second third, and sooner where it says what else to ask: a receipt names its entries, and each
/// answer of an epoch tells in which half of a tree the fault is.
abstract contract DataRequests is EpochLedger {
    struct OpenDemand {
        address requester;
        uint64 dueAt;
        uint128 prepaid;
        /// @dev The batch's id or the epoch's number.
        uint64 number;
    }

    /// @param number the batch's id or the epoch's number
    event DataRequested(
        bytes32 indexed demandId, uint64 indexed number, address requester, Demand demand, uint128 prepaid, uint64 dueAt
    );
    /// @param answer the call that answered, selector and arguments
    event DataServed(bytes32 indexed demandId, address indexed answerer, bytes answer);
    event DataMissing(bytes32 indexed demandId, uint64 indexed number, address indexed requester);
    /// @notice What the demand was about had gone for another reason; the requester got its wei back.
    event DataRequestDropped(bytes32 indexed demandId, uint64 indexed number);

    error BatchIsVoid(uint64 batchId);
    error RequestsClosed(uint256 since);
    error NoSuchLeaf(uint32 index, uint256 leaves);
    error AlreadyRequested(bytes32 demandId);
    error PrepaidTooSmall(uint256 required, uint256 given);
    error NotRequested(bytes32 demandId);
    error WrongSubject(bytes32 subject);
    error WrongRequest(bytes32 requestId);
    error AnswerLate(uint64 dueAt);
    error AnswerNotDue(uint64 dueAt);

    /// @notice A receipt is shown within this part of the window: whoever asks early asks for its entries next.
    uint64 public constant RECEIPT_ANSWER_FRACTION = 8;
    /// @notice A credit or payout is shown within this part of the window: five rounds of questions fit its first third.
    uint64 public constant EPOCH_ANSWER_FRACTION = 16;
    /// @notice Nobody has less time for an answer, in seconds.
    uint64 public constant ANSWER_TIME_MIN = PrepaidAnswers.TIME_MIN;

    mapping(bytes32 demandId => OpenDemand) public demands;
    /// @notice Leaves that were shown; nobody has to show them twice.
    mapping(bytes32 demandId => bool) public isServed;

    // --- Asking ---

    /// @notice Asks the worker for a receipt of its batch, with request and payment.
    function requestReceipt(BatchHeader calldata header, uint32 index) external payable {
        Openings.requireBatch(header);
        _requestOfBatch(
            header, Demand(DataKind.Receipt, MoneyHashes.batchHash(header), header.receiptRoot, header.count, index)
        );
    }

    /// @notice Asks the worker for an entry of a receipt that is known.
    function requestEntry(OpenedReceipt calldata opened, uint32 index) external payable {
        Openings.requireReceipt(opened);
        _requestOf(opened, DataKind.Entry, opened.receipt.attrRoot, opened.receipt.attrEntries, index);
    }

    /// @notice Asks the worker for 32 tokens of a receipt's output.
    function requestOutput(OpenedReceipt calldata opened, uint32 index) external payable {
        Openings.requireReceipt(opened);
        _requestOf(opened, DataKind.Output, opened.receipt.outputRoot, opened.receipt.tout, index);
    }

    /// @notice Asks the worker for 32 tokens of a receipt's prompt.
    function requestPrompt(OpenedReceipt calldata opened, Request calldata request, uint32 index) external payable {
        Openings.requireReceipt(opened);
        bytes32 requestId = opened.receipt.requestId;
        if (MoneyHashes.requestId(request) != requestId) revert WrongRequest(requestId);
        _requestOf(opened, DataKind.Prompt, request.promptRoot, opened.receipt.tin, index);
    }

    /// @notice Asks the proposer for a credit.
    function requestCredit(EpochRecord calldata record, uint32 index) external payable {
        _requestOfEpoch(record, DataKind.Credit, record.header.creditsRoot, record.header.creditsCount, index);
    }

    /// @notice Asks the proposer for a payout.
    function requestPayout(EpochRecord calldata record, uint32 index) external payable {
        _requestOfEpoch(record, DataKind.Payout, record.header.payoutRoot, record.header.payoutCount, index);
    }

    /// @notice What a request has to prepay in this block: half more than its answer costs.
    function answerPrice(Demand memory demand) public view returns (uint256) {
        (uint256 gas_, uint256 bytes_) = Demands.answerCost(demand);
        return PrepaidAnswers.price(gas_, bytes_);
    }

    // --- Answering: the AnswerJudge reads what these are given ---

    function serveReceipt(Demand calldata demand, ServedReceipt calldata) external {
        _serve(demand);
    }

    function serveEntry(Demand calldata demand, ServedEntry calldata) external {
        _serve(demand);
    }

    function serveTokens(Demand calldata demand, bytes calldata, bytes32[] calldata) external {
        _serve(demand);
    }

    function serveCredit(Demand calldata demand, Credit calldata, bytes calldata) external {
        _serve(demand);
    }

    function servePayout(Demand calldata demand, Payout calldata, bytes calldata) external {
        _serve(demand);
    }

    // --- Silence ---

    /// @notice Voids a batch whose worker did not answer, to the requester's benefit. Of a batch that is void already the
    ///         request is dropped.
    /// @param segments the batch's segments; none where it is void already
    function batchDataMissing(Demand calldata demand, BatchHeader calldata header, Segment[] calldata segments)
        external
    {
        if (demand.subject != MoneyHashes.batchHash(header)) revert WrongSubject(demand.subject);
        uint64 batchId = header.batchId;
        bool gone = _market().isBatchVoid(batchId);
        (bytes32 id, OpenDemand memory open) = _close(demand);
        if (!gone && block.timestamp < open.dueAt) revert AnswerNotDue(open.dueAt);
        _market().unhold(batchId);
        _pay(open.requester, open.prepaid);
        if (gone) {
            emit DataRequestDropped(id, batchId);
            return;
        }
        emit DataMissing(id, batchId, open.requester);
        uint256 fees = header.sums[FEE] - _market().voidedSums(batchId)[FEE];
        _market().voidBatch(header, segments);
        IWorkerRegistry(Predeploys.WORKER_REGISTRY).slash(header.worker, Fault.DataWithheld, fees, open.requester);
    }

    /// @notice Reverts an epoch whose proposer did not answer: half of the bond to the requester, half burned. Of an epoch
    ///         that stands no more the request is dropped.
    function epochDataMissing(Demand calldata demand, EpochRecord calldata record) external {
        if (demand.subject != EpochRecords.hash(record)) revert WrongSubject(demand.subject);
        uint64 epoch = record.header.epoch;
        bool gone = epochHash(epoch) != demand.subject;
        (bytes32 id, OpenDemand memory open) = _close(demand);
        if (!gone && block.timestamp < open.dueAt) revert AnswerNotDue(open.dueAt);
        openRequests[demand.subject]--;
        _pay(open.requester, open.prepaid);
        if (gone) {
            emit DataRequestDropped(id, epoch);
            return;
        }
        emit DataMissing(id, epoch, open.requester);
        _revertEpoch(record, open.requester);
    }

    // --- Internals ---

    function _requestOf(OpenedReceipt calldata opened, DataKind kind, bytes32 root, uint32 count, uint32 index)
        private
    {
        _requestOfBatch(opened.header, Demand(kind, MoneyHashes.batchHash(opened.header), root, count, index));
    }

    function _requestOfBatch(BatchHeader calldata header, Demand memory demand) private {
        if (_market().isBatchVoid(header.batchId)) revert BatchIsVoid(header.batchId);
        _request(demand, header.batchId, header.committedAt);
        _market().hold(header.batchId);
    }

    function _requestOfEpoch(EpochRecord calldata record, DataKind kind, bytes32 root, uint32 count, uint32 index)
        private
    {
        bytes32 subject = _requireUnfinal(record);
        _request(Demand(kind, subject, root, count, index), record.header.epoch, record.proposedAt);
        openRequests[subject]++;
    }

    /// @param start when the window began
    function _request(Demand memory demand, uint64 number, uint64 start) private {
        uint256 leaves = Demands.leaves(demand);
        if (demand.index >= leaves) revert NoSuchLeaf(demand.index, leaves);
        if (block.timestamp >= start + window / 3) revert RequestsClosed(start + window / 3);
        bytes32 id = keccak256(abi.encode(demand));
        if (isServed[id] || demands[id].requester != address(0)) revert AlreadyRequested(id);
        uint256 price = answerPrice(demand);
        if (msg.value < price) revert PrepaidTooSmall(price, msg.value);
        uint64 dueAt = _dueAt(demand.kind, start);
        demands[id] = OpenDemand(msg.sender, dueAt, uint128(msg.value), number);
        emit DataRequested(id, number, msg.sender, demand, uint128(msg.value), dueAt);
    }

    function _dueAt(DataKind kind, uint64 start) private view returns (uint64) {
        uint64 last = start + window * 2 / 3;
        bool isOfEpoch = kind >= DataKind.Credit;
        if (!isOfEpoch && kind != DataKind.Receipt) return last;
        uint64 time = window / (isOfEpoch ? EPOCH_ANSWER_FRACTION : RECEIPT_ANSWER_FRACTION);
        return PrepaidAnswers.dueAt(time, last);
    }

    function _serve(Demand calldata demand) private {
        (bytes32 id, OpenDemand memory open) = _close(demand);
        if (block.timestamp >= open.dueAt) revert AnswerLate(open.dueAt);
        Address.functionStaticCall(Predeploys.ANSWER_JUDGE, msg.data);
        isServed[id] = true;
        if (demand.kind >= DataKind.Credit) openRequests[demand.subject]--;
        else _market().unhold(open.number);
        _pay(msg.sender, open.prepaid);
        emit DataServed(id, msg.sender, msg.data);
    }

    function _close(Demand calldata demand) private returns (bytes32 id, OpenDemand memory open) {
        id = keccak256(abi.encode(demand));
        open = demands[id];
        if (open.requester == address(0)) revert NotRequested(id);
        delete demands[id];
    }
}
