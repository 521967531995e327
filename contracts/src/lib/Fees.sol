// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { BPS, Price, Shares, WEIGHT_TOTAL } from "./MoneyTypes.sol";

/// @title Fees
/// @notice What an inference costs and who gets how much of it; docs/MONEY.md §3.
library Fees {
    /// @notice Parts of one fee, in wei.
    struct Split {
        uint128 platform;
        uint128 model;
        uint128 stakers;
        uint128 worker;
        uint128 builder;
        uint128 contributors;
    }

    /// @notice A fee that the platform's part exceeds cannot be split.
    error FeeBelowPlatform(uint128 fee, uint128 platformFee);

    /// @notice The fee in wei. One above u128 can be on no receipt.
    function feeOf(uint32 tin, uint32 tout, Price memory price, Shares memory shares) internal pure returns (uint256) {
        return (uint256(tin) * price.rin + uint256(tout) * price.rout + 999) / 1000 + shares.platformFee;
    }

    /// @notice Splits a fee. `hasBuilder`: the request's app code was registered when the batch was committed.
    function split(uint128 fee, Shares memory shares, bool hasBuilder) internal pure returns (Split memory parts) {
        if (fee < shares.platformFee) revert FeeBelowPlatform(fee, shares.platformFee);
        uint256 net = fee - shares.platformFee;
        parts.platform = shares.platformFee;
        parts.model = _part(net, shares.betaBps);
        parts.stakers = _part(net, shares.gammaBps);
        parts.worker = _part(net, shares.omegaBps);
        if (hasBuilder) parts.builder = _part(net, shares.rhoBps);
        parts.contributors = uint128(net - parts.model - parts.stakers - parts.worker - parts.builder);
    }

    /// @notice Sums of a receipt's row.
    function rowSums(uint128 fee, uint32 tin, uint32 tout, uint32 entries, Split memory parts)
        internal
        pure
        returns (uint128[10] memory)
    {
        return [
            fee,
            tin,
            tout,
            entries,
            parts.platform,
            parts.model,
            parts.stakers,
            parts.worker,
            parts.builder,
            parts.contributors
        ];
    }

    /// @notice What an entry of this weight receives of its pool, whose entries have `weights` in all: 1,000,000 in every
    ///         right receipt. Of one with more that nobody challenged, each is paid so much less: never more than the pool.
    function amountOf(uint128 pool, uint128 weight, uint128 weights) internal pure returns (uint128) {
        uint256 units = weights > WEIGHT_TOTAL ? weights : WEIGHT_TOTAL;
        return uint128(uint256(pool) * weight / units);
    }

    function _part(uint256 net, uint16 bps) private pure returns (uint128) {
        return uint128(net * bps / BPS);
    }
}
