// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Request } from "../../lib/MoneyTypes.sol";

/// @title IAgentMarket
/// @notice What AgentSpending does on the InferenceMarket, 0x4f4c…0003, for agents.
interface IAgentMarket {
    function open(Request calldata request) external payable returns (bytes32 requestId);
    function depositFor(address payer, address worker) external payable;
    function claimRefund(address to) external returns (uint256 amount);
    /// @notice Where a payer's channels give their money back; zero where it decides each time.
    function homeOf(address payer) external view returns (address);
    /// @notice Only the payer's home: asks for its deposit with a worker.
    function recall(address payer, address worker, uint128 amount) external;
}
