// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { BatchHashes } from "../lib/BatchHashes.sol";
import { BatchInput, PROOF_EXACT, PROOF_SAMPLED, Segment } from "../lib/MoneyTypes.sol";
import { MarketRequests } from "./MarketRequests.sol";

/// @title MarketBatches
/// @notice Receipts are settled in batches: a worker commits a batch's root, its sums and the last voucher of every channel.
///
/// Of a batch one word is stored, the hash of its header. The rest is in the transaction: a batch can only be committed by a
/// transaction of its own, so that whoever reads the chain's transactions has the segments that every challenge needs.
abstract contract MarketBatches is MarketRequests {
    /// @dev One word, `free` in its low half. `cover` is the worker's immature fees, each times its class's factor.
    struct WorkerState {
        uint128 free;
        uint128 cover;
    }

    /// @dev Three words; the first is also what a commit counts in.
    struct Books {
        uint64 lastBatch;
        uint64 lastMature;
        uint64 receipts;
        uint64 entries;
        uint128 payable_;
        uint128 platform;
        uint128 stakers;
        uint128 paid;
    }

    event BatchCommitted(uint64 indexed batchId, address indexed worker, uint128 feeSum);

    error NotTransaction(address sender);
    error TooLate(uint256 notAfter);
    error BadReceiptCount(uint256 count);
    error BadEntryCount(uint256 entries);
    error BadSegmentCount(uint256 segments);
    /// @notice Segment `k` is empty or exceeds what the segments before it left of the batch; or after all there is something left.
    error SegmentsDoNotAdd(uint256 k);
    error PartsDoNotAdd(uint256 parts, uint256 fee);
    error UnknownClass(uint256 class);
    error UnderStaked(address worker, uint256 cover, uint128 free);

    /// @notice A batch of this many receipts has 16 levels, which every challenge opens at least once.
    uint32 public constant RECEIPTS_MAX = 1 << 16;
    /// @notice Entries of one receipt: 32 royalty rows, worker, app, 64 items and a Datanet pool for each pinned index fit.
    uint256 public constant ENTRIES_MAX = 128;
    /// @notice Every challenge carries all segments of its batch and has to fit a transaction.
    uint256 public constant SEGMENTS_MAX = 32;

    /// @notice How many classes of proof there are.
    uint8 public constant CLASSES = 6;
    /// @notice Stake that covers a wei of immature fees, by class: layers by layers checked where they are drawn.
    uint256 private constant EXACT_FACTOR = 1;
    uint256 private constant SAMPLED_FACTOR = 8;
    uint256 private constant OTHER_FACTOR = 3;

    Books internal _books;
    mapping(uint64 batchId => bytes32) public batchHash;
    mapping(address worker => Word) private _workers;

    /// @notice Settles a batch of the caller's receipts.
    function commitBatch(BatchInput calldata input, Segment[] calldata segments) external returns (uint64 batchId) {
        // A delegated account has code. That the origin calls is what is asked here, not who it is.
        if (msg.sender != tx.origin || msg.sender.code.length > 0) revert NotTransaction(msg.sender);
        (bytes32 root, uint256 parts) = BatchHashes.read(input);
        (uint256 count, uint256 fee) = _checkInput(input, parts);
        assembly ("memory-safe") {
            // `lastBatch` is the lowest part of its word.
            let counts := add(sload(_books.slot), 1)
            sstore(_books.slot, counts)
            batchId := and(counts, 0xffffffffffffffff)
        }
        _settle(segments, batchId, count, fee);
        _cover(input, fee);
        batchHash[batchId] = BatchHashes.header(input, batchId, root, BatchHashes.hashOf(segments));
        emit BatchCommitted(batchId, msg.sender, uint128(fee));
    }

    /// @notice A worker's stake that may cover fees, and what its immature batches take of it; in wei.
    function coverOf(address worker) external view returns (WorkerState memory) {
        uint256 state = _workers[worker].value;
        return WorkerState(uint128(state), uint128(state >> 128));
    }

    function batchCount() external view returns (uint64) {
        return _books.lastBatch;
    }

    function _setFree(address worker, uint128 free) internal {
        Word storage word = _workers[worker];
        word.value = (word.value >> 128 << 128) | free;
    }

    /// @dev Gives a batch's cover back.
    function _uncover(address worker, uint8 class, uint128 fee) internal {
        _workers[worker].value -= _coverFor(class, fee) << 128;
    }

    /// @dev Stake that fees of this class need.
    function _coverFor(uint256 class, uint256 fee) private pure returns (uint256) {
        unchecked {
            // At most 2^131.
            return fee * (class == PROOF_EXACT ? EXACT_FACTOR : class == PROOF_SAMPLED ? SAMPLED_FACTOR : OTHER_FACTOR);
        }
    }

    /// @dev In time, with entries that can be listed, and parts that are the fee.
    function _checkInput(BatchInput calldata input, uint256 parts)
        private
        view
        returns (uint256 count, uint256 fee)
    {
        uint256 entries;
        uint256 notAfter;
        assembly ("memory-safe") {
            count := calldataload(add(input, 32))
            fee := calldataload(add(input, 64))
            entries := calldataload(add(input, 160))
            notAfter := calldataload(add(input, 448))
        }
        if (block.timestamp > notAfter) revert TooLate(notAfter);
        if (parts != fee) revert PartsDoNotAdd(parts, fee);
        unchecked {
            if (count - 1 >= RECEIPTS_MAX) revert BadReceiptCount(count);
            if (entries < count || entries > count * ENTRIES_MAX) revert BadEntryCount(entries);
        }
    }

    function _settle(Segment[] calldata segments, uint64 batchId, uint256 count, uint256 fee) private {
        if (segments.length > SEGMENTS_MAX) revert BadSegmentCount(segments.length);
        bytes32 domain = BatchHashes.domainSeparator();
        for (uint256 k = 0; k < segments.length; k++) {
            Segment calldata segment;
            assembly ("memory-safe") {
                segment := add(segments.offset, mul(k, 288))
            }
            (uint256 receipts, uint256 debited) = _settleSegment(segment, batchId, domain);
            if (receipts == 0 || receipts > count || debited > fee) revert SegmentsDoNotAdd(k);
            unchecked {
                (count, fee) = (count - receipts, fee - debited);
            }
        }
        if (count | fee != 0) revert SegmentsDoNotAdd(segments.length);
    }

    function _settleSegment(Segment calldata segment, uint64 batchId, bytes32 domain)
        private
        returns (uint256 count, uint256 fee)
    {
        bytes32 channel;
        uint256 cumulativeCap;
        uint256 deadline;
        (channel, count, fee, cumulativeCap, deadline) = BatchHashes.read(segment);
        if (channel == bytes32(0)) _settleRequest(segment, batchId);
        else _debit(segment, channel, fee, cumulativeCap, deadline, domain);
    }

    /// @dev Takes the caller's stake for the batch until it is mature or void.
    function _cover(BatchInput calldata input, uint256 fee) private {
        uint256 class;
        assembly ("memory-safe") {
            class := calldataload(add(input, 384))
        }
        if (class >= CLASSES) revert UnknownClass(class);
        Word storage word = _workers[msg.sender];
        uint256 state = word.value;
        unchecked {
            uint256 more = _coverFor(class, fee);
            uint256 cover = (state >> 128) + more;
            // Without stake there is nothing to lose, whatever the fee.
            if (cover > uint128(state) || uint128(state) == 0) revert UnderStaked(msg.sender, cover, uint128(state));
            word.value = state + (more << 128);
        }
    }
}
