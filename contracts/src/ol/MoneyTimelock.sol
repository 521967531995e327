// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { TimelockController } from "@openzeppelin/contracts/governance/TimelockController.sol";

/// @title MoneyTimelock
/// @notice Owner and proxy admin of InferenceMarket, AttributionLedger, RoyaltyVault and DisputeGame. What the Timelock
///         queues here takes effect no sooner than max(14 days, 2 W) later, so that whoever disagrees has had the time to
///         take their money out. Anyone may execute what is due. Predeploy 0x4f4c…0022, no proxy.
contract MoneyTimelock is TimelockController {
    error DelayBelowFloor(uint256 delay, uint256 floor);

    uint256 public constant DELAY_MIN = 14 days;

    /// @notice Seconds below which the delay can never be set.
    uint256 public delayFloor;

    /// @param window The longer of the receipt and the epoch window, in seconds.
    /// @param proposer The Timelock.
    constructor(uint256 window, address proposer)
        TimelockController(_floorOf(window), _only(proposer), _only(address(0)), address(0))
    {
        delayFloor = _floorOf(window);
    }

    /// @inheritdoc TimelockController
    function updateDelay(uint256 newDelay) public override {
        if (newDelay < delayFloor) revert DelayBelowFloor(newDelay, delayFloor);
        super.updateDelay(newDelay);
    }

    function _floorOf(uint256 window) private pure returns (uint256) {
        return 2 * window > DELAY_MIN ? 2 * window : DELAY_MIN;
    }

    function _only(address account) private pure returns (address[] memory accounts) {
        accounts = new address[](1);
        accounts[0] = account;
    }
}
