// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Initializable } from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import { MoneyHashes } from "../lib/MoneyHashes.sol";
import { BPS, POOL_KIND_STAKERS, POOL_KIND_TREASURY } from "../lib/MoneyTypes.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { ISharesCalculator } from "./interfaces/ISharesCalculator.sol";

/// @title FeeShares
/// @notice Divides the chain's gas fees between the stakers' pool and the treasury's. Predeploy 0x4f4c…003e.
contract FeeShares is ISharesCalculator, Initializable {
    event StakersShareSet(uint16 stakersBps);

    error NotTimelock(address caller);
    error StakersShareOutOfBounds(uint16 stakersBps, uint16 min, uint16 max);

    uint16 public constant STAKERS_BPS_MIN = 1_000;
    uint16 public constant STAKERS_BPS_MAX = 9_000;

    /// @notice The stakers' part in basis points; the rest is the treasury's.
    uint16 public stakersBps;

    constructor() {
        _disableInitializers();
    }

    /// @notice Half and half.
    function initialize() external initializer {
        _set(5_000);
    }

    function setStakersBps(uint16 to) external {
        if (msg.sender != Predeploys.TIMELOCK) revert NotTimelock(msg.sender);
        _set(to);
    }

    /// @notice Rounded to the treasury's favour.
    function getRecipientsAndAmounts(uint256 sequencerFees, uint256 baseFees, uint256 operatorFees, uint256 l1Fees)
        external
        view
        returns (ShareInfo[] memory shares)
    {
        uint256 revenue = sequencerFees + baseFees + operatorFees + l1Fees;
        uint256 stakers = revenue * stakersBps / BPS;
        shares = new ShareInfo[](2);
        shares[0] = ShareInfo(payable(MoneyHashes.poolPayee(POOL_KIND_STAKERS, 0)), stakers);
        shares[1] = ShareInfo(payable(MoneyHashes.poolPayee(POOL_KIND_TREASURY, 0)), revenue - stakers);
    }

    function _set(uint16 to) private {
        if (to < STAKERS_BPS_MIN || to > STAKERS_BPS_MAX) {
            revert StakersShareOutOfBounds(to, STAKERS_BPS_MIN, STAKERS_BPS_MAX);
        }
        stakersBps = to;
        emit StakersShareSet(to);
    }
}
