// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { TimelockController } from "@openzeppelin/contracts/governance/TimelockController.sol";

/// @title Timelock
/// @notice Owner and proxy admin of OpenLedger's predeploys but for those of MoneyTimelock, whose only proposer it is.
///         What it is told to do waits a day in public. Predeploy 0x4f4c…000e, no proxy.
contract Timelock is TimelockController {
    /// @param owner Proposes, cancels and executes until a Governor takes its place.
    constructor(address owner) TimelockController(1 days, _only(owner), _only(owner), address(0)) {}

    function _only(address account) private pure returns (address[] memory accounts) {
        accounts = new address[](1);
        accounts[0] = account;
    }
}
