// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { TimelockController } from "@openzeppelin/contracts/governance/TimelockController.sol";

/// @title Timelock
/// @notice Owner and proxy admin of OpenLedger's predeploys but for those of MoneyTimelock, whose only proposer it is.
///         What the Governor queues here waits in public, can be executed by anyone once it is due, and by nobody once
///         `gracePeriod` more has passed. Predeploy 0x4f4c…000e, no proxy.
contract Timelock is TimelockController {
    /// @notice Seconds after an operation is due until it expires. Fixed.
    uint256 public gracePeriod;

    /// @param delay Seconds between queueing and execution; what is queued may change it.
    /// @param governor Proposes and cancels; zero: there is none.
    /// @param proposer Proposes and cancels beside the Governor; zero: nobody does.
    constructor(uint256 delay, uint256 grace, address governor, address proposer)
        TimelockController(delay, _given(governor, proposer), new address[](1), address(0))
    {
        gracePeriod = grace;
    }

    /// @notice What expired is as if it had never been queued: nobody executes it, and it can be queued anew.
    function getOperationState(bytes32 id) public view override returns (OperationState state) {
        state = super.getOperationState(id);
        if (state == OperationState.Ready && block.timestamp > getTimestamp(id) + gracePeriod) {
            return OperationState.Unset;
        }
    }

    function _given(address governor, address proposer) private pure returns (address[] memory accounts) {
        accounts = new address[]((governor == address(0) ? 0 : 1) + (proposer == address(0) ? 0 : 1));
        if (governor != address(0)) accounts[0] = governor;
        if (proposer != address(0)) accounts[accounts.length - 1] = proposer;
    }
}
