// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Initializable } from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import { BatchHashes } from "../lib/BatchHashes.sol";
import { MoneyHashes } from "../lib/MoneyHashes.sol";
import {
    BatchHeader,
    BUILDER,
    CONTRIBUTORS,
    ENTRIES,
    FEE,
    MODEL,
    PLATFORM,
    Segment,
    STAKERS,
    Totals,
    WORKER
} from "../lib/MoneyTypes.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { IRoyaltyVault } from "./interfaces/IRoyaltyVault.sol";
import { MarketBatches } from "./MarketBatches.sol";

/// @title InferenceMarket
/// @notice Payers' money from deposit to epoch: channels, open requests, batches of receipts. Predeploy 0x4f4c…0003.
///
/// `balance = Σ channels + Σ open requests + Σ refunds owed + Σ live receipts not yet settled`, with equality unless someone
/// forces wei in. A batch can be voided, whole or receipt by receipt, until it is mature; a void receipt's refund waits for
/// that, since the whole batch's would be paid in its place: a wrong segment is debited from the wrong channel.
contract InferenceMarket is Initializable, MarketBatches {
    /// @dev `receipts`: all of the batches up to this one, set at maturity, as `committedAt` is. `owesRefunds`: void, segments
    ///      not yet refunded.
    struct BatchState {
        uint64 receipts;
        uint64 committedAt;
        uint32 holds;
        bool isVoid;
        bool owesRefunds;
        bool hasVoid;
    }

    event ReceiptVoided(
        uint64 indexed batchId,
        uint32 indexed index,
        address indexed worker,
        bytes32 channel,
        bytes32 requestId,
        uint128 fee
    );
    event BatchVoided(uint64 indexed batchId, address indexed worker, uint128 feeSum);
    event BatchMatured(uint64 indexed batchId, address indexed worker, bool isVoid);
    event FeesSplit(
        uint64 indexed batchId,
        uint128 platform,
        uint128 model,
        uint128 stakers,
        uint128 worker,
        uint128 builder,
        uint128 contributors
    );
    event EpochPaid(uint128 credits, uint128 platform, uint128 stakers);
    event BatchHeld(uint64 indexed batchId, uint32 holds);
    event StakeSet(address indexed worker, uint128 free);

    error DelayTooShort(uint64 withdrawalDelay, uint64 window);
    error NotAllowed(address caller);
    error UnknownBatch(uint64 batchId);
    error WrongSegments(uint64 batchId);
    error AlreadyMature(uint64 batchId);
    error BatchIsVoid(uint64 batchId);
    error NoSuchReceipt(uint64 batchId, uint32 index);
    error ReceiptIsVoid(uint64 batchId, uint32 index);
    error NotNext(uint64 expected, uint64 batchId);
    error WindowOpen(uint64 batchId, uint256 until);
    error Held(uint64 batchId, uint32 holds);
    error NotHeld(uint64 batchId);
    error NotMature(uint64 batchId);
    error NoRefund(uint64 batchId);
    error NoTotals(uint64 batchId);
    error NothingToMature();
    error AboveMatured(uint256 paid, uint256 matured);

    /// @notice Seconds in which a batch can be challenged.
    uint64 public window;
    mapping(uint64 batchId => BatchState) private _states;
    mapping(uint64 batchId => Totals) private _totalsAt;
    mapping(uint64 batchId => uint128[10]) private _voidedSums;
    mapping(uint64 batchId => mapping(uint256 word => uint256)) private _voidBits;
    /// @notice Refunds of a batch's void receipts that wait for its maturity, by channel or, of requests opened on chain, id.
    mapping(uint64 batchId => mapping(bytes32 channelOrRequest => uint128)) public pendingRefundOf;

    modifier only(address caller) {
        if (msg.sender != caller) revert NotAllowed(msg.sender);
        _;
    }

    constructor() {
        _disableInitializers();
    }

    /// @param window_          seconds of a receipt window
    /// @param withdrawalDelay_ seconds; longer than the window
    function initialize(uint64 window_, uint64 withdrawalDelay_) external initializer {
        if (withdrawalDelay_ <= window_) revert DelayTooShort(withdrawalDelay_, window_);
        window = window_;
        withdrawalDelay = withdrawalDelay_;
    }

    // --- Maturity ---

    /// @notice Matures the next batches, in order. Anyone may call; all that void receipts left goes into the running totals.
    function matureBatches(BatchHeader[] calldata headers) external {
        Books memory books = _books;
        if (headers.length == 0) revert NothingToMature();
        for (uint256 i = 0; i < headers.length; i++) _mature(books, headers[i]);
        // Nothing was called between: no commit is lost.
        _books = books;
        _totalsAt[books.lastMature] = _totalsOf(books);
    }

    /// @notice Refunds a mature batch's void receipts of one channel, or the one of a request opened on chain.
    function settleRefund(uint64 batchId, bytes32 channelOrRequest) external {
        if (batchId > _books.lastMature) revert NotMature(batchId);
        if (_states[batchId].isVoid) revert BatchIsVoid(batchId);
        uint128 amount = pendingRefundOf[batchId][channelOrRequest];
        if (amount == 0) revert NoRefund(batchId);
        delete pendingRefundOf[batchId][channelOrRequest];
        // No channel is the digest of a request.
        if (_isRequest(channelOrRequest)) _releaseRequest(channelOrRequest, amount);
        else _creditChannel(channelOrRequest, batchId, amount);
    }

    /// @notice Refunds the segments of a batch that turned out void at its maturity.
    function refundBatch(BatchHeader calldata header, Segment[] calldata segments) external {
        uint64 batchId = header.batchId;
        _requireKnown(header);
        if (!_states[batchId].owesRefunds) revert NoRefund(batchId);
        _states[batchId].owesRefunds = false;
        _refundSegments(header, segments);
    }

    // --- What disputes and data requests do ---

    /// @notice Only DisputeGame. Voids one receipt. Its refund can be settled once the batch is mature.
    function voidReceipt(
        BatchHeader calldata header,
        uint32 index,
        uint128[10] calldata row,
        bytes32 channel,
        bytes32 requestId
    ) external only(Predeploys.DISPUTE_GAME) {
        uint64 batchId = header.batchId;
        _requireImmature(header);
        if (index >= header.count) revert NoSuchReceipt(batchId, index);
        uint256 bit = 1 << (index & 0xff);
        uint256 word = _voidBits[batchId][index >> 8];
        if (word & bit != 0) revert ReceiptIsVoid(batchId, index);
        _voidBits[batchId][index >> 8] = word | bit;
        _states[batchId].hasVoid = true;
        uint128[10] storage voided = _voidedSums[batchId];
        for (uint256 i = 0; i < 10; i++) voided[i] += row[i];
        pendingRefundOf[batchId][channel == bytes32(0) ? requestId : channel] += row[FEE];
        emit ReceiptVoided(batchId, index, header.worker, channel, requestId, row[FEE]);
    }

    /// @notice Voids a whole batch and refunds each segment; refunds that wait are void with it.
    function voidBatch(BatchHeader calldata header, Segment[] calldata segments) external {
        bool allowed = msg.sender == Predeploys.DISPUTE_GAME || msg.sender == Predeploys.ATTRIBUTION_LEDGER;
        if (!allowed) revert NotAllowed(msg.sender);
        _requireImmature(header);
        _states[header.batchId].isVoid = true;
        _uncover(header.worker, header.class, header.sums[FEE]);
        emit BatchVoided(header.batchId, header.worker, header.sums[FEE]);
        _refundSegments(header, segments);
    }

    function hold(uint64 batchId) external only(Predeploys.ATTRIBUTION_LEDGER) {
        if (batchHash[batchId] == bytes32(0)) revert UnknownBatch(batchId);
        if (batchId <= _books.lastMature) revert AlreadyMature(batchId);
        emit BatchHeld(batchId, ++_states[batchId].holds);
    }

    function unhold(uint64 batchId) external only(Predeploys.ATTRIBUTION_LEDGER) {
        if (_states[batchId].holds == 0) revert NotHeld(batchId);
        emit BatchHeld(batchId, --_states[batchId].holds);
    }

    function setStake(address worker, uint128 free) external only(Predeploys.WORKER_REGISTRY) {
        _setFree(worker, free);
        emit StakeSet(worker, free);
    }

    /// @notice Never more than what matured.
    function payEpoch(uint128 credits, uint128 platform, uint128 stakers)
        external
        nonReentrant
        only(Predeploys.ATTRIBUTION_LEDGER)
    {
        uint256 amount = uint256(credits) + platform + stakers;
        uint256 paid = _books.paid + amount;
        uint256 matured = uint256(_books.payable_) + _books.platform + _books.stakers;
        if (paid > matured) revert AboveMatured(paid, matured);
        _books.paid = uint128(paid);
        emit EpochPaid(credits, platform, stakers);
        IRoyaltyVault(Predeploys.ROYALTY_VAULT).creditEpoch{ value: amount }(credits, platform, stakers);
    }

    // --- Views ---

    function isVoid(uint64 batchId, uint32 index) external view returns (bool) {
        return _states[batchId].isVoid || (_voidBits[batchId][index >> 8] >> (index & 0xff)) & 1 == 1;
    }

    function isBatchVoid(uint64 batchId) external view returns (bool) {
        return _states[batchId].isVoid;
    }

    function batchState(uint64 batchId) external view returns (BatchState memory) {
        return _states[batchId];
    }

    function voidedSums(uint64 batchId) external view returns (uint128[10] memory) {
        return _voidedSums[batchId];
    }

    function maturedTotals() external view returns (uint64 lastBatch, Totals memory totals) {
        Books memory books = _books;
        return (books.lastMature, _totalsOf(books));
    }

    /// @notice Totals through a batch at which maturing stopped once: later maturing takes no epoch's ground away.
    function totalsAt(uint64 batchId) external view returns (Totals memory totals) {
        totals = _totalsAt[batchId];
        if (totals.receipts == 0) revert NoTotals(batchId);
    }

    /// @notice When a mature batch was committed.
    function committedAtOf(uint64 batchId) external view returns (uint64) {
        if (batchId > _books.lastMature) revert NotMature(batchId);
        return _states[batchId].committedAt;
    }

    /// @notice What epochs were paid so far, in wei.
    function paidToEpochs() external view returns (uint128) {
        return _books.paid;
    }

    function receiptsThrough(uint64 batchId) external view returns (uint64) {
        if (batchId > _books.lastMature) revert NotMature(batchId);
        return _states[batchId].receipts;
    }

    // --- Internals ---

    function _totalsOf(Books memory books) private pure returns (Totals memory) {
        return Totals(books.receipts, books.entries, books.payable_, books.platform, books.stakers);
    }

    function _mature(Books memory books, BatchHeader calldata header) private {
        uint64 batchId = header.batchId;
        if (batchId != books.lastMature + 1) revert NotNext(books.lastMature + 1, batchId);
        _requireKnown(header);
        BatchState memory state = _states[batchId];
        if (!state.isVoid) _matureLive(books, header, state);
        books.lastMature = batchId;
        (state.receipts, state.committedAt) = (books.receipts, header.committedAt);
        _states[batchId] = state;
        emit BatchMatured(batchId, header.worker, state.isVoid);
    }

    function _matureLive(Books memory books, BatchHeader calldata header, BatchState memory state) private {
        uint256 until = uint256(header.committedAt) + window;
        if (block.timestamp < until) revert WindowOpen(header.batchId, until);
        if (state.holds > 0) revert Held(header.batchId, state.holds);
        _uncover(header.worker, header.class, header.sums[FEE]);
        uint128[10] memory live = header.sums;
        if (state.hasVoid) {
            uint128[10] memory voided = _voidedSums[header.batchId];
            for (uint256 i = 0; i < 10; i++) live[i] -= voided[i];
            // Void rows whose parts are not their fee left others of that kind behind, which nobody challenged. What is left
            // cannot be paid out in full: the batch is void.
            if (_partsOf(live) != live[FEE]) {
                (state.isVoid, state.owesRefunds) = (true, true);
                emit BatchVoided(header.batchId, header.worker, header.sums[FEE]);
                return;
            }
        }
        books.receipts += header.count;
        books.entries += uint64(live[ENTRIES]);
        books.payable_ += live[MODEL] + live[WORKER] + live[BUILDER] + live[CONTRIBUTORS];
        books.platform += live[PLATFORM];
        books.stakers += live[STAKERS];
        emit FeesSplit(
            header.batchId,
            live[PLATFORM],
            live[MODEL],
            live[STAKERS],
            live[WORKER],
            live[BUILDER],
            live[CONTRIBUTORS]
        );
    }

    function _partsOf(uint128[10] memory sums) private pure returns (uint256) {
        return uint256(sums[PLATFORM]) + sums[MODEL] + sums[STAKERS] + sums[WORKER] + sums[BUILDER]
            + sums[CONTRIBUTORS];
    }

    function _refundSegments(BatchHeader calldata header, Segment[] calldata segments) private {
        if (BatchHashes.hashOf(segments) != header.segmentsHash) revert WrongSegments(header.batchId);
        for (uint256 k = 0; k < segments.length; k++) {
            Segment calldata segment = segments[k];
            if (segment.channel == bytes32(0)) _releaseRequest(segment.requestId, segment.fee);
            else _creditChannel(segment.channel, header.batchId, segment.fee);
        }
    }

    function _requireKnown(BatchHeader calldata header) private view {
        bytes32 known = batchHash[header.batchId];
        if (known == bytes32(0) || known != MoneyHashes.batchHash(header)) revert UnknownBatch(header.batchId);
    }

    function _requireImmature(BatchHeader calldata header) private view {
        _requireKnown(header);
        if (header.batchId <= _books.lastMature) revert AlreadyMature(header.batchId);
        if (_states[header.batchId].isVoid) revert BatchIsVoid(header.batchId);
    }
}
