// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { EpochRecord } from "../../lib/EpochRecords.sol";

/// @title IAttributionLedger
/// @notice What the other contracts ask of the AttributionLedger, 0x4f4c…0005.
interface IAttributionLedger {
    /// @notice `EpochRecords.hash` of the epoch that stands at this number; zero where none does.
    function epochHash(uint64 epoch) external view returns (bytes32);
    /// @notice Who proposes epochs first, and roots the workers' heartbeats.
    function attributor() external view returns (address);
    /// @notice Whether this is the rule of attribution in force at a time, Unix seconds.
    function isAlgoInForce(bytes32 algoHash, uint64 time) external view returns (bool);
    /// @notice Only DisputeGame. Takes back an unfinal epoch and all that stand on it.
    /// @return reward the half of its bond that went to `winner`
    function revertEpoch(EpochRecord calldata record, address winner) external returns (uint256 reward);
}
