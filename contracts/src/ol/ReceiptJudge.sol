// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Fault } from "../lib/Faults.sol";
import { Fees } from "../lib/Fees.sol";
import { MoneyHashes } from "../lib/MoneyHashes.sol";
import {
    BatchHeader,
    ENTRIES,
    FEE,
    Price,
    Receipt,
    Segment,
    Shares,
    TIN,
    TOUT
} from "../lib/MoneyTypes.sol";
import { OpenedReceipt, OpenedRequest, Openings, Payment, ReceiptRow, TokenCount } from "../lib/Openings.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { IAttributionLedger } from "./interfaces/IAttributionLedger.sol";
import { ICodePayouts } from "./interfaces/ICodePayouts.sol";
import { IInferenceMarket } from "./interfaces/IInferenceMarket.sol";
import { IModelRegistry } from "./interfaces/IModelRegistry.sol";
import { IRevenueSplitter } from "./interfaces/IRevenueSplitter.sol";

/// @title ReceiptJudge
/// @notice Whether a receipt or its batch is provably wrong: the kinds of `BadReceipt`. Predeploy 0x4f4c…0023.
///
/// A judge holds nothing. DisputeGame asks it with its own calldata, so that every function here has the signature of one
/// there; asked by eth_call it tells anybody what a challenge would do. It returns the fault that the arguments prove and
/// reverts where they prove none. Everything it looks up is fixed before the batch was committed: a batch that was right
/// then stays right.
contract ReceiptJudge {
    /// @notice The arguments open, and show nothing wrong.
    error NoFault();
    /// @notice The payment is not what the receipt's paymentHash commits to.
    error WrongPayment(bytes32 paymentHash);
    /// @notice The count and tree are not what the token list's root commits to.
    error WrongTokens(bytes32 root);
    /// @notice Not an earlier live receipt of the same worker.
    error NotEarlier(uint64 batchId, uint32 index);

    /// @notice Entries of one receipt: 32 royalty rows, worker, app, 64 items and a Datanet pool for each pinned index,
    ///         with room to spare. More would be a burden on whoever builds the epoch.
    uint256 public constant ENTRIES_MAX = 128;

    /// @notice The receipt contradicts its row, its batch or its segment.
    function badReceipt(OpenedReceipt calldata opened, Segment[] calldata segments) external view returns (Fault) {
        Openings.requireReceipt(opened);
        Receipt calldata receipt = opened.receipt;
        uint128[10] calldata sums = opened.sums;
        if (receipt.worker != opened.header.worker) return Fault.NoVoucher;
        if (receipt.class != opened.header.class || receipt.fee != sums[FEE]) return Fault.WrongFee;
        if (receipt.tin != sums[TIN] || receipt.tout != sums[TOUT]) return Fault.WrongTokenCount;
        if (receipt.attrEntries != sums[ENTRIES] || receipt.attrEntries == 0 || receipt.attrEntries > ENTRIES_MAX) {
            return Fault.WrongEntry;
        }
        Segment calldata segment = Openings.segmentOf(opened.header, segments, opened.index);
        bool opensOnChain = segment.channel == bytes32(0);
        if (opensOnChain != (opened.paymentHash == bytes32(0))) return Fault.NoVoucher;
        if (opensOnChain && segment.requestId != receipt.requestId) return Fault.NoVoucher;
        revert NoFault();
    }

    /// @notice The receipt is not what its request and the model's registration allow: payer, class, price, fee, limit,
    ///         deadline, shares, royalty vector, indexes; or its rule of attribution is not the one in force.
    function badTerms(OpenedReceipt calldata opened, Segment[] calldata segments, OpenedRequest calldata request)
        external
        view
        returns (Fault)
    {
        Openings.requireReceipt(opened);
        Receipt calldata receipt = opened.receipt;
        Openings.requireRequest(receipt, request);
        uint64 at = opened.header.committedAt;
        if (request.deadline < at) return Fault.Late;
        bytes32 channel = Openings.segmentOf(opened.header, segments, opened.index).channel;
        if (channel != bytes32(0) && channel != MoneyHashes.channelOf(request.payer, opened.header.worker)) {
            return Fault.NoVoucher;
        }
        if (receipt.class != request.class || receipt.fee > request.maxFee) return Fault.WrongFee;
        IModelRegistry models = IModelRegistry(Predeploys.MODEL_REGISTRY);
        Price memory price = models.priceOf(request.modelVersion, request.class, request.priceVersion);
        if (price.setAt == 0 || price.setAt > at || price.validUntil < at) return Fault.WrongFee;
        Shares memory shares = IRevenueSplitter(Predeploys.REVENUE_SPLITTER).sharesOf(price.sharesVersion);
        if (receipt.fee != Fees.feeOf(receipt.tin, receipt.tout, price, shares)) return Fault.WrongFee;
        if (!_sharesRight(opened, shares, _hasBuilder(request.appCode, at))) return Fault.WrongShares;
        if (receipt.royaltyHash != models.royaltyHashOf(request.modelVersion)) return Fault.WrongEntry;
        if (receipt.indexSetHash != models.indexSetHashOf(request.modelVersion)) return Fault.WrongEntry;
        IAttributionLedger ledger = IAttributionLedger(Predeploys.ATTRIBUTION_LEDGER);
        if (!ledger.isAlgoInForce(receipt.algoHash, at)) return Fault.WrongEntry;
        revert NoFault();
    }

    /// @notice The receipt is not paid for: its voucher, or the cancel of a cut stream, is not the payer's consent to it.
    function badPayment(OpenedReceipt calldata opened, Segment[] calldata segments, Payment calldata payment)
        external
        view
        returns (Fault)
    {
        Openings.requireReceipt(opened);
        bytes32 paymentHash = payment.cut
            ? MoneyHashes.paymentHash(payment.voucher, payment.signature, payment.cancel, payment.cancelSignature)
            : MoneyHashes.paymentHash(payment.voucher, payment.signature);
        if (paymentHash != opened.paymentHash) revert WrongPayment(opened.paymentHash);
        bytes32 channel = Openings.segmentOf(opened.header, segments, opened.index).channel;
        if (!_voucherRight(opened, payment, channel)) return Fault.NoVoucher;
        if (payment.cut && !_cancelRight(opened, payment, channel)) return Fault.NoVoucher;
        if (payment.voucher.deadline < opened.header.committedAt) return Fault.Late;
        revert NoFault();
    }

    /// @notice The receipt counts other prompt tokens than the request's prompt has.
    function badPromptCount(
        OpenedReceipt calldata opened,
        Segment[] calldata,
        OpenedRequest calldata request,
        TokenCount calldata tokens
    ) external view returns (Fault) {
        Openings.requireReceipt(opened);
        Openings.requireRequest(opened.receipt, request);
        return _wrongCount(opened.receipt.tin, request.promptRoot, tokens);
    }

    /// @notice The receipt counts other output tokens than its output has.
    function badOutputCount(OpenedReceipt calldata opened, Segment[] calldata, TokenCount calldata tokens)
        external
        view
        returns (Fault)
    {
        Openings.requireReceipt(opened);
        return _wrongCount(opened.receipt.tout, opened.receipt.outputRoot, tokens);
    }

    /// @notice The worker settled the request before, in a receipt that is not void. Another worker's receipt does not
    ///         count: it could be made by whoever wants this one void, and is itself without a voucher.
    function duplicateRequest(OpenedReceipt calldata opened, Segment[] calldata, OpenedReceipt calldata earlier)
        external
        view
        returns (Fault)
    {
        Openings.requireReceipt(opened);
        Openings.requireReceipt(earlier);
        uint64 batchId = earlier.header.batchId;
        bool before = batchId < opened.header.batchId
            || (batchId == opened.header.batchId && earlier.index < opened.index);
        bool live = !IInferenceMarket(Predeploys.INFERENCE_MARKET).isVoid(batchId, earlier.index);
        if (!before || !live || earlier.header.worker != opened.header.worker) revert NotEarlier(batchId, earlier.index);
        if (earlier.receipt.requestId != opened.receipt.requestId) revert NoFault();
        return Fault.DuplicateRequest;
    }

    /// @notice Segment `k` debited another sum than its receipts' fees, which are the difference of two prefix sums.
    function badSegment(
        BatchHeader calldata header,
        Segment[] calldata segments,
        uint256 k,
        ReceiptRow calldata first,
        ReceiptRow calldata last
    ) external view returns (Fault) {
        Openings.requireBatch(header);
        uint256 start;
        for (uint256 i = 0; i < k; i++) start += segments[i].count;
        Segment calldata segment = segments[k];
        if (Openings.segmentOf(header, segments, uint32(start)).count != segment.count) revert NoFault();
        (uint256[10] memory before,) = Openings.around(header, start, first);
        (, uint256[10] memory through) = Openings.around(header, start + segment.count - 1, last);
        if (through[FEE] - before[FEE] == segment.fee) revert NoFault();
        return Fault.WrongSegment;
    }

    /// @notice The batch's sums are not those of its receipts: rows hide in the padding behind the last.
    function badBatchTotal(BatchHeader calldata header, Segment[] calldata, ReceiptRow calldata last)
        external
        view
        returns (Fault)
    {
        Openings.requireBatch(header);
        (, uint256[10] memory through) = Openings.around(header, header.count - 1, last);
        for (uint256 i = 0; i < 10; i++) {
            if (through[i] != header.sums[i]) return Fault.WrongSegment;
        }
        revert NoFault();
    }

    function _hasBuilder(bytes32 appCode, uint64 at) private view returns (bool) {
        if (appCode == bytes32(0)) return false;
        return ICodePayouts(Predeploys.CODE_REGISTRY).payoutAt(appCode, at) != address(0);
    }

    function _sharesRight(OpenedReceipt calldata opened, Shares memory shares, bool hasBuilder)
        private
        pure
        returns (bool)
    {
        Receipt calldata receipt = opened.receipt;
        Fees.Split memory parts = Fees.split(receipt.fee, shares, hasBuilder);
        uint128[10] memory right =
            Fees.rowSums(receipt.fee, receipt.tin, receipt.tout, receipt.attrEntries, parts);
        return keccak256(abi.encode(right)) == keccak256(abi.encode(opened.sums));
    }

    function _voucherRight(OpenedReceipt calldata opened, Payment calldata payment, bytes32 channel)
        private
        view
        returns (bool)
    {
        if (payment.voucher.channel != channel || payment.voucher.worker != opened.header.worker) return false;
        if (payment.voucher.requestId != opened.receipt.requestId) return false;
        if (payment.voucher.maxFee < opened.receipt.fee) return false;
        address signer = MoneyHashes.signerOf(
            MoneyHashes.structHash(payment.voucher), payment.signature.r, payment.signature.vs
        );
        return signer != address(0) && MoneyHashes.channelOf(signer, opened.header.worker) == channel;
    }

    function _cancelRight(OpenedReceipt calldata opened, Payment calldata payment, bytes32 channel)
        private
        view
        returns (bool)
    {
        Receipt calldata receipt = opened.receipt;
        if (payment.cancel.requestId != receipt.requestId || payment.cancel.outputRoot != receipt.outputRoot) return false;
        if (payment.cancel.tout != receipt.tout) return false;
        address signer = MoneyHashes.signerOf(
            MoneyHashes.structHash(payment.cancel), payment.cancelSignature.r, payment.cancelSignature.vs
        );
        return signer != address(0) && MoneyHashes.channelOf(signer, opened.header.worker) == channel;
    }

    function _wrongCount(uint32 counted, bytes32 root, TokenCount calldata tokens) private pure returns (Fault) {
        if (sha256(abi.encodePacked(uint8(0x02), tokens.n, tokens.treeRoot)) != root) revert WrongTokens(root);
        if (tokens.n == counted) revert NoFault();
        return Fault.WrongTokenCount;
    }
}
