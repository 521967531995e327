// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Initializable } from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import { BPS, Shares } from "../lib/MoneyTypes.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { IRevenueSplitter } from "./interfaces/IRevenueSplitter.sol";

/// @title RevenueSplitter
/// @notice How a fee is split: the platform's fixed part, then model, stakers, worker and builder by basis points of the rest,
///         and what is left to the contributors. Predeploy 0x4f4c…0007.
///
/// Versions count from 1 and never change. A price names the version in force when it was set, so that a new split touches no
/// fee agreed before. The Timelock sets it, within bounds that only an upgrade moves.
contract RevenueSplitter is IRevenueSplitter, Initializable {
    event SharesSet(
        uint32 indexed version, uint128 platformFee, uint16 betaBps, uint16 gammaBps, uint16 omegaBps, uint16 rhoBps
    );

    error NotTimelock(address caller);
    error PlatformFeeTooHigh(uint128 platformFee, uint128 max);
    error ContributorsTooLow(uint256 contributorsBps, uint256 min);
    error UnknownShares(uint32 version);

    /// @notice At most 2,000 bps of a small answer's fee of 0.005, in wei: the platform's part is fixed, whatever the fee.
    uint128 public constant PLATFORM_FEE_MAX = 0.001 ether;
    /// @notice At least this much of the fee less the platform's part goes to contributors.
    uint256 public constant CONTRIBUTORS_BPS_MIN = 3_000;

    uint32 public currentShares;
    mapping(uint32 version => Shares) private _shares;

    constructor() {
        _disableInitializers();
    }

    /// @notice Sets version 1: 0.0001 to the platform; 20 % model, 15 % stakers, 15 % worker, 50 % contributors.
    function initialize() external initializer {
        _set(Shares({ platformFee: 0.0001 ether, betaBps: 2_000, gammaBps: 1_500, omegaBps: 1_500, rhoBps: 0 }));
    }

    /// @notice Sets the next version, taken by prices set from now on.
    function setShares(Shares calldata shares) external returns (uint32 version) {
        if (msg.sender != Predeploys.TIMELOCK) revert NotTimelock(msg.sender);
        return _set(shares);
    }

    function sharesOf(uint32 version) external view returns (Shares memory) {
        if (version == 0 || version > currentShares) revert UnknownShares(version);
        return _shares[version];
    }

    function _set(Shares memory shares) private returns (uint32 version) {
        if (shares.platformFee > PLATFORM_FEE_MAX) revert PlatformFeeTooHigh(shares.platformFee, PLATFORM_FEE_MAX);
        uint256 others = uint256(shares.betaBps) + shares.gammaBps + shares.omegaBps + shares.rhoBps;
        if (others > BPS - CONTRIBUTORS_BPS_MIN) {
            revert ContributorsTooLow(others < BPS ? BPS - others : 0, CONTRIBUTORS_BPS_MIN);
        }
        version = ++currentShares;
        _shares[version] = shares;
        emit SharesSet(
            version, shares.platformFee, shares.betaBps, shares.gammaBps, shares.omegaBps, shares.rhoBps
        );
    }
}
