// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { DataKind, Demand, Demands, ServedEntry, ServedReceipt } from "../lib/Demands.sol";
import { MoneyHashes } from "../lib/MoneyHashes.sol";
import { Credit, Payout } from "../lib/MoneyTypes.sol";
import { Payment } from "../lib/Openings.sol";
import { SumTrees } from "../lib/SumTrees.sol";

/// @title AnswerJudge
/// @notice Whether an answer shows the leaf that was demanded. Predeploy 0x4f4c…0027.
///
/// A judge holds nothing. The AttributionLedger asks it with its own calldata, so that every function here has the
/// signature of one there; asked by eth_call it tells anybody whether an answer is good. It reverts where it is not.
contract AnswerJudge {
    error WrongKind(DataKind kind);
    error WrongIndex(uint32 demanded, uint32 served);
    /// @notice The request is not the receipt's.
    error WrongRequest(bytes32 requestId);
    error WrongTokenBytes(uint256 expected, uint256 actual);
    error WrongTokenSiblings(uint256 used, uint256 given);
    /// @notice The tokens do not stand there under the root.
    error WrongTokens(bytes32 root, uint32 index);

    function serveReceipt(Demand calldata demand, ServedReceipt calldata served) external view {
        _requireKind(demand, DataKind.Receipt);
        if (MoneyHashes.requestId(served.request) != served.receipt.requestId) {
            revert WrongRequest(served.receipt.requestId);
        }
        bytes32 leaf = MoneyHashes.receiptLeaf(served.receipt, _paymentHash(served));
        _open(demand, SumTrees.rowOf(leaf, served.sums), served.siblings);
    }

    function serveEntry(Demand calldata demand, ServedEntry calldata served) external pure {
        _requireKind(demand, DataKind.Entry);
        _requireIndex(demand, served.entry.index);
        _open(demand, SumTrees.rowOf(MoneyHashes.entryLeaf(served.entry), served.sums), served.siblings);
    }

    /// @param tokens   those of the leaf, u32 each
    /// @param siblings hashes beside its way up, where there are any
    function serveTokens(Demand calldata demand, bytes calldata tokens, bytes32[] calldata siblings) external pure {
        if (demand.kind != DataKind.Prompt && demand.kind != DataKind.Output) revert WrongKind(demand.kind);
        uint256 left = demand.count - demand.index * Demands.TOKENS_PER_LEAF;
        uint256 expected = 4 * (left < Demands.TOKENS_PER_LEAF ? left : Demands.TOKENS_PER_LEAF);
        if (tokens.length != expected) revert WrongTokenBytes(expected, tokens.length);
        bytes32 node = sha256(abi.encodePacked(uint8(0x00), demand.index, tokens));
        uint256 at = demand.index;
        uint256 used;
        for (uint256 width = Demands.leaves(demand); width > 1; width = (width + 1) / 2) {
            // The last node of an odd level goes up as it is.
            if (at & 1 == 1 || at + 1 < width) {
                if (used == siblings.length) revert WrongTokenSiblings(used + 1, siblings.length);
                bytes32 sibling = siblings[used++];
                (bytes32 l, bytes32 r) = at & 1 == 1 ? (sibling, node) : (node, sibling);
                node = sha256(abi.encodePacked(uint8(0x01), l, r));
            }
            at >>= 1;
        }
        if (used != siblings.length) revert WrongTokenSiblings(used, siblings.length);
        if (sha256(abi.encodePacked(uint8(0x02), demand.count, node)) != demand.root) {
            revert WrongTokens(demand.root, demand.index);
        }
    }

    function serveCredit(Demand calldata demand, Credit calldata credit, bytes calldata siblings) external pure {
        _requireKind(demand, DataKind.Credit);
        _requireIndex(demand, credit.index);
        _open(demand, SumTrees.rowOf(MoneyHashes.creditLeaf(credit), credit.amount), siblings);
    }

    function servePayout(Demand calldata demand, Payout calldata payout, bytes calldata siblings) external pure {
        _requireKind(demand, DataKind.Payout);
        _requireIndex(demand, payout.index);
        _open(demand, SumTrees.rowOf(MoneyHashes.payoutLeaf(payout), payout.cumulative), siblings);
    }

    function _requireKind(Demand calldata demand, DataKind kind) private pure {
        if (demand.kind != kind) revert WrongKind(demand.kind);
    }

    function _requireIndex(Demand calldata demand, uint32 index) private pure {
        if (demand.index != index) revert WrongIndex(demand.index, index);
    }

    function _open(Demand calldata demand, bytes memory row, bytes calldata siblings) private pure {
        SumTrees.open(demand.root, demand.count, demand.index, row, siblings);
    }

    function _paymentHash(ServedReceipt calldata served) private pure returns (bytes32) {
        Payment calldata payment = served.payment;
        if (served.onChain) return bytes32(0);
        if (!payment.cut) return MoneyHashes.paymentHash(payment.voucher, payment.signature);
        return MoneyHashes.paymentHash(
            payment.voucher, payment.signature, payment.cancel, payment.cancelSignature
        );
    }
}
