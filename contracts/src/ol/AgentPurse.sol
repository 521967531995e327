// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Predeploys } from "../lib/Predeploys.sol";

/// @title AgentPurse
/// @notice One agent's money. It is the payer of the agent's requests and the home of its channels, and does what AgentSpending
///         says and nothing else.
contract AgentPurse {
    error NotAllowed(address caller);

    /// @notice Only AgentSpending. Reverts as the callee does.
    function execute(address to, uint256 value, bytes calldata data) external returns (bytes memory result) {
        if (msg.sender != Predeploys.AGENT_SPENDING) revert NotAllowed(msg.sender);
        bool ok;
        (ok, result) = to.call{ value: value }(data);
        if (ok) return result;
        assembly ("memory-safe") {
            revert(add(result, 32), mload(result))
        }
    }

    /// @notice Anyone may add to it.
    receive() external payable { }
}
