// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { BatchHashes } from "./BatchHashes.sol";
import { MoneyHashes } from "./MoneyHashes.sol";
import {
    AttributionEntry, BatchHeader, Cancel, Credit, EpochHeader, Payout, Receipt, Segment, Signature, Voucher
} from "./MoneyTypes.sol";
import { Predeploys } from "./Predeploys.sol";
import { SumTrees } from "./SumTrees.sol";
import { IInferenceMarket } from "../ol/interfaces/IInferenceMarket.sol";

/// @dev A receipt as a leaf of a committed batch: `sums` is its row, `siblings` the rows of its way up.
struct OpenedReceipt {
    BatchHeader header;
    uint32 index;
    Receipt receipt;
    bytes32 paymentHash;
    uint128[10] sums;
    bytes siblings;
}

/// @dev A receipt's row where its content does not matter.
struct ReceiptRow {
    bytes32 hash;
    uint128[10] sums;
    bytes siblings;
}

/// @dev A request with its lists by hash, as EIP-712 encodes it: however long it is, opening it costs the same.
struct OpenedRequest {
    uint256 chainId;
    address payer;
    uint64 nonce;
    bytes32 modelVersion;
    bytes32 adaptersHash;
    bytes32 templateHash;
    bytes32 promptRoot;
    bytes32 samplingHash;
    uint8 class;
    uint32 priceVersion;
    uint128 maxFee;
    bytes32 appCode;
    uint64 deadline;
}

/// @dev What `paymentHash` commits to; the cancel is there for a cut stream.
struct Payment {
    Voucher voucher;
    Signature signature;
    bool cut;
    Cancel cancel;
    Signature cancelSignature;
}

/// @dev What a token list's root commits to.
struct TokenCount {
    uint32 n;
    bytes32 treeRoot;
}

/// @dev An entry as a leaf of the `n` under a receipt's attrRoot.
struct OpenedEntry {
    uint32 n;
    AttributionEntry entry;
    uint128[4] sums;
    bytes siblings;
}

struct OpenedCredit {
    Credit credit;
    bytes siblings;
}

struct OpenedPayout {
    Payout payout;
    bytes siblings;
}

/// @title Openings
/// @notice Leaves opened under the roots that batches and epochs committed to. MONEY §4 to §6.
library Openings {
    /// @notice No such batch was committed.
    error UnknownBatch(uint64 batchId);
    /// @notice The request is not the receipt's.
    error WrongRequest(bytes32 requestId);
    /// @notice These are not the batch's segments.
    error WrongSegments(uint64 batchId);

    /// @notice Reverts where `header` is not that of a committed batch.
    function requireBatch(BatchHeader calldata header) internal view {
        bytes32 known = IInferenceMarket(Predeploys.INFERENCE_MARKET).batchHash(header.batchId);
        if (known == bytes32(0) || known != MoneyHashes.batchHash(header)) revert UnknownBatch(header.batchId);
    }

    /// @notice Reverts where the receipt is no leaf of a committed batch.
    function requireReceipt(OpenedReceipt calldata opened) internal view {
        requireBatch(opened.header);
        bytes32 leaf = MoneyHashes.receiptLeaf(opened.receipt, opened.paymentHash);
        SumTrees.open(
            opened.header.receiptRoot,
            opened.header.count,
            opened.index,
            SumTrees.rowOf(leaf, opened.sums),
            opened.siblings
        );
    }

    /// @notice Reverts where the receipt is for another request.
    function requireRequest(Receipt calldata receipt, OpenedRequest calldata request) internal view {
        bytes32 structHash = keccak256(abi.encode(MoneyHashes.REQUEST_TYPEHASH, request));
        if (MoneyHashes.digest(structHash) != receipt.requestId) revert WrongRequest(receipt.requestId);
    }

    /// @notice The segment that receipt `index` stands in.
    function segmentOf(BatchHeader calldata header, Segment[] calldata segments, uint32 index)
        internal
        pure
        returns (Segment calldata)
    {
        if (BatchHashes.hashOf(segments) != header.segmentsHash) revert WrongSegments(header.batchId);
        uint256 end;
        for (uint256 k = 0; k < segments.length; k++) {
            end += segments[k].count;
            if (index < end) return segments[k];
        }
        revert WrongSegments(header.batchId);
    }

    /// @notice Sums of the receipts before `index`, and those up to and with it.
    function around(BatchHeader calldata header, uint256 index, ReceiptRow calldata row)
        internal
        pure
        returns (uint256[10] memory before, uint256[10] memory through)
    {
        (bytes memory prefix,) = SumTrees.open(
            header.receiptRoot, header.count, index, SumTrees.rowOf(row.hash, row.sums), row.siblings
        );
        for (uint256 i = 0; i < 10; i++) {
            before[i] = SumTrees.at(prefix, i);
            through[i] = before[i] + row.sums[i];
        }
    }

    /// @notice Opens an entry under a receipt's attrRoot.
    /// @return totals the weight sums that the root states
    function entry(bytes32 attrRoot, OpenedEntry calldata opened) internal pure returns (bytes memory totals) {
        bytes32 leaf = MoneyHashes.entryLeaf(opened.entry);
        (, totals) = SumTrees.open(
            attrRoot, opened.n, opened.entry.index, SumTrees.rowOf(leaf, opened.sums), opened.siblings
        );
    }

    /// @notice Opens a credit; returns the sum of those before it.
    function credit(EpochHeader calldata header, OpenedCredit calldata opened) internal pure returns (uint256) {
        bytes memory row = SumTrees.rowOf(MoneyHashes.creditLeaf(opened.credit), opened.credit.amount);
        (bytes memory prefix,) =
            SumTrees.open(header.creditsRoot, header.creditsCount, opened.credit.index, row, opened.siblings);
        return SumTrees.at(prefix, 0);
    }

    /// @notice Opens a payout of the `n` under `root`; returns the sum of those before it.
    function payout(bytes32 root, uint256 n, OpenedPayout calldata opened) internal pure returns (uint256) {
        bytes memory row = SumTrees.rowOf(MoneyHashes.payoutLeaf(opened.payout), opened.payout.cumulative);
        (bytes memory prefix,) = SumTrees.open(root, n, opened.payout.index, row, opened.siblings);
        return SumTrees.at(prefix, 0);
    }
}
