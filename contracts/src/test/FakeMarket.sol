// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { MoneyHashes } from "../lib/MoneyHashes.sol";
import { BatchHeader, FEE, Segment, Totals } from "../lib/MoneyTypes.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { IRoyaltyVault } from "../ol/interfaces/IRoyaltyVault.sol";

/// @title FakeMarket
/// @notice What the AttributionLedger asks of the InferenceMarket, over batches and totals that a test sets.
contract FakeMarket {
    event Voided(uint64 batchId, uint256 segments);

    error NoTotals(uint64 batchId);

    mapping(uint64 batchId => Totals) private _totalsAt;
    /// @notice When a batch became mature, as if it had been committed then.
    mapping(uint64 batchId => uint64) public committedAtOf;
    mapping(uint64 batchId => bytes32) public batchHash;
    mapping(uint64 batchId => bool) public isBatchVoid;
    mapping(uint64 batchId => uint128) private _voidedFees;
    mapping(uint64 batchId => uint256) public holds;

    receive() external payable { }

    function mature(uint64 lastBatch, Totals calldata totals) external {
        _totalsAt[lastBatch] = totals;
        committedAtOf[lastBatch] = uint64(block.timestamp);
    }

    function commit(BatchHeader calldata header, uint128 voidedFees) external {
        batchHash[header.batchId] = MoneyHashes.batchHash(header);
        _voidedFees[header.batchId] = voidedFees;
    }

    function totalsAt(uint64 batchId) external view returns (Totals memory totals) {
        totals = _totalsAt[batchId];
        if (totals.receipts == 0) revert NoTotals(batchId);
    }

    function voidedSums(uint64 batchId) external view returns (uint128[10] memory sums) {
        sums[FEE] = _voidedFees[batchId];
    }

    function hold(uint64 batchId) external {
        holds[batchId]++;
    }

    function unhold(uint64 batchId) external {
        holds[batchId]--;
    }

    function voidBatch(BatchHeader calldata header, Segment[] calldata segments) external {
        isBatchVoid[header.batchId] = true;
        emit Voided(header.batchId, segments.length);
    }

    function payEpoch(uint128 credits, uint128 platform, uint128 stakers) external {
        uint256 value = uint256(credits) + platform + stakers;
        IRoyaltyVault(Predeploys.ROYALTY_VAULT).creditEpoch{ value: value }(credits, platform, stakers);
    }
}
