// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Interest
/// @notice Continuous interest in integers: `amount·e^(rate·time/365 days)`, rounded down.
///
/// The series of e^x in units of 2^-120. With x ≤ 1 it has at most 36 terms that are not 0; each is short by less than 3 units, and
/// what follows them is less than 3. So e^x is short by less than 2^7 units, and an amount up to 2^90 wei (all OPEN) by less than
/// 2^-23 wei before it is rounded: the result is the exact one rounded down, or a wei less, and never falls as time passes.
library Interest {
    uint256 internal constant YEAR = 365 days;
    /// @dev 1 as a rate: 100 % a year.
    uint256 internal constant WAD = 1e18;
    uint256 private constant ONE = 1 << 120;

    /// @param amount At most 2^128.
    /// @param rate A year's, in 1e-18; `rate · time` at most a year at 100 %.
    /// @param time Seconds.
    function compound(uint256 amount, uint256 rate, uint256 time) internal pure returns (uint256) {
        return amount * _exp(rate * time * ONE / (YEAR * WAD)) >> 120;
    }

    function _exp(uint256 x) private pure returns (uint256 sum) {
        uint256 term = ONE;
        for (uint256 n = 1; term != 0; n++) {
            sum += term;
            term = term * x / n >> 120;
        }
    }
}
