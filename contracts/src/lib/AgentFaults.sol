// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @dev What an agent can be found guilty of; each is shown by what it signed, anchored, or left unanswered.
enum AgentFault {
    OverRequest,
    OverDay,
    ForbiddenModel,
    TwoTrails,
    ForgedLeg
}

/// @title AgentFaults
/// @notice What each fault costs an agent, of its stake; docs/AGENTS.md.
library AgentFaults {
    uint256 private constant BPS = 10_000;

    /// @param stake everything that can be slashed, in wei
    /// @return wei that are taken
    function penalty(AgentFault fault, uint256 stake) internal pure returns (uint256) {
        return stake * bpsOf(fault) / BPS;
    }

    function bpsOf(AgentFault fault) internal pure returns (uint256) {
        if (fault == AgentFault.OverRequest || fault == AgentFault.ForbiddenModel) return 1_000;
        if (fault == AgentFault.OverDay) return 2_000;
        return 5_000;
    }
}
