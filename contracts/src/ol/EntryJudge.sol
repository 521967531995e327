// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Fault } from "../lib/Faults.sol";
import { MoneyHashes } from "../lib/MoneyHashes.sol";
import {
    AttributionEntry,
    BUILDER,
    CLASS_A,
    CLASS_M,
    CLASS_U,
    CLASS_W,
    MODEL,
    POOL_BUILDER,
    POOL_CONTRIBUTORS,
    POOL_KIND_UNITS,
    POOL_MODEL,
    POOL_WORKER,
    ROYALTY_MODEL,
    RoyaltyRow,
    Segment,
    WEIGHT_TOTAL,
    WORKER
} from "../lib/MoneyTypes.sol";
import { OpenedEntry, OpenedReceipt, OpenedRequest, Openings } from "../lib/Openings.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { SumTrees } from "../lib/SumTrees.sol";
import { ICodePayouts } from "./interfaces/ICodePayouts.sol";
import { IDatanetPayouts } from "./interfaces/IDatanetPayouts.sol";
import { IModelRegistry } from "./interfaces/IModelRegistry.sol";

/// @title EntryJudge
/// @notice Whether a receipt's attribution entries are provably wrong in what needs no index of texts: the kinds of
///         `BadEntry` about form, order, pools and payees. Predeploy 0x4f4c…0024; asked as ReceiptJudge is.
contract EntryJudge {
    /// @notice The arguments open, and show nothing wrong.
    error NoFault();
    /// @notice These are not the sums and top hash that the receipt's attrRoot commits to.
    error WrongAttrRoot(bytes32 attrRoot);
    /// @notice The rows are not what the receipt's royaltyHash commits to.
    error WrongRoyaltyRows(bytes32 royaltyHash);
    /// @notice An entry of this class is judged by another function.
    error WrongClass(uint8 class);
    error NotNeighbours(uint32 index, uint32 next);

    /// @notice The receipt counts other entries than its attrRoot, or the weights of a pool do not add up: those of M, W and
    ///         the contributors to 1,000,000, or nothing where the pool's share is nothing; of A to 1,000,000 exactly where
    ///         there is a builder's share; of the contributors always.
    function badPools(
        OpenedReceipt calldata opened,
        Segment[] calldata,
        uint32 n,
        uint128[4] calldata weights,
        bytes32 topHash
    ) external view returns (Fault) {
        Openings.requireReceipt(opened);
        bytes memory packed = abi.encodePacked(weights[0], weights[1], weights[2], weights[3]);
        if (!SumTrees.isRoot(opened.receipt.attrRoot, n, packed, topHash)) {
            revert WrongAttrRoot(opened.receipt.attrRoot);
        }
        bool right = n == opened.receipt.attrEntries && _poolRight(weights[POOL_MODEL], opened.sums[MODEL])
            && _poolRight(weights[POOL_WORKER], opened.sums[WORKER])
            && weights[POOL_BUILDER] == (opened.sums[BUILDER] > 0 ? WEIGHT_TOTAL : 0)
            && weights[POOL_CONTRIBUTORS] == WEIGHT_TOTAL;
        if (right) revert NoFault();
        return Fault.WrongEntry;
    }

    /// @notice The weights are not those of the listed entries: rows hide in the padding behind the last.
    function badEntryTotal(
        OpenedReceipt calldata opened,
        Segment[] calldata,
        uint32 n,
        bytes32 lastHash,
        uint128[4] calldata lastSums,
        bytes calldata siblings
    ) external view returns (Fault) {
        Openings.requireReceipt(opened);
        bytes memory row = SumTrees.rowOf(lastHash, lastSums);
        (bytes memory prefix, bytes memory totals) =
            SumTrees.open(opened.receipt.attrRoot, n, n - 1, row, siblings);
        for (uint256 i = 0; i < 4; i++) {
            if (uint256(SumTrees.at(prefix, i)) + lastSums[i] != SumTrees.at(totals, i)) return Fault.WrongEntry;
        }
        revert NoFault();
    }

    /// @notice An entry is malformed, or pays somebody else than its class and id say, of all but A and M.
    function badEntry(OpenedReceipt calldata opened, Segment[] calldata, OpenedEntry calldata at)
        external
        view
        returns (Fault)
    {
        Openings.requireReceipt(opened);
        Openings.entry(opened.receipt.attrRoot, at);
        bool right = _formRight(at) && _payeeRight(at.entry, opened.header.worker, opened.header.committedAt);
        if (right) revert NoFault();
        return Fault.WrongEntry;
    }

    /// @notice Entry k+1 does not stand behind entry k by (class, id).
    function badEntryOrder(
        OpenedReceipt calldata opened,
        Segment[] calldata,
        OpenedEntry calldata at,
        OpenedEntry calldata next
    ) external view returns (Fault) {
        Openings.requireReceipt(opened);
        Openings.entry(opened.receipt.attrRoot, at);
        Openings.entry(opened.receipt.attrRoot, next);
        if (uint256(at.entry.index) + 1 != next.entry.index) revert NotNeighbours(at.entry.index, next.entry.index);
        if (_key(at.entry) < _key(next.entry)) revert NoFault();
        return Fault.WrongEntry;
    }

    /// @notice The app's entry pays somebody else than the request's code did when the batch was committed.
    function badAppEntry(
        OpenedReceipt calldata opened,
        Segment[] calldata,
        OpenedEntry calldata at,
        OpenedRequest calldata request
    ) external view returns (Fault) {
        Openings.requireReceipt(opened);
        Openings.entry(opened.receipt.attrRoot, at);
        if (at.entry.class != CLASS_A) revert WrongClass(at.entry.class);
        Openings.requireRequest(opened.receipt, request);
        ICodePayouts codes = ICodePayouts(Predeploys.CODE_REGISTRY);
        if (at.entry.payee == codes.payoutAt(request.appCode, opened.header.committedAt)) revert NoFault();
        return Fault.WrongEntry;
    }

    /// @notice A model's entry is not the row of the royalty vector that its id names.
    function badRoyaltyEntry(
        OpenedReceipt calldata opened,
        Segment[] calldata,
        OpenedEntry calldata at,
        RoyaltyRow[] calldata rows
    ) external view returns (Fault) {
        Openings.requireReceipt(opened);
        Openings.entry(opened.receipt.attrRoot, at);
        if (at.entry.class != CLASS_M) revert WrongClass(at.entry.class);
        if (MoneyHashes.royaltyHash(rows) != opened.receipt.royaltyHash) {
            revert WrongRoyaltyRows(opened.receipt.royaltyHash);
        }
        if (at.entry.id >= rows.length) return Fault.WrongEntry;
        RoyaltyRow calldata row = rows[at.entry.id];
        bool right = at.entry.weight == uint64(row.bps) * 100
            && at.entry.payee == _royaltyPayee(row, opened.header.committedAt);
        if (right) revert NoFault();
        return Fault.WrongEntry;
    }

    function _poolRight(uint128 weight, uint128 share) private pure returns (bool) {
        return weight == WEIGHT_TOTAL || (weight == 0 && share == 0);
    }

    /// @dev Its class is known, its weight is something and stands in the place of its pool alone.
    function _formRight(OpenedEntry calldata at) private pure returns (bool) {
        AttributionEntry calldata entry = at.entry;
        if (entry.class > CLASS_U || entry.weight == 0) return false;
        uint256 pool = entry.class == CLASS_M
            ? POOL_MODEL
            : entry.class == CLASS_W ? POOL_WORKER : entry.class == CLASS_A ? POOL_BUILDER : POOL_CONTRIBUTORS;
        for (uint256 i = 0; i < 4; i++) {
            if (at.sums[i] != (i == pool ? entry.weight : 0)) return false;
        }
        return true;
    }

    /// @dev M and A need the royalty vector and the request; of A only the id is fixed here.
    function _payeeRight(AttributionEntry calldata entry, address worker, uint64 committedAt)
        private
        view
        returns (bool)
    {
        if (entry.class == CLASS_M) return true;
        if (entry.class == CLASS_A) return entry.id == 0;
        if (entry.class == CLASS_W) return entry.id == 0 && entry.payee == worker;
        IDatanetPayouts datanets = IDatanetPayouts(Predeploys.DATANET_REGISTRY);
        if (entry.class == CLASS_U) {
            bool known = entry.id > 0 && entry.id <= datanets.datanetCount();
            return known && entry.payee == MoneyHashes.poolPayee(POOL_KIND_UNITS, entry.id);
        }
        address payout = datanets.payoutOfAt(entry.id, committedAt);
        return payout != address(0) && entry.payee == payout;
    }

    function _royaltyPayee(RoyaltyRow calldata row, uint64 committedAt) private view returns (address) {
        if (row.kind != ROYALTY_MODEL) return row.id;
        return IModelRegistry(Predeploys.MODEL_REGISTRY).payeeAt(uint64(uint160(row.id)), committedAt);
    }

    function _key(AttributionEntry calldata entry) private pure returns (uint256) {
        return (uint256(entry.class) << 64) | entry.id;
    }
}
