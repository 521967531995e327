// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { EpochRecord } from "../lib/EpochRecords.sol";
import { Fees } from "../lib/Fees.sol";
import {
    AttributionEntry,
    BUILDER,
    CLASS_A,
    CLASS_M,
    CLASS_W,
    CONTRIBUTORS,
    Credit,
    EpochHeader,
    MODEL,
    Payout,
    POOL_BUILDER,
    POOL_CONTRIBUTORS,
    POOL_MODEL,
    POOL_WORKER,
    WORKER
} from "../lib/MoneyTypes.sol";
import { OpenedCredit, OpenedEntry, OpenedPayout, OpenedReceipt, Openings } from "../lib/Openings.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { SumTrees } from "../lib/SumTrees.sol";
import { IInferenceMarket } from "./interfaces/IInferenceMarket.sol";

/// @dev What an epoch can be found wrong in.
enum EpochFault {
    BadAmount,
    CreditsUnsorted,
    PayoutUnsorted,
    BadCumulative,
    BadTotal
}

/// @dev The place `at` of sorted credits, 0 to n: `before` is leaf at − 1 and does not count at 0, `behind` is leaf `at`
///      and does not count at n.
struct CreditCut {
    uint32 at;
    OpenedCredit before;
    OpenedCredit behind;
}

/// @dev The like of the payouts under the parent's root, which has `n` of them.
struct PayoutCut {
    uint32 n;
    uint32 at;
    OpenedPayout before;
    OpenedPayout behind;
}

