// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title IAgentSpending
/// @notice What AgentTrails asks of AgentSpending, 0x4f4c…0041.
interface IAgentSpending {
    /// @notice A key's policy: fixed when it was granted. `agentId` is zero where the key never had one.
    struct Session {
        uint256 agentId;
        address owner;
        uint64 grantedAt;
        uint64 until;
        uint128 perRequest;
        uint128 perDay;
        bool revoked;
        bool anyModel;
        bool anyWorker;
    }

    function sessionOf(address key) external view returns (Session memory);
    function mayUse(address key, uint64 modelId) external view returns (bool);
    /// @notice Where an agent's money is.
    function purseOf(uint256 agentId) external view returns (address);
    /// @notice wei that an agent paid under a reference.
    function paidUnder(uint256 agentId, bytes32 ref) external view returns (uint256);
    /// @notice True while the key may act for its agent.
    function isLive(address key) external view returns (bool);
}
