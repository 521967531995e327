// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Fault } from "../../lib/Faults.sol";

/// @title IWorkerRegistry
/// @notice What the other contracts ask of the WorkerRegistry, 0x4f4c…0004.
interface IWorkerRegistry {
    function stakeOf(address worker) external view returns (uint256);
    /// @notice Registered, staked and not in jail.
    function isActive(address worker) external view returns (bool);
    /// @notice When the worker registered; zero where it never did.
    function registeredAt(address worker) external view returns (uint64);
    /// @notice Only DisputeGame and AttributionLedger. Takes what `Faults` says, half to `beneficiary`, half burned.
    function slash(address worker, Fault fault, uint256 feeBase, address beneficiary) external returns (uint256 amount);
}
