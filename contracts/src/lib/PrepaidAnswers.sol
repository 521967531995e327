// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { GasPriceOracle } from "../l2/GasPriceOracle.sol";
import { Predeploys } from "./Predeploys.sol";
import { SafeSend } from "./SafeSend.sol";

/// @title PrepaidAnswers
/// @notice What demands for data have in common: who asks prepays the answer, which is due in time. MONEY §7.
library PrepaidAnswers {
    /// @notice Nobody has less time for an answer, in seconds.
    uint64 internal constant TIME_MIN = 10;

    /// @notice What is prepaid in this block for an answer of so much gas and so many bytes of its transaction: half more than it costs.
    function price(uint256 gas_, uint256 bytes_) internal view returns (uint256) {
        uint256 l1Fee = GasPriceOracle(Predeploys.GAS_PRICE_ORACLE).getL1FeeUpperBound(bytes_);
        return (gas_ * block.basefee + l1Fee) * 3 / 2;
    }

    /// @notice When an answer that has `time` from now on is due, not later than `last`.
    function dueAt(uint64 time, uint64 last) internal view returns (uint64) {
        uint64 due = uint64(block.timestamp) + (time > TIME_MIN ? time : TIME_MIN);
        return due < last ? due : last;
    }

    /// @notice Sends what the recipient can neither refuse nor react to.
    function send(address to, uint256 amount) internal {
        if (amount > 0) new SafeSend{ value: amount }(payable(to));
    }
}