/// @title EpochJudge
/// @notice Whether an epoch is provably wrong: `BadAmount`, `CreditsUnsorted`, `PayoutUnsorted`, `BadCumulative`,
///         `BadTotal`. Predeploy 0x4f4c…0025; asked as ReceiptJudge is.
///
/// **Why these suffice.** Let every leaf of both trees open (what does not is demanded by a data request, and its silence
/// reverts the epoch), and let no challenge hold. Let E be the entries of the epoch's live receipts.
///
/// 1. Each credit points at a receipt of the epoch that is not void and at one of its entries, and has that entry's payee and
///    amount (no BadAmount). So its payee and amount are functions of its pointer (receipt, entry).
/// 2. Credits ascend strictly by (payee, receipt, entry) (no CreditsUnsorted): no two are equal, and as the pointer fixes the
///    payee, no two have one pointer.
/// 3. There are |E| credits (checked at proposal). |E| different pointers into E: every entry has exactly one credit.
///    Omission needs no proof. A void receipt has no credits, and its entries are not in E.
/// 4. The credits add up to creditsSum (no BadTotal: nothing hides in the padding), so differences of prefix sums are sums
///    of listed credits.
/// 5. Payouts ascend strictly by payee (no PayoutUnsorted), so every payee is listed at most once, and each cumulative is the
///    parent's plus the payee's credits (no BadCumulative). A payee in neither is not listed.
/// 6. The listed cumulatives add up to payoutSum (no BadTotal) = the parent's payoutSum + creditsSum (checked at proposal),
///    which is the same over all payees of the parent or the credits, by 4 and the parent's own 6. All terms are at least
///    zero, so whoever is left out is owed zero.
///
/// Hence every payee's cumulative is right, absent payees have nothing, and dust (pool − creditsSum) is at most one wei an
/// entry where every receipt's weights are right. Amounts of a pool never exceed it, whatever its weights: an epoch over
/// batches that should have been challenged can still be proposed. Against the root of no epoch every payee's former cumulative is zero. The parent is the root that the ledger let
/// the epoch stand on; a wrong one is challenged itself and takes its descendants along.
///
/// **Why an honest epoch stands.** Its leaves are what 1 to 6 say. A cut of strictly sorted leaves is unique, and the
/// ranges and absences that BadCumulative reads are cuts; everything else is read of one or two opened leaves. Which receipts
/// are void, and their numbers, are fixed when their batches mature, before an epoch may take them.
contract EpochJudge {
    /// @notice The arguments open, and show nothing wrong.
    error NoFault();
    error NotNeighbours(uint32 index, uint32 next);
    /// @notice The batch does not hold the credit's receipt.
    error NotInBatch(uint64 batchId, uint256 receipt);
    error WrongReceipt(uint256 expected, uint256 actual);
    error WrongEntry(uint32 expected, uint32 actual);
    /// @notice The leaves beside the cut do not stand on the two sides of the payee.
    error NotTheCut(uint32 at);

    /// @notice A credit of a receipt that the epoch does not have.
    function badCreditReceipt(EpochRecord calldata record, OpenedCredit calldata opened)
        external
        view
        returns (EpochFault)
    {
        EpochHeader calldata header = record.header;
        Openings.credit(header, opened);
        uint256 receipts = _receiptsThrough(header.lastBatch) - _receiptsThrough(header.firstBatch - 1);
        if (opened.credit.receipt < receipts) revert NoFault();
        return EpochFault.BadAmount;
    }

    /// @notice A credit of a void receipt, which stands in batch `batchId`.
    function badVoidCredit(EpochRecord calldata record, OpenedCredit calldata opened, uint64 batchId)
        external
        view
        returns (EpochFault)
    {
        Openings.credit(record.header, opened);
        uint32 index = _indexIn(record.header, opened.credit.receipt, batchId);
        if (!_market().isVoid(batchId, index)) revert NoFault();
        return EpochFault.BadAmount;
    }

    /// @notice A credit of an entry that its receipt does not have.
    function badCreditEntry(EpochRecord calldata record, OpenedCredit calldata opened, OpenedReceipt calldata receipt)
        external
        view
        returns (EpochFault)
    {
        Openings.credit(record.header, opened);
        _requireReceipt(record.header, opened.credit, receipt);
        if (opened.credit.entry < receipt.receipt.attrEntries) revert NoFault();
        return EpochFault.BadAmount;
    }

    /// @notice A credit with another payee or amount than its entry.
    function badAmount(
        EpochRecord calldata record,
        OpenedCredit calldata opened,
        OpenedReceipt calldata receipt,
        OpenedEntry calldata at
    ) external view returns (EpochFault) {
        Openings.credit(record.header, opened);
        _requireReceipt(record.header, opened.credit, receipt);
        bytes memory weights = Openings.entry(receipt.receipt.attrRoot, at);
        AttributionEntry calldata entry = at.entry;
        if (entry.index != opened.credit.entry) revert WrongEntry(opened.credit.entry, entry.index);
        uint256 pool = _poolOf(entry.class);
        // The row's weight, which the tree sums up: where it is not the leaf's, nobody challenged that in time.
        uint128 amount =
            Fees.amountOf(receipt.sums[_shareOf(pool)], at.sums[pool], SumTrees.at(weights, pool));
        if (opened.credit.payee == entry.payee && opened.credit.amount == amount) revert NoFault();
        return EpochFault.BadAmount;
    }

    /// @notice Credit k+1 does not stand behind credit k by (payee, receipt, entry).
    function creditsUnsorted(EpochRecord calldata record, OpenedCredit calldata at, OpenedCredit calldata next)
        external
        pure
        returns (EpochFault)
    {
        Openings.credit(record.header, at);
        Openings.credit(record.header, next);
        _requireNeighbours(at.credit.index, next.credit.index);
        if (_key(at.credit) < _key(next.credit)) revert NoFault();
        return EpochFault.CreditsUnsorted;
    }

    /// @notice Payout k+1 does not stand behind payout k by payee.
    function payoutUnsorted(EpochRecord calldata record, OpenedPayout calldata at, OpenedPayout calldata next)
        external
        pure
        returns (EpochFault)
    {
        EpochHeader calldata header = record.header;
        Openings.payout(header.payoutRoot, header.payoutCount, at);
        Openings.payout(header.payoutRoot, header.payoutCount, next);
        _requireNeighbours(at.payout.index, next.payout.index);
        if (at.payout.payee < next.payout.payee) revert NoFault();
        return EpochFault.PayoutUnsorted;
    }

    /// @notice A payout that is not the parent's plus the payee's credits, or whose payee is in neither.
    /// @param parent where the payee stands, or would, among the parent's payouts; does not count where there is no parent
    /// @param lower  the cut before the payee's first credit
    /// @param upper  the cut behind its last
    function badCumulative(
        EpochRecord calldata record,
        OpenedPayout calldata opened,
        PayoutCut calldata parent,
        CreditCut calldata lower,
        CreditCut calldata upper
    ) external pure returns (EpochFault) {
        EpochHeader calldata header = record.header;
        Payout calldata payout = opened.payout;
        Openings.payout(header.payoutRoot, header.payoutCount, opened);
        (bool listed, uint256 former) = _formerly(header.parentRoot, parent, payout.payee);
        uint256 from = _cut(header, lower, payout.payee, false);
        uint256 to = _cut(header, upper, payout.payee, true);
        if (!listed && lower.at == upper.at) return EpochFault.BadCumulative;
        // With unsorted credits `to` may be before `from`; that is another challenge's matter, and underflows here.
        if (payout.cumulative == former + (to - from)) revert NoFault();
        return EpochFault.BadCumulative;
    }

    /// @notice The credits do not add up to creditsSum: rows hide in the padding behind the last.
    function badCreditsTotal(EpochRecord calldata record, bytes32 lastHash, uint128 lastAmount, bytes calldata siblings)
        external
        pure
        returns (EpochFault)
    {
        EpochHeader calldata header = record.header;
        return _badTotal(header.creditsRoot, header.creditsCount, SumTrees.rowOf(lastHash, lastAmount), siblings);
    }

    /// @notice The payouts do not add up to payoutSum: rows hide in the padding behind the last.
    function badPayoutsTotal(
        EpochRecord calldata record,
        bytes32 lastHash,
        uint128 lastCumulative,
        bytes calldata siblings
    ) external pure returns (EpochFault) {
        EpochHeader calldata header = record.header;
        return _badTotal(header.payoutRoot, header.payoutCount, SumTrees.rowOf(lastHash, lastCumulative), siblings);
    }

    function _badTotal(bytes32 root, uint32 n, bytes memory last, bytes calldata siblings)
        private
        pure
        returns (EpochFault)
    {
        (bytes memory prefix, bytes memory totals) = SumTrees.open(root, n, n - 1, last, siblings);
        uint128 own;
        assembly ("memory-safe") {
            own := shr(128, mload(add(last, 64)))
        }
        if (uint256(SumTrees.at(prefix, 0)) + own == SumTrees.at(totals, 0)) revert NoFault();
        return EpochFault.BadTotal;
    }

    /// @dev Sum of the credits before a cut that stands before the payee's credits, or behind them.
    function _cut(EpochHeader calldata header, CreditCut calldata cut, address payee, bool behindPayee)
        private
        pure
        returns (uint256 sum)
    {
        if (cut.at > 0) {
            address left = cut.before.credit.payee;
            bool right = cut.before.credit.index == cut.at - 1 && (behindPayee ? left <= payee : left < payee);
            if (!right) revert NotTheCut(cut.at);
            sum = Openings.credit(header, cut.before) + cut.before.credit.amount;
        }
        if (cut.at < header.creditsCount) {
            address next = cut.behind.credit.payee;
            bool right = cut.behind.credit.index == cut.at && (behindPayee ? next > payee : next >= payee);
            if (!right) revert NotTheCut(cut.at);
            Openings.credit(header, cut.behind);
        } else if (cut.at > header.creditsCount) {
            revert NotTheCut(cut.at);
        }
    }

    /// @dev The payee's payout under the parent's root.
    function _formerly(bytes32 root, PayoutCut calldata cut, address payee)
        private
        pure
        returns (bool listed, uint256 cumulative)
    {
        if (root == bytes32(0)) return (false, 0);
        if (cut.at > cut.n || cut.n == 0) revert NotTheCut(cut.at);
        if (cut.at > 0) {
            Payout calldata left = cut.before.payout;
            if (left.index != cut.at - 1 || left.payee >= payee) revert NotTheCut(cut.at);
            Openings.payout(root, cut.n, cut.before);
        }
        if (cut.at < cut.n) {
            Payout calldata next = cut.behind.payout;
            if (next.index != cut.at || next.payee < payee) revert NotTheCut(cut.at);
            Openings.payout(root, cut.n, cut.behind);
            if (next.payee == payee) return (true, next.cumulative);
        }
    }

    function _requireReceipt(EpochHeader calldata header, Credit calldata credit, OpenedReceipt calldata receipt)
        private
        view
    {
        Openings.requireReceipt(receipt);
        uint32 index = _indexIn(header, credit.receipt, receipt.header.batchId);
        if (receipt.index != index) revert WrongReceipt(index, receipt.index);
    }

    /// @dev Index in its batch of the epoch's receipt of this number.
    function _indexIn(EpochHeader calldata header, uint256 number, uint64 batchId) private view returns (uint32) {
        bool inside = batchId >= header.firstBatch && batchId <= header.lastBatch;
        if (!inside) revert NotInBatch(batchId, number);
        number += _receiptsThrough(header.firstBatch - 1);
        uint256 start = _receiptsThrough(batchId - 1);
        if (number < start || number >= _receiptsThrough(batchId)) revert NotInBatch(batchId, number);
        return uint32(number - start);
    }

    function _receiptsThrough(uint64 batchId) private view returns (uint256) {
        return _market().receiptsThrough(batchId);
    }

    function _market() private pure returns (IInferenceMarket) {
        return IInferenceMarket(Predeploys.INFERENCE_MARKET);
    }

    function _requireNeighbours(uint32 index, uint32 next) private pure {
        if (uint256(index) + 1 != next) revert NotNeighbours(index, next);
    }

    function _poolOf(uint8 class) private pure returns (uint256) {
        if (class == CLASS_M) return POOL_MODEL;
        if (class == CLASS_W) return POOL_WORKER;
        return class == CLASS_A ? POOL_BUILDER : POOL_CONTRIBUTORS;
    }

    /// @dev Where a pool's wei stand in a receipt's row.
    function _shareOf(uint256 pool) private pure returns (uint256) {
        if (pool == POOL_MODEL) return MODEL;
        if (pool == POOL_WORKER) return WORKER;
        return pool == POOL_BUILDER ? BUILDER : CONTRIBUTORS;
    }

    function _key(Credit calldata credit) private pure returns (uint256) {
        return (uint256(uint160(credit.payee)) << 64) | (uint256(credit.receipt) << 32) | credit.entry;
    }
}
