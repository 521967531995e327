// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Fault, Faults } from "../lib/Faults.sol";
import { Fees } from "../lib/Fees.sol";
import { MoneyHashes } from "../lib/MoneyHashes.sol";
import {
    Answer,
    AttributionEntry,
    BatchHeader,
    Cancel,
    Credit,
    EpochHeader,
    Payout,
    Price,
    Receipt,
    Request,
    RoyaltyRow,
    Segment,
    Shares,
    Signature,
    Voucher
} from "../lib/MoneyTypes.sol";
import { PayoutTree } from "../lib/PayoutTree.sol";
import { SumTrees } from "../lib/SumTrees.sol";

/// @title MoneyHarness
/// @notice Lets tests reach the money libraries; deployed nowhere.
contract MoneyHarness {
    function domainSeparator() external view returns (bytes32) {
        return MoneyHashes.domainSeparator();
    }

    function requestId(Request calldata request) external view returns (bytes32) {
        return MoneyHashes.requestId(request);
    }

    function voucherDigest(Voucher calldata voucher) external view returns (bytes32) {
        return MoneyHashes.digest(MoneyHashes.structHash(voucher));
    }

    function answerDigest(Answer calldata answer) external view returns (bytes32) {
        return MoneyHashes.digest(MoneyHashes.structHash(answer));
    }

    function cancelDigest(Cancel calldata cancel) external view returns (bytes32) {
        return MoneyHashes.digest(MoneyHashes.structHash(cancel));
    }

    function receiptDigest(Receipt calldata receipt) external view returns (bytes32) {
        return MoneyHashes.digest(MoneyHashes.structHash(receipt));
    }

    function voucherSigner(Voucher calldata voucher, Signature calldata signature) external view returns (address) {
        return MoneyHashes.signerOf(MoneyHashes.structHash(voucher), signature.r, signature.vs);
    }

    function channelOf(address payer, address worker) external pure returns (bytes32) {
        return MoneyHashes.channelOf(payer, worker);
    }

    function paymentHash(Voucher calldata voucher, Signature calldata signature) external pure returns (bytes32) {
        return MoneyHashes.paymentHash(voucher, signature);
    }

    function cutPaymentHash(
        Voucher calldata voucher,
        Signature calldata signature,
        Cancel calldata cancel,
        Signature calldata cancelSignature
    ) external pure returns (bytes32) {
        return MoneyHashes.paymentHash(voucher, signature, cancel, cancelSignature);
    }

    function receiptRow(Receipt calldata receipt, bytes32 payment, uint128[10] calldata sums)
        external
        pure
        returns (bytes memory)
    {
        return SumTrees.rowOf(MoneyHashes.receiptLeaf(receipt, payment), sums);
    }

    function entryRow(AttributionEntry calldata entry, uint128[4] calldata sums) external pure returns (bytes memory) {
        return SumTrees.rowOf(MoneyHashes.entryLeaf(entry), sums);
    }

    function creditRow(Credit calldata credit) external pure returns (bytes memory) {
        return SumTrees.rowOf(MoneyHashes.creditLeaf(credit), credit.amount);
    }

    function payoutRow(Payout calldata payout) external pure returns (bytes memory) {
        return SumTrees.rowOf(MoneyHashes.payoutLeaf(payout), payout.cumulative);
    }

    function poolPayee(uint8 kind, uint64 id) external pure returns (address) {
        return MoneyHashes.poolPayee(kind, id);
    }

    function isPool(address payee) external pure returns (bool) {
        return MoneyHashes.isPool(payee);
    }

    function indexSetHash(bytes32[] calldata ids) external pure returns (bytes32) {
        return MoneyHashes.indexSetHash(ids);
    }

    function royaltyHash(RoyaltyRow[] calldata rows) external pure returns (bytes32) {
        return MoneyHashes.royaltyHash(rows);
    }

    function segmentsHash(Segment[] calldata segments) external pure returns (bytes32) {
        return MoneyHashes.segmentsHash(segments);
    }

    function batchHash(BatchHeader calldata header) external pure returns (bytes32) {
        return MoneyHashes.batchHash(header);
    }

    function epochHash(EpochHeader calldata header) external pure returns (bytes32) {
        return MoneyHashes.epochHash(header);
    }

    function feeOf(uint32 tin, uint32 tout, Price calldata price, Shares calldata shares)
        external
        pure
        returns (uint256)
    {
        return Fees.feeOf(tin, tout, price, shares);
    }

    function receiptSums(uint128 fee, uint32 tin, uint32 tout, uint32 entries, Shares calldata shares, bool hasBuilder)
        external
        pure
        returns (uint128[10] memory)
    {
        return Fees.rowSums(fee, tin, tout, entries, Fees.split(fee, shares, hasBuilder));
    }

    function amountOf(uint128 pool, uint128 weight, uint128 weights) external pure returns (uint128) {
        return Fees.amountOf(pool, weight, weights);
    }

    function penalty(Fault fault, uint256 feeBase, uint256 stake) external pure returns (uint256, uint64) {
        return Faults.penalty(fault, feeBase, stake);
    }

    function open(bytes32 root, uint256 n, uint256 index, bytes calldata row, bytes calldata siblings)
        external
        pure
        returns (bytes memory prefix, bytes memory totals)
    {
        return SumTrees.open(root, n, index, row, siblings);
    }

    function payoutOpens(bytes32 root, uint32 count, Payout calldata payout, bytes calldata siblings)
        external
        pure
        returns (bool)
    {
        return PayoutTree.opens(root, count, payout, siblings);
    }

    function isRoot(bytes32 root, uint256 n, bytes calldata sums, bytes32 topHash) external pure returns (bool) {
        return SumTrees.isRoot(root, n, sums, topHash);
    }

    function sumAt(bytes calldata sums, uint256 place) external pure returns (uint128) {
        return SumTrees.at(sums, place);
    }
}
