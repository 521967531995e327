// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { AgentFault } from "../../lib/AgentFaults.sol";

/// @title IAgentRegistry
/// @notice What the other agent contracts ask of the AgentRegistry, 0x4f4c…000a.
interface IAgentRegistry {
    /// @notice Reverts where there is no such agent.
    function ownerOf(uint256 agentId) external view returns (address);
    /// @notice The owner, or whom it approved for this agent or for all of its.
    function isOwnerOrOperator(uint256 agentId, address account) external view returns (bool);
    /// @notice Only AgentTrails. Takes what `AgentFaults` says: half is burned, half sent along with the answer.
    function slash(uint256 agentId, AgentFault fault) external returns (uint256 amount, uint256 reward);
    /// @notice Only AgentTrails. While an agent is locked its unbonded stake is not paid.
    function lock(uint256 agentId) external;
    function unlock(uint256 agentId) external;
}
