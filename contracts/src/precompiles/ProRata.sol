// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title ProRata
/// @notice The one rounding rule of every split: each part is floored, what is left is dust. Precompile 0x4f4c…0015.
contract ProRata {
    /// @notice There is nothing to split by: no weights, or all of them zero.
    error NoWeight();

    /// @param pool    what is split, in any unit
    /// @return amounts `⌊pool · weight / Σ weights⌋` for each weight, in order
    /// @return dust    `pool − Σ amounts`, less than the number of weights
    function split(uint256 pool, uint64[] calldata weights)
        external
        pure
        returns (uint256[] memory amounts, uint256 dust)
    {
        uint256 total;
        for (uint256 i = 0; i < weights.length; i++) total += weights[i];
        if (total == 0) revert NoWeight();
        amounts = new uint256[](weights.length);
        dust = pool;
        for (uint256 i = 0; i < weights.length; i++) {
            amounts[i] = Math.mulDiv(pool, weights[i], total);
            dust -= amounts[i];
        }
    }
}
