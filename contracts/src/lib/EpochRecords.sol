// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { EpochHeader, Totals } from "./MoneyTypes.sol";

/// @notice An epoch as it was proposed: its header, who proposed it when with what bond, and the market's live running
///         totals through its last batch.
struct EpochRecord {
    EpochHeader header;
    address proposer;
    uint64 proposedAt;
    uint128 bond;
    Totals totals;
}

/// @notice What the next epoch needs of an epoch; `proposal` commits to the rest of its record.
struct EpochState {
    bytes32 proposal;
    bytes32 payoutRoot;
    uint128 payoutSum;
    uint64 lastBatch;
    Totals totals;
}

/// @title EpochRecords
/// @notice Hashes of epochs. MONEY §6.
library EpochRecords {
    /// @notice What the ledger stores of an epoch: the hash of its state.
    function hash(EpochRecord calldata record) internal pure returns (bytes32) {
        return hashOf(record.header, record.proposer, record.proposedAt, record.bond, record.totals);
    }

    function hashOf(
        EpochHeader calldata header,
        address proposer,
        uint64 proposedAt,
        uint128 bond,
        Totals memory totals
    ) internal pure returns (bytes32) {
        bytes32 proposal;
        assembly ("memory-safe") {
            // abi.encode(header, proposer, proposedAt, bond). A word of the header with bits that its type lacks would hash
            // to what nothing opens.
            let words := mload(0x40)
            calldatacopy(words, header, 384)
            mstore(add(words, 384), proposer)
            mstore(add(words, 416), proposedAt)
            mstore(add(words, 448), bond)
            proposal := keccak256(words, 480)
        }
        return keccak256(abi.encode(proposal, header.payoutRoot, header.payoutSum, header.lastBatch, totals));
    }

    /// @notice The hash that `state` opens: `keccak256(abi.encode(state))`.
    function hash(EpochState calldata state) internal pure returns (bytes32 hash_) {
        assembly ("memory-safe") {
            let words := mload(0x40)
            calldatacopy(words, state, 288)
            hash_ := keccak256(words, 288)
        }
    }

    function isZero(EpochState calldata state) internal pure returns (bool) {
        Totals calldata totals = state.totals;
        return state.payoutSum | totals.payable_ | totals.platform | totals.stakers == 0
            && state.lastBatch | totals.receipts | totals.entries == 0
            && state.payoutRoot | state.proposal == bytes32(0);
    }
}
